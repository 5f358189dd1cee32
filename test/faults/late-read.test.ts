import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isOnbehalfError } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { Store } from "../../src/store/store.ts";
import { changePollMs } from "../../src/vault/tokens/change-poll.ts";
import { testVault } from "../support/test-vault.ts";

test("a row that was read before a revocation and comes after the news of it is not remembered", async (t) => {
  const fixture = await testVault(t);
  const elsewhere = await fixture.open();
  const { grantId } = await elsewhere.exchangeCode({ code: fixture.code("ada@example.com") });
  const file = sqlite(fixture.path);
  const arrives = Promise.withResolvers<void>();
  const slow: Store = {
    ...file,
    async grantById(id) {
      const row = await file.grantById(id);
      await arrives.promise;
      return row;
    },
  };
  const vault = await fixture.open({ store: slow });
  const early = vault.getAccessToken(grantId);
  await elsewhere.revoke(grantId);
  await pause(3 * changePollMs);
  arrives.resolve();
  await early;
  assert.equal(vault.peekAccessToken(grantId), undefined);
  await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "reauthorization_required"));
});
