/** Keeps what a process has in memory from those who may send it a signal, or read its reports. */

/**
 * Node's flags for a process that holds secrets: SIGUSR1 opens no inspector, and diagnostic reports leave the
 * environment out.
 *
 * @see https://nodejs.org/api/cli.html#--disable-sigusr1
 */
export const closedToDebuggers: readonly string[] = ["--disable-sigusr1", "--report-exclude-env"];

/** The same for this process, where it was started without the flags. */
export function closeToDebuggers(): void {
  // In place of Node's own handler, which opens the inspector.
  if (!process.execArgv.includes("--disable-sigusr1") && process.platform !== "win32") {
    process.on("SIGUSR1", () => undefined);
  }
  process.report.excludeEnv = true;
}
