/** One service of a run: does what `onbehalf serve` does, sends its URL to its parent, and ends when its parent ends. */
import { isOnbehalfError } from "../../src/index.ts";
import { runService, settingsFrom } from "../../src/service/index.ts";

process.once("disconnect", () => process.exit(1));
try {
  const service = await runService(settingsFrom({}));
  process.once("SIGTERM", () => {
    void service.close().then(() => {
      if (process.connected) process.disconnect?.();
    });
    process.removeAllListeners("disconnect");
  });
  process.send?.({ url: service.url });
} catch (error) {
  if (!isOnbehalfError(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
