import { defined } from "../../core/defined.ts";
import { closeToDebuggers } from "../../keeper-process/closed-to-debuggers.ts";
import { keepMemorySmall } from "../../keeper-process/small-memory.ts";
import type { RunningService } from "../../service/run.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, say } from "../terminal/print.ts";
import { untilStopped } from "../terminal/stop.ts";
import type { ServeFlags } from "./shown-flags.ts";

/** How long the process may live on after all is closed, milliseconds: enough to print what was said. */
const lingerMs = 1_000;

/**
 * Serves until SIGTERM or SIGINT, then accepts nothing new, finishes the requests under way, and returns.
 *
 * @returns the exit code
 */
export async function untilEnd(flags: ServeFlags, start: () => Promise<RunningService>): Promise<number> {
  closeToDebuggers();
  keepMemorySmall("service");
  // Listen for signals before anything is opened: one that comes meanwhile must not leave the store half open.
  const stopped = untilStopped();
  // Node would print the error with its message and properties, which may repeat what somebody sent. The keeper finishes
  // and stores what was begun.
  process.once("uncaughtException", (error) => void endWith(error));
  const service = await start();
  const { url, metricsUrl: metrics, dashboardUrl: dashboard } = service;
  if (flags.json === true) printJson({ service: url, ...defined({ metrics, dashboard }), pid: process.pid });
  else say(`serving on ${url}${metrics === undefined ? "" : `, and metrics on ${metrics}/metrics`}`);
  if (dashboard !== undefined && flags.json !== true) {
    say(`the dashboard lets one browser in with this link, within ten minutes: ${dashboard}`);
  }
  const signal = await stopped;
  say(`${signal}: finishing the requests under way; send it again to stop at once`);
  await service.close();
  say("stopped");
  // What could not be closed in time, such as a connection to a store that does not answer, must not keep the process.
  setTimeout(() => process.exit(), lingerMs).unref();
  return exitCodes.done;
}

/** Says what has ended the process, and ends it. */
async function endWith(error: Error): Promise<never> {
  try {
    const { logLastFault } = await import("../../service/last-fault.ts");
    logLastFault(error, "the service, which this ended");
  } finally {
    process.exit(exitCodes.failed);
  }
}
