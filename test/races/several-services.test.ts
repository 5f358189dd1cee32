import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { eventually } from "../support/eventually.ts";
import { testVault, usualScope } from "../support/test-vault.ts";
import { administer, freshDatabase } from "../support/postgres.ts";

/** Two vaults on one database, both of which hold the token of the same grant in memory. */
async function pair(t: TestContext): Promise<{ one: Vault; other: Vault; grantId: string; url: string }> {
  const url = await freshDatabase(t);
  const place = await testVault(t);
  const [one, other] = await Promise.all([place.open({ store: postgres(url) }), place.open({ store: postgres(url) })]);
  const { grantId } = await one.exchangeCode({ code: place.code("ada@example.com", usualScope), source: "android" });
  for (const vault of [one, other]) {
    // The change of the exchange may not have arrived yet: the vault does not keep a row that it read before.
    await eventually(
      () => vault.getAccessToken({ grantId }),
      () => vault.peekAccessToken({ grantId }) !== undefined,
    );
  }
  return { one, other, grantId, url };
}

/** Milliseconds until a vault stops serving a grant's token from memory. */
async function untilForgotten(vault: Vault, grantId: string): Promise<number> {
  const start = performance.now();
  while (vault.peekAccessToken({ grantId }) !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  return performance.now() - start;
}

describe("two services on one PostgreSQL", { timeout: 60_000 }, () => {
  test("two services on one PostgreSQL: what one revokes, the other stops serving", async (t) => {
    const { one, other, grantId } = await pair(t);
    await one.revoke({ grantId });
    t.diagnostic(`forgotten after ${Math.round(await untilForgotten(other, grantId))} ms`);
    await assert.rejects(other.getAccessToken({ grantId }), (error) =>
      isOnbehalfError(error, "reauthorization_required"),
    );
  });

  test("two services on one PostgreSQL with the connection cut on which changes are told, polling still tells", async (t) => {
    const { one, other, grantId, url } = await pair(t);
    const [{ cut } = { cut: 0 }] = await administer(
      url,
      // The connection that listens also holds the lock that proves that its owner lives.
      `SELECT count(pg_terminate_backend(pid))::int AS cut FROM pg_locks JOIN pg_stat_activity USING (pid)
       WHERE locktype = 'advisory' AND datname = current_database()`,
    );
    assert.equal(Number(cut), 2, "each vault had a connection of its own");
    await one.revoke({ grantId });
    t.diagnostic(`forgotten after ${Math.round(await untilForgotten(other, grantId))} ms`);
    await assert.rejects(other.getAccessToken({ grantId }), (error) =>
      isOnbehalfError(error, "reauthorization_required"),
    );
  });

  test("two services on one PostgreSQL: callers at both cause one exchange", async (t) => {
    const url = await freshDatabase(t);
    const place = await testVault(t, {
      rotation: "strict",
      revokeFamilyOnReuse: true,
      provider: { rotation: "strict" },
    });
    const open = (): Promise<Vault> => place.open({ store: postgres(url) });
    const vaults = await Promise.all([open(), open(), open()]);
    const code = place.code("ada@example.com", usualScope);
    const { grantId } = await vaults[0].exchangeCode({ code, source: "android" });
    for (let round = 0; round < 3; round++) {
      place.clock.advance(3_700_000);
      place.newRequests();
      place.standin.fault("POST", "/token", { delayMs: 200 });
      const callers = Array.from({ length: 30 }, () => vaults).flat();
      const tokens = await Promise.all(callers.map((vault) => vault.getAccessToken({ grantId })));
      assert.equal(new Set(tokens.map(({ token }) => token)).size, 1);
      assert.deepEqual(
        place.newRequests().map(({ outcome }) => outcome),
        ["refreshed"],
      );
    }
  });
});
