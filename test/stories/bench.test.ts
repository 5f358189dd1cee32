import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { summaryOf } from "../../bench/figures.ts";
import type { SuiteResult } from "../../bench/result.ts";
import { suites } from "../../bench/suites.ts";
import { checkout } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
const isLinux = process.platform === "linux";

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
});
