/**
 * Runs commands one after the other in this process: a start for each would take hours. They come as lines of JSON on
 * standard input; a line of it is printed on both outputs after each, so that what was said can be told apart.
 */
import { createInterface } from "node:readline";
import { run } from "../../src/cli/program.ts";

/** One command, with variables of its environment, which are gone after it. */
export interface PlantedCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What is printed when a command has ended. */
export const endOfCommand = "=== end of command ===";

if (import.meta.main) {
  // Each run listens to the output anew.
  process.stdout.setMaxListeners(0);
  for await (const line of createInterface({ input: process.stdin })) {
    const { argv, env } = JSON.parse(line) as PlantedCommand;
    const before = { ...process.env };
    Object.assign(process.env, env);
    process.exitCode = undefined;
    const code = await run([process.execPath, "onbehalf", ...argv]);
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    process.stdout.write(`\n${endOfCommand}${code}\n`);
    process.stderr.write(`\n${endOfCommand}${code}\n`);
  }
  process.exit(0);
}
