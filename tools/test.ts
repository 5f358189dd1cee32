/**
 * The whole test run: types and lint, the build and what it publishes, then the tests.
 *
 * - `npm test -- PATTERN` runs only the test files whose path contains PATTERN, without the checks. Several patterns run the files
 *   of each.
 * - `npm test -- --fast` runs only the tests that stay in this process, without checks and build; a PATTERN narrows it
 *   further.
 *
 * The last line of the output is `N passed, N failed, N skipped`, over all tests of the run. What failed, a test or a step
 * beside them, is named in the lines before: the output of each is thousands of lines above, and often cut off.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { run } from "./run.ts";
import type { Totals } from "./test-totals.ts";

/**
 * Tests that start processes or browsers, need the build, or break things get a process of their own each. The rest
 * share a few processes and stay fast.
 */
const isolated = [
  /^test\/(?:stories|races|faults|cli|docs|simulator|store\/(?:postgres|scale))\//,
  /^test\/browser\/(?:connect-\w+|dashboard[\w-]*|popup|redirect|whole)\./,
  /^test\/request-path\./,
  /^test\/standin\/(?:documentation|python-clients|pages\/(?:gsi-client|kinds))\./,
  /^test\/store\/sqlite\/(?:disk|processes)\./,
];
/** In those folders, but in one process and without the build. */
const inProcess =
  /^test\/(?:races\/verdict|faults\/polite|cli\/(?:terminal\/(?:node-version|ask)|help|program|config-file|new-file|(?:doctor|explain|init)\/[\w-]+)|docs\/claimed-tests)\./;

const { values, positionals } = parseArgs({ options: { fast: { type: "boolean" } }, allowPositionals: true });
const isFast = values.fast === true;
const isWhole = positionals.length === 0 && !isFast;

const files = globSync("test/**/*.test.ts")
  .filter((file) => positionals.length === 0 || positionals.some((pattern) => file.includes(pattern)))
  .sort();
const isAlone = (file: string): boolean => !inProcess.test(file) && isolated.some((group) => group.test(file));
const shared = files.filter((file) => !isAlone(file));
const alone = isFast ? [] : files.filter(isAlone);

/** For what the runs write; in memory where that is possible, because waiting for the disk takes half of the time. */
const folder = mkdtempSync(join(isFast && existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "onbehalf-tests-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Hundreds of processes start in these tests: compiling the same files for each would take most of the time. */
const env = {
  NODE_COMPILE_CACHE: resolve("node_modules/.cache/node"),
  ...process.env,
  ...(isFast ? { TMPDIR: folder } : {}),
};
const totalsFiles: string[] = [];
const failedSteps: string[] = [];

if (isWhole) await step("tools/check.ts");
if (!isFast) await step("tools/build.ts");
if (isWhole) await step("tools/check-package.ts");

await Promise.all(portions(shared).map((portion, n) => test(["--test-isolation=none", ...portion], n === 0)));
if (alone.length > 0) await test(["--test-concurrency=2", ...alone], true);

const totals = sum(totalsFiles.map(read));
if (totals.passed + totals.failed + totals.skipped === 0) {
  failedSteps.push(files.length === 0 ? `no test file matches ${positionals.join(", ")}` : "no test ran");
}
// A library that a test imports can end the process with 0: the count is believed, not only the exit code.
if (totals.failed > 0) failedSteps.push(`${totals.failed} tests`);
for (const failure of totals.failures) process.stdout.write(`failed: ${failure}\n`);
if (failedSteps.length > 0) process.stdout.write(`failed: ${failedSteps.join(", ")}\n`);
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
process.exitCode = failedSteps.length > 0 ? 1 : 0;

/** Runs one of the programs of this folder before the tests. The tests run all the same: one run tells everything. */
async function step(program: string): Promise<void> {
  if ((await run("node", [program])) !== 0) failedSteps.push(program);
}

/**
 * Runs test files. What a run prints is shown at once, or whole when it ends, so that runs side by side do not mix their
 * lines.
 */
async function test(args: readonly string[], showAtOnce: boolean): Promise<void> {
  const totalsFile = join(folder, `totals-${totalsFiles.length}`);
  totalsFiles.push(totalsFile);
  const child = spawn(
    "node",
    [
      "--test",
      "--test-timeout=120000",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      `--test-reporter=${resolve("tools/test-totals.ts")}`,
      `--test-reporter-destination=${totalsFile}`,
      ...args,
    ],
    { stdio: ["inherit", showAtOnce ? "inherit" : "pipe", "inherit"], env },
  );
  const output: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (ended) => resolve(ended ?? 1));
  });
  process.stdout.write(Buffer.concat(output));
  if (code !== 0) failedSteps.push(`a run of ${args.length - 1} test files`);
}

/**
 * Divides files into portions of about the same size that run side by side: one more than there are processors, because
 * tests also wait. Few files stay together.
 */
function portions(all: readonly string[]): string[][] {
  const count = all.length < 20 ? Math.min(all.length, 1) : Math.min(availableParallelism() + 1, 4);
  const result = Array.from({ length: count }, () => ({ bytes: 0, files: [] as string[] }));
  const bySize = all.map((file) => ({ file, bytes: statSync(file).size })).sort((a, b) => b.bytes - a.bytes);
  for (const { file, bytes } of bySize) {
    const smallest = result.reduce((least, each) => (each.bytes < least.bytes ? each : least));
    smallest.files.push(file);
    smallest.bytes += bytes;
  }
  return result.map((portion) => portion.files.sort());
}

/** A run that ended before it counted its tests has failed, and says so by its exit code; it counts as one failure. */
function read(file: string): Totals {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return text === "" ? { passed: 0, failed: 1, skipped: 0, failures: [] } : (JSON.parse(text) as Totals);
}

function sum(all: readonly Totals[]): Totals {
  return all.reduce(
    (one, other) => ({
      passed: one.passed + other.passed,
      failed: one.failed + other.failed,
      skipped: one.skipped + other.skipped,
      failures: [...one.failures, ...other.failures],
    }),
    { passed: 0, failed: 0, skipped: 0, failures: [] },
  );
}
