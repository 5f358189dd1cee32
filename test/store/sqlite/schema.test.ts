import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { sqliteSchema } from "../../../tools/schema.ts";

test("the dump of SQLite's schema is what the migrations result in (else: node tools/dump-schema.ts)", async () => {
  assert.equal(
    await readFile(new URL("../../../migrations/sqlite/schema.sql", import.meta.url), "utf8"),
    sqliteSchema(),
  );
});
