import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { format, resolveConfig } from "prettier";
import { keptResults } from "../../tools/fleet/kept-results.ts";
import { publishedRuns } from "../../tools/fleet/options.ts";
import { scalePage } from "../../tools/fleet/scale-page.ts";
import { measuredCosts } from "../../tools/fleet/unit-costs.ts";
import { checkout } from "../support/checkout-bin.ts";

const path = `${checkout}docs/scale.md`;
const page = readFileSync(path, "utf8");

describe("docs/scale.md", () => {
  test("docs/scale.md is what npm run fleet:page makes of the costs and results that are kept", async () => {
    const options = await resolveConfig(path);
    assert.equal(page, await format(scalePage(measuredCosts(), keptResults()), { ...options, parser: "markdown" }));
  });

  test("docs/scale.md names scripts that are there", () => {
    const { scripts } = JSON.parse(readFileSync(`${checkout}package.json`, "utf8")) as { scripts: object };
    for (const [, script = ""] of page.matchAll(/npm run ([\w:]+)/g)) assert.ok(script in scripts, script);
  });

  test("no run that docs/scale.md shows has lost a grant or broken a rule, and each can be made again", () => {
    const results = [...keptResults().values()];
    for (const { run, lost, violations } of results) {
      assert.equal(lost, 0, run.scenario);
      assert.deepEqual(violations, [], run.scenario);
    }
    const names = results.map(({ run }) => `${run.scenario} ${JSON.stringify(run.rotation)} ${run.routing}`);
    const published = publishedRuns.map(
      ({ scenario, rotation = "none", routing = "any" }) => `${scenario} ${JSON.stringify(rotation)} ${routing}`,
    );
    assert.deepEqual(names.toSorted(), published.toSorted());
  });
});
