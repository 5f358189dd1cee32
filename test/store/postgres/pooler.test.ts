import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import type { PostgresOptions } from "../../../src/store/postgres/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, read, save, tokens } from "../../../src/store/suite/rows.ts";
import { eventually } from "../../support/eventually.ts";
import { throughPgBouncer } from "../../support/pgbouncer.ts";
import { administer, emptyDatabase } from "../../support/postgres.ts";

describe("a pooler before PostgreSQL", () => {
  test("a store behind a pooler says so, commits refreshes all the same, and takes no owner for dead", async (t) => {
    const database = await emptyDatabase(t);
    const pooled = await throughPgBouncer(t, database);
    if (pooled === undefined) return;
    const [store, direct] = [await openStore(t, pooled), await openStore(t, database)];
    assert.match(store.notes?.()[0]?.note ?? "", /pooler/);
    assert.deepEqual(direct.notes?.(), []);

    await store.announceOwner?.(owner("behind the pooler"));
    assert.equal(await direct.ownerLiveness?.(owner("behind the pooler")), "unknown");

    const rows = await Promise.all(Array.from({ length: 8 }, () => save(store)));
    const { seq } = await direct.changesSince(0);
    const committed = await Promise.all(
      rows.flatMap(({ grantId }) => [store, direct].map((each) => each.commitAttempt(grantId, 1, tokens("2"), 1))),
    );
    assert.equal(committed.filter(Boolean).length, rows.length);
    assert.equal((await store.changesSince(seq)).changes.length, rows.length);

    // What was set for our transactions must not stay on connections that others get next.
    const settings = await administer(pooled, "SELECT current_setting('lock_timeout') AS lock_timeout");
    assert.deepEqual(settings, [{ lock_timeout: "0" }]);
  });

  test("a store behind a pooler that has a direct connection, too, works as without a pooler", async (t) => {
    const database = await emptyDatabase(t);
    const pooled = await throughPgBouncer(t, database);
    if (pooled === undefined) return;
    const store = await openStore(t, { connectionString: pooled, directConnectionString: database });
    const other = await openStore(t, database);
    assert.deepEqual(store.notes?.(), []);
    await store.announceOwner?.(owner("behind the pooler"));
    assert.equal(await other.ownerLiveness?.(owner("behind the pooler")), "alive");
    let hints = 0;
    store.onChange?.(() => (hints += 1));
    const { grantId } = await save(other);
    await eventually(
      () => hints,
      (count) => count > 0,
    );
    assert.equal((await read(store, grantId)).generation, 1);
  });
});

async function openStore(t: TestContext, where: string | PostgresOptions): Promise<Store> {
  const store = postgres(where);
  t.after(() => store.close());
  await store.open({ clock: systemClock });
  return store;
}
