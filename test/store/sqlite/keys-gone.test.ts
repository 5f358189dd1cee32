import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import { testVault } from "../../support/test-vault.ts";

for (const [what, statements] of [
  ["all keys and the store's name", "DELETE FROM data_keys; DELETE FROM meta"],
  ["all keys", "DELETE FROM data_keys"],
  ["the store's name", "DELETE FROM meta"],
  ["the keys of one class", "DELETE FROM data_keys WHERE key_class = 'index'"],
  ["the keys and all grants, but not the codes", "DELETE FROM data_keys; DELETE FROM meta; DELETE FROM grants"],
] as const) {
  test(`a store that was used and has lost ${what} does not open, and gets no new ones`, async (t) => {
    const { open, code, path } = await testVault(t);
    const vault = await open();
    await vault.exchangeCode({ code: code("ada@example.com") });
    await vault.close();
    const file = new DatabaseSync(path);
    file.exec(statements);
    const keys = (): unknown => file.prepare("SELECT * FROM data_keys, meta").all();
    const before = keys();
    await assert.rejects(open(), (error) => isOnbehalfError(error, "store_unusable"));
    assert.deepEqual(keys(), before);
    file.close();
  });
}
