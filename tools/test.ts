/**
 * The whole test run: types and lint, the build and what it publishes, then the tests.
 * `npm test -- PATTERN` runs only the test files whose path contains PATTERN, without the checks.
 */
import { globSync } from "node:fs";
import { resolve } from "node:path";
import { run } from "./run.ts";

const pattern = process.argv[2];

/** Lanes that start processes or break things get a process of their own; the rest share one and stay fast. */
const isolated = /^test\/(?:stories|races|faults|cli|docs|store\/postgres)\//;

const files = globSync("test/**/*.test.ts")
  .filter((file) => pattern === undefined || file.includes(pattern))
  .sort();
/** Hundreds of processes start in these tests: compiling the same files for each would take most of the time. */
const env = { NODE_COMPILE_CACHE: resolve("node_modules/.cache/node"), ...process.env };
const node = (args: string[]): Promise<number> =>
  run("node", ["--test", "--test-reporter=spec", "--test-timeout=120000", ...args], env);

let worst = 0;
if (pattern === undefined) {
  worst = Math.max(worst, await run("node", ["tools/check.ts"]));
}
worst = Math.max(worst, await run("node", ["tools/build.ts"]));
if (pattern === undefined) worst = Math.max(worst, await run("node", ["tools/check-package.ts"]));

const shared = files.filter((file) => !isolated.test(file));
if (shared.length > 0) worst = Math.max(worst, await node(["--test-isolation=none", ...shared]));

const alone = files.filter((file) => isolated.test(file));
if (alone.length > 0) worst = Math.max(worst, await node(["--test-concurrency=2", ...alone]));

if (files.length === 0) {
  process.stderr.write(`no test file matches ${String(pattern)}\n`);
  worst = 1;
}
process.exit(worst);
