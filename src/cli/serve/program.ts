/**
 * `onbehalf serve` without the other commands. In the package, this file and all that it loads are bundled: a process that is
 * about to serve would otherwise find and load hundreds of files first.
 */
import { programOf, runProgram } from "../run-program.ts";
import { serveCommand } from "./command.ts";

/**
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function run(argv: readonly string[]): Promise<number> {
  return runProgram(argv, () => programOf([serveCommand()]));
}
