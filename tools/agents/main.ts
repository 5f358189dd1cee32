/** `npm run agents`: kills agents on purpose, and reports what became of the grants of their people. */
import { randomInt } from "node:crypto";
import { readOptions, usage } from "./options.ts";
import type { AgentsOptions } from "./options.ts";
import { runAgents } from "./run.ts";
import { table, violationsOf } from "./verdict.ts";

function optionsOrUsage(): AgentsOptions {
  try {
    return readOptions(process.argv.slice(2), randomInt(2 ** 31));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    process.exit(2);
  }
}

const options = optionsOrUsage();
process.stderr.write(`seed ${options.seed}\n`);
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
const report = await runAgents(options, interrupted.signal);
process.stdout.write(table(report));
process.exitCode = violationsOf(report).length === 0 ? 0 : 1;
