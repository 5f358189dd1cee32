/** `node tools/provider-table.ts`: asks every provider of the matrix, and writes the table of docs/providers.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { cells } from "./provider-matrix/matrix.ts";
import type { Cell } from "./provider-matrix/matrix.ts";
import { table, withTable } from "./provider-matrix/table.ts";

const path = new URL("../docs/providers.md", import.meta.url).pathname;
const results: [Cell, string][] = [];
for (const cell of cells()) results.push([cell, await cell.run()]);
const page = withTable(readFileSync(path, "utf8"), table(results));
writeFileSync(path, await format(page, { ...(await resolveConfig(path)), filepath: path }));
