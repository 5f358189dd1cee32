/**
 * `onbehalf serve` with flags. In the package, this file and all that it loads are bundled beside the program that had none of it:
 * what is thrown here is reported here, since an error of another bundle's would be of another class.
 */
import { programOf, runProgram } from "../run-program.ts";
import { serveCommand } from "./command.ts";

/**
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function runWithFlags(argv: readonly string[]): Promise<number> {
  return runProgram(argv, () => programOf([serveCommand()]));
}
