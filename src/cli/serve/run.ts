import { runService, settingsFrom } from "../../service/index.ts";
import { settingsAmong } from "../flags.ts";
import { printJson, say } from "../terminal/print.ts";
import { untilStopped } from "../terminal/stop.ts";

/** Serves until SIGTERM or SIGINT, then takes nothing new, finishes what is under way, and returns. */
export async function serve(flags: { readonly migrate: boolean; readonly json?: boolean }): Promise<void> {
  // Listened for from the start on: a signal that came while the store is opened must not leave it half open.
  const stopped = untilStopped();
  const service = await runService(settingsFrom(settingsAmong(flags)), { migrate: flags.migrate });
  if (flags.json === true) printJson({ service: service.url, pid: process.pid });
  else say(`serving on ${service.url}`);
  const signal = await stopped;
  say(`${signal}: finishing what is under way; once more to stop at once`);
  await service.close();
  say("stopped");
}
