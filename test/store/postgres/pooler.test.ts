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
  test("is noticed and said; grants are refreshed all the same, and nobody passes for dead", async (t) => {
    const database = await emptyDatabase(t);
    const pooled = await throughPgBouncer(t, database);
    if (pooled === undefined) return;
    const [store, direct] = [await opened(t, pooled), await opened(t, database)];
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

  test("does no harm where the direct way is given as well", async (t) => {
    const database = await emptyDatabase(t);
    const pooled = await throughPgBouncer(t, database);
    if (pooled === undefined) return;
    const store = await opened(t, { connectionString: pooled, directConnectionString: database });
    const other = await opened(t, database);
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

async function opened(t: TestContext, where: string | PostgresOptions): Promise<Store> {
  const store = postgres(where);
  t.after(() => store.close());
  await store.open({ clock: systemClock });
  return store;
}
