import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { summaryOf } from "../../bench/figures.ts";
import { mixedLoad } from "../../bench/hour-load.ts";
import type { Part, Verdict } from "../../bench/hour-verdict.ts";
import type { SuiteResult } from "../../bench/result.ts";
import { suites } from "../../bench/suites.ts";
import { checkout } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
const isLinux = process.platform === "linux";

/** Programs that are no suites: small numbers for each, and what it prints when it has measured. */
const programs: readonly (readonly [file: string, numbers: NodeJS.ProcessEnv, prints: RegExp])[] = [
  ["audit.ts", { BENCH_ROUNDS: "1", BENCH_REQUESTS: "50" }, /with the audit log \/ without: median [\d.]+ /],
  ["remote.ts", { BENCH_ROUNDS: "1", BENCH_REQUESTS: "200" }, /remote \/ embedded vault: median [\d.]+ /],
  ["proxy.ts", { BENCH_REQUESTS: "64" }, /16 at once, through the proxy: median, 99th percentile [\d.]+ ms/],
  ["token-endpoint.ts", { BENCH_ROUNDS: "1", BENCH_REQUESTS: "50" }, /token endpoint \(HTTP Basic\).*median [\d.]+ /],
  ["commits.ts", { COMMITS_UNITS: "8", COMMITS_ROUNDS: "1", COMMITS_AT_ONCE: "1,8" }, /\d/],
  [
    "refresh.ts",
    { BENCH_REFRESHES: "16", BENCH_ROUNDS: "1", BENCH_SETTINGS: "sqlite, embedded" },
    /64 at once: \d+ a second/,
  ],
];

describe("npm run bench", { skip: isLinux ? false : "reads the process table of Linux" }, () => {
  for (const { name } of suites) {
    test(
      `npm run bench: the suite ${name} runs with small numbers, and writes a figure of each contender`,
      { timeout: 400_000 },
      async (t) => {
        const file = join(await temporaryFolder(t), "result.json");
        const args = ["bench/main.ts", "--suite", name, "--trial", "--json", file];
        const { stdout } = await run(process.execPath, args, { cwd: checkout });
        const result = JSON.parse(readFileSync(file, "utf8")) as SuiteResult;
        assert.deepEqual([result.suite, result.isTrial, result.rounds], [name, true, 1]);
        assert.ok(result.tables.length > 0);
        for (const table of result.tables) {
          assert.ok(table.rows.length > 1, table.title);
          assert.equal(new Set(table.rows.map((row) => row.name)).size, table.rows.length, "names are different");
          for (const row of table.rows) {
            assert.equal(row.figures.length, 1, row.name);
            assert.ok(row.figures.every(Number.isFinite), row.name);
            assert.ok(stdout.includes(row.name), row.name);
            const { ratio } = summaryOf(table, row);
            assert.equal(ratio === undefined, row.against === undefined, `${row.name} is compared with ${row.against}`);
          }
        }
      },
    );
  }

  for (const [program, numbers, prints] of programs) {
    test(
      `bench/${program} runs with small numbers, and prints what it has measured`,
      { timeout: 200_000 },
      async () => {
        const env = { ...process.env, ...numbers };
        // One that is above its limit with numbers as small as these ends with 1, and has printed them.
        const { stdout } = await run(process.execPath, [`bench/${program}`], { cwd: checkout, env }).catch(
          (error: unknown) => error as { stdout: string },
        );
        assert.match(stdout, prints);
      },
    );
  }

  test(
    "npm run bench:hour: a minute of it counts requests of each kind, and watches the memory of each process",
    { timeout: 300_000 },
    async (t) => {
      const file = join(await temporaryFolder(t), "hour.json");
      const args = ["bench/hour.ts", "--minutes", "0.1", "--grants", "50", "--json", file];
      // Its verdict is about numbers that this short time does not give.
      await run(process.execPath, args, { cwd: checkout }).catch(() => undefined);
      const { parts, verdict } = JSON.parse(readFileSync(file, "utf8")) as { parts: readonly Part[]; verdict: Verdict };
      assert.equal(parts.length, 10);
      const kinds = new Set(parts.flatMap((part) => Object.keys(part.kinds)));
      for (const kind of mixedLoad(1, 1)) assert.ok(kinds.has(kind.name), kind.name);
      assert.deepEqual(Object.keys(parts[0]?.memory ?? {}).sort(), ["holder", "keeper", "service"]);
      assert.deepEqual(verdict.undocumented, []);
    },
  );
});
