/**
 * Does what a command is for, and tells how it failed.
 *
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function reporting(argv: readonly string[], work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const { report } = await import("./terminal/failure.ts");
    return report(error, argv.includes("--json"), argv);
  }
}
