/**
 * `npm run bench`: what Onbehalf costs, beside what somebody would write by hand and beside other software. Contenders take turns,
 * round by round; what counts are ratios within one run, by the CPU time of the server.
 *
 * - `--suite NAME,NAME`: some of the suites; all by default. `--list` names them.
 * - `--rounds N`: rounds that are counted; each suite has a number of its own.
 * - `--json FILE`: writes the result; with several suites, FILE is a folder. `npm run bench:page` makes `docs/performance.md`.
 * - `--trial`: with tiny numbers, to see that it runs.
 * - `--folder DIR`: where databases are whose commits are measured; a temporary folder by default.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { canPin, pinThisProcess } from "./pinning.ts";
import { loadNow, thisMachine } from "./result.ts";
import type { SuiteResult } from "./result.ts";
import type { Suite } from "./suite.ts";
import { suites } from "./suites.ts";
import { textOf } from "./text.ts";

const { values } = parseArgs({
  options: {
    suite: { type: "string", default: suites.map(({ name }) => name).join(",") },
    rounds: { type: "string" },
    json: { type: "string" },
    folder: { type: "string", default: tmpdir() },
    trial: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});
const isTrial = values.trial;
const chosen = values.suite.split(",").map((name) => {
  const suite = suites.find((each) => each.name === name);
  if (suite === undefined) {
    say(`there is no suite ${name}: choose among ${suites.map((each) => each.name).join(", ")}`);
    process.exit(2);
  }
  return suite;
});
const roundsOf = (suite: Suite): number => Number(values.rounds ?? (isTrial ? 1 : suite.rounds));
const minutes = (some: readonly Suite[]): string =>
  (some.reduce((sum, suite) => sum + suite.seconds(roundsOf(suite)), 0) / 60).toFixed(1);

if (values.list) {
  for (const suite of suites) process.stdout.write(`${suite.name}: ${suite.title}; ${minutes([suite])} minutes\n`);
} else {
  if (!isTrial) say(`about ${minutes(chosen)} minutes`);
  if (!canPin) say("nothing is pinned to a processor here");
  for (const suite of chosen) {
    // The next ones are measured all the same: a quiet machine is seldom.
    try {
      const result = await resultOf(suite);
      process.stdout.write(textOf(result));
      if (values.json !== undefined) write(result, values.json);
    } catch (error) {
      process.stderr.write(`${suite.name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}

async function resultOf(suite: Suite): Promise<SuiteResult> {
  const rounds = roundsOf(suite);
  say(`${suite.name}: ${suite.title}`);
  const began = new Date();
  const before = loadNow();
  const machine = thisMachine();
  const leftOut: { name: string; why: string }[] = [];
  const folder = await mkdtemp(join(values.folder, "onbehalf-bench-"));
  const quickFolder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "onbehalf-bench-"));
  try {
    pinThisProcess(suite.isPinned);
    const tables = await suite.run({
      rounds,
      isTrial,
      folder,
      quickFolder,
      tell: say,
      leaveOut: (name, why) => void leftOut.push({ name, why }),
      size: (number, inTrial) => (isTrial ? inTrial : number),
    });
    const tookSeconds = Math.round((Date.now() - began.getTime()) / 1_000);
    const load = [before, loadNow()] as const;
    return {
      suite: suite.name,
      began: began.toISOString(),
      tookSeconds,
      isTrial,
      rounds,
      machine,
      load,
      tables,
      leftOut,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(quickFolder, { recursive: true, force: true });
  }
}

function write(result: SuiteResult, where: string): void {
  const isFolder = chosen.length > 1 || where.endsWith("/");
  if (isFolder) mkdirSync(where, { recursive: true });
  writeFileSync(isFolder ? join(where, `${result.suite}.json`) : where, `${JSON.stringify(result, null, 2)}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
