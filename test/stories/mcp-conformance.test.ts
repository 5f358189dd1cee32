/**
 * The protocol's own conformance suite for clients, with tokens in a vault. `CONFORMANCE=full` also runs it with tokens in memory,
 * and the scenarios that are in no suite; `node tools/conformance.ts` writes the table that it is compared with.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { suiteResults } from "../mcp/conformance/suite.ts";
import { allRows, columns, rowsIn } from "../mcp/conformance/table.ts";

const isFull = process.env["CONFORMANCE"] === "full";
const documented = rowsIn(readFileSync(new URL("../../docs/specs/mcp-authorization.md", import.meta.url), "utf8"));

for (const [index, [sdk, kept]] of columns.entries()) {
  if (kept !== "vault") continue;
  test(
    `a client of SDK ${sdk} with tokens in a vault passes the conformance suite for authorization`,
    { timeout: 300_000 },
    async () => {
      const results = await suiteResults(sdk, kept);
      assert.ok(results.size >= 14, `${results.size} scenarios`);
      assert.deepEqual(
        [...results].filter(([, passes]) => !passes),
        [],
      );
      const told = new Map(documented.map((row) => [row[0], row[index + 1]]));
      assert.deepEqual(
        [...results.keys()].filter((scenario) => told.get(scenario) !== "passes"),
        [],
      );
    },
  );
}

test("whatever scenario a client with tokens of its own passes, one with tokens in a vault passes, as the table says", () => {
  assert.ok(documented.length >= 22);
  const worse = documented.filter(([, memory1, vault1, memory2, vault2]) => {
    return (memory1 === "passes" && vault1 !== "passes") || (memory2 === "passes" && vault2 !== "passes");
  });
  assert.deepEqual(worse, []);
});

describe("the whole table of the conformance suite", { skip: !isFull && "CONFORMANCE=full runs it" }, () => {
  test("the table of the conformance suite is what comes out of it", async () => {
    assert.deepEqual(await allRows(), documented);
  });
});
