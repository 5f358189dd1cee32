import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { postgres } from "../../../src/store/postgres/index.ts";
import { storeSuite } from "../../../src/store/suite/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { postgresSchema } from "../../../tools/schema.ts";
import { emptyDatabase, freshDatabase } from "../../support/postgres.ts";
import { storeProperties } from "../properties.ts";

const databases = new WeakMap<Store, string>();

function storeOn(database: string): Store {
  const store = postgres({ connectionString: database, poolSize: 4 });
  databases.set(store, database);
  return store;
}

storeSuite("postgres", async (t) => storeOn(await emptyDatabase(t)), {
  again: (first) => storeOn(databases.get(first) ?? ""),
});
storeProperties("postgres", async (t) => postgres(await emptyDatabase(t)), 5);

test("the dump of PostgreSQL's schema is what the migrations result in (else: node tools/dump-schema.ts)", async (t) => {
  const dump = await readFile(new URL("../../../migrations/postgres/schema.sql", import.meta.url), "utf8");
  assert.equal(dump, await postgresSchema(await freshDatabase(t)));
});
