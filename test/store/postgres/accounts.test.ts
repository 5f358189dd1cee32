import assert from "node:assert/strict";
import { test } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import type { Grant, Vault } from "../../../src/index.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { accountProperties } from "../../support/account-model.ts";
import { freshDatabase } from "../../support/postgres.ts";
import { testVault } from "../../support/test-vault.ts";

accountProperties("on PostgreSQL", async (t) => postgres(await freshDatabase(t)), 6);

test("on PostgreSQL, of accounts that sign in at once with one label in several processes, one has it and each other one is told", async (t) => {
  const { open, code } = await testVault(t);
  const url = await freshDatabase(t);
  const vaults = await Promise.all([1, 2, 3].map(async () => open({ store: postgres(url) })));
  const at = (n: number): Vault => vaults[n % vaults.length] as Vault;
  for (let round = 0; round < 6; round++) {
    const externalId = `user-${round}`;
    const ends = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) =>
        at(n).exchangeCode({ code: code(`race-${round}-${n}@example.com`), externalId, account: "work" }),
      ),
    );
    const winners = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    const [winner] = winners;
    assert.ok(winner !== undefined && winners.length === 1, `${winners.length} have it`);
    for (const end of ends) {
      if (end.status === "fulfilled") continue;
      const error: unknown = end.reason;
      assert.ok(isOnbehalfError(error, "external_id_conflict"), String(error));
      assert.equal(error.details.heldBy, winner.grantId);
    }
    for (const vault of vaults) assert.equal((await vault.grant({ externalId })).grantId, winner.grantId);
  }
});

test("on PostgreSQL, one account that signs in at once for several users and under several labels is known by all users, by one label each", async (t) => {
  const { open, code } = await testVault(t);
  const url = await freshDatabase(t);
  const vaults = await Promise.all([1, 2, 3].map(async () => open({ store: postgres(url) })));
  const at = (n: number): Vault => vaults[n % vaults.length] as Vault;
  const users = ["user-1", "user-2", "user-3"];
  const labels = ["work", "home"];
  const grants: Grant[] = await Promise.all(
    users.flatMap((externalId, n) =>
      labels.map((account, m) => at(n + m).exchangeCode({ code: code("ada@example.com"), externalId, account })),
    ),
  );
  const [{ grantId } = { grantId: "" }] = grants;
  assert.ok(grants.every((grant) => grant.grantId === grantId));
  const { externalIds } = await at(0).grant(grantId);
  assert.deepEqual(externalIds.map(({ externalId }) => externalId).sort(), users);
  for (const { externalId, account } of externalIds) {
    assert.ok(labels.includes(account));
    assert.equal((await at(1).grant({ externalId, account })).grantId, grantId);
    const other = labels.find((label) => label !== account) ?? "";
    await assert.rejects(at(2).grant({ externalId, account: other }), (error) =>
      isOnbehalfError(error, "grant_not_found"),
    );
  }
});
