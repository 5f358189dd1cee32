/** One service of a run, as `onbehalf serve` is; tells its URL, and ends when whoever started it ends. */
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
