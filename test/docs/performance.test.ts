import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { format, resolveConfig } from "prettier";
import { shown, summaryOf } from "../../bench/figures.ts";
import { performancePage } from "../../bench/performance-page.ts";
import type { Row, Table } from "../../bench/result.ts";
import { committedResults } from "../../bench/results.ts";
import { suites } from "../../bench/suites.ts";
import { checkout } from "../support/checkout-bin.ts";

const path = `${checkout}docs/performance.md`;
const page = readFileSync(path, "utf8");

describe("docs/performance.md", () => {
  test("docs/performance.md is what npm run bench:page makes of the results that are kept in bench/results/", async () => {
    const options = await resolveConfig(path);
    assert.equal(page, await format(performancePage(committedResults()), { ...options, parser: "markdown" }));
  });

  test("docs/performance.md names scripts and suites that are there", () => {
    const { scripts } = JSON.parse(readFileSync(`${checkout}package.json`, "utf8")) as { scripts: object };
    for (const [, script = ""] of page.matchAll(/npm run ([\w:]+)/g)) assert.ok(script in scripts, script);
    for (const [, name = ""] of page.matchAll(/--suite (\w+)/g))
      assert.ok(
        suites.some((suite) => suite.name === name),
        name,
      );
  });

  test("docs/performance.md shows results of real numbers only, and each of a suite that is there", () => {
    for (const { suite, isTrial } of committedResults().suites) {
      assert.equal(isTrial, false, suite);
      assert.ok(
        suites.some(({ name }) => name === suite),
        suite,
      );
    }
  });

  test("all suites together take no more than twenty minutes", () => {
    assert.ok(suites.reduce((sum, suite) => sum + suite.seconds(suite.rounds), 0) <= 20 * 60);
  });
});

describe("figures", () => {
  const row = (more: Partial<Row>): Row => ({ name: "one", figures: [2, 9, 4], ...more });
  const table = (rows: readonly Row[]): Table => ({ title: "", unit: "", rows });

  test("figures: a ratio is made round by round, so that a busy round weighs on both", () => {
    const other = row({ name: "other", figures: [1, 9, 2] });
    const { ratio, figure } = summaryOf(table([other]), row({ against: "other" }));
    assert.deepEqual(ratio, { median: 2, min: 1, max: 2 });
    assert.deepEqual(figure, { median: 4, min: 2, max: 9 });
  });

  test("figures: an aim is met at its bound, and missed beyond it; one without the row that it needs is not judged", () => {
    const judged = (aim: Row["aim"], against?: string): boolean | undefined =>
      summaryOf(
        table([row({ name: "other", figures: [1, 9, 2] })]),
        row({ ...(aim === undefined ? {} : { aim }), ...(against === undefined ? {} : { against }) }),
      ).isMet;
    assert.equal(judged({ of: "figure", atLeast: 4 }), true);
    assert.equal(judged({ of: "figure", atLeast: 4.01 }), false);
    assert.equal(judged({ of: "figure", atMost: 4 }), true);
    assert.equal(judged({ of: "figure", atMost: 3.99 }), false);
    assert.equal(judged({ of: "ratio", atLeast: 2 }, "other"), true);
    assert.equal(judged({ of: "ratio", atLeast: 2.1 }, "other"), false);
    assert.equal(judged({ of: "ratio", atLeast: 2 }), undefined);
    assert.equal(judged(undefined, "other"), undefined);
  });

  test("figures: three digits count, and thousands are parted", () => {
    assert.deepEqual([0.12345, 12.345, 123.45, 1234.5, 1_234_567].map(shown), [
      "0.123",
      "12.3",
      "123",
      "1,230",
      "1,230,000",
    ]);
    assert.equal(shown(Number.NaN), "none");
  });
});
