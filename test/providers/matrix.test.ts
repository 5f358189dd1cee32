/** Every provider of the matrix in every cell, and the table of docs/providers.md that comes of it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { format, resolveConfig } from "prettier";
import { cells } from "../../tools/provider-matrix/matrix.ts";
import type { Cell } from "../../tools/provider-matrix/matrix.ts";
import { table, withTable } from "../../tools/provider-matrix/table.ts";
import { checkout } from "../support/checkout-bin.ts";

const all = cells();
const results = new Map<Cell, string>();

describe("connect, refresh and revoke", () => {
  for (const cell of all) {
    const { provider, authentication, column } = cell;
    test(`connect, refresh and revoke at ${provider}, client by ${authentication}: ${column}`, async () => {
      results.set(cell, await cell.run());
    });
  }
});

test("docs/providers.md has the table that the providers of the matrix show", async () => {
  const path = `${checkout}docs/providers.md`;
  const page = readFileSync(path, "utf8");
  const shown = withTable(page, table(all.map((cell) => [cell, results.get(cell) ?? "failed"])));
  const expected = await format(shown, { ...(await resolveConfig(path)), filepath: path });
  assert.equal(page, expected, "run node tools/provider-table.ts");
});
