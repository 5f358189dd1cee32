/**
 * `onbehalf serve` without the other commands. In the package, this file and all that it loads are bundled: a process that is
 * about to serve would otherwise find and load hundreds of files first.
 */
import { reporting } from "../reporting.ts";
import { serve } from "./run.ts";

/**
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function run(argv: readonly string[]): Promise<number> {
  const flags = argv.slice(3);
  // As a container starts it, with its settings in the environment: what reads flags takes as long to load and to run as Node
  // itself takes to start, and there is nothing to read.
  if (flags.every((flag) => flag === "--json")) {
    return reporting(argv, () => serve({ migrate: true, json: flags.length > 0 }, {}));
  }
  const { runWithFlags } = await import("./flags-program.ts");
  return runWithFlags(argv);
}
