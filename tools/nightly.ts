/**
 * Everything that takes too long for each change.
 *
 * - `npm run nightly` runs all lanes, one after the other, for hours.
 * - `npm run nightly -- ODD FLOOD` runs these.
 * - `npm run nightly -- --list` says which there are.
 *
 * The last lines say of each lane whether it passed.
 */
import { parseArgs } from "node:util";
import { nightlyLanes } from "./nightly-lanes.ts";
import { run } from "./run.ts";

const { values, positionals } = parseArgs({ options: { list: { type: "boolean" } }, allowPositionals: true });
const unknown = positionals.filter((name) => nightlyLanes.every((lane) => lane.name !== name));
if (values.list === true) {
  for (const { name, what } of nightlyLanes) process.stdout.write(`${name.padEnd(14)}${what}\n`);
} else if (unknown.length > 0) {
  process.stderr.write(`there is no lane ${unknown.join(", ")}; see: npm run nightly -- --list\n`);
  process.exitCode = 1;
} else {
  const chosen = nightlyLanes.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const results: string[] = [];
  for (const { name, args } of chosen) {
    const begun = performance.now();
    const code = await run("node", args, { ...process.env, [name]: "full" });
    if (code !== 0) process.exitCode = 1;
    const minutes = ((performance.now() - begun) / 60_000).toFixed(0);
    results.push(`${name.padEnd(14)}${code === 0 ? "passed" : "FAILED"} in ${minutes} min`);
  }
  process.stdout.write(`${results.join("\n")}\n`);
}
