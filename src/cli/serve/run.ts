import { defined } from "../../core/defined.ts";
import { faultLogger, runService, serviceLogger, settingsFrom } from "../../service/index.ts";
import { settingsAmong } from "../flags.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, say } from "../terminal/print.ts";
import { untilStopped } from "../terminal/stop.ts";

/** How long the process may live on after all is closed, milliseconds: enough to print what was said. */
const lingerMs = 1_000;

/** Serves until SIGTERM or SIGINT, then accepts nothing new, finishes the requests under way, and returns. */
export async function serve(flags: { readonly migrate: boolean; readonly json?: boolean }): Promise<void> {
  // Listen for signals from the start: one that comes while the store is being opened must not leave it half open.
  const stopped = untilStopped();
  // Node would print the error with its message and properties, which may repeat what somebody sent. The keeper finishes
  // and stores what was begun.
  process.once("uncaughtException", (error) => {
    faultLogger(serviceLogger("error"))(error, "the service, which this ended");
    process.exit(exitCodes.failed);
  });
  const service = await runService(settingsFrom(settingsAmong(flags)), { migrate: flags.migrate });
  const { url, metricsUrl: metrics } = service;
  if (flags.json === true) printJson({ service: url, ...defined({ metrics }), pid: process.pid });
  else say(`serving on ${url}${metrics === undefined ? "" : `, and metrics on ${metrics}/metrics`}`);
  const signal = await stopped;
  say(`${signal}: finishing the requests under way; send it again to stop at once`);
  await service.close();
  say("stopped");
  // What could not be closed in time, such as a connection to a store that does not answer, must not keep the process.
  setTimeout(() => process.exit(), lingerMs).unref();
}
