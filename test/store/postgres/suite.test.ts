import { postgres } from "../../../src/store/postgres.ts";
import { storeSuite } from "../../../src/store/suite.ts";
import type { Store } from "../../../src/store/store.ts";
import { freshDatabase } from "../../support/postgres.ts";

const databases = new WeakMap<Store, string>();

function storeOn(database: string): Store {
  const store = postgres(database);
  databases.set(store, database);
  return store;
}

storeSuite("postgres", async (t) => storeOn(await freshDatabase(t)), {
  again: (first) => storeOn(databases.get(first) ?? ""),
});
