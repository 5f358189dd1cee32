import { exitCodes } from "./terminal/exit-codes.ts";

/**
 * Does what a command is for, and tells how it failed.
 *
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function reporting(argv: readonly string[], work: () => Promise<number>): Promise<number> {
  // The reader of our output may stop reading: `onbehalf grants list | head` is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.done);
  });
  try {
    return await work();
  } catch (error) {
    const { report } = await import("./terminal/failure.ts");
    return report(error, argv.includes("--json"), argv);
  }
}
