import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Pool } from "pg";
import { systemClock } from "../../../src/core/clock.ts";
import { PostgresDatabase } from "../../../src/store/postgres/database.ts";
import { clientConfig } from "../../../src/store/postgres/options.ts";
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

  test("statements get names straight to a PostgreSQL server, and none behind a pooler", async (t) => {
    const url = await emptyDatabase(t);
    const pooled = await throughPgBouncer(t, url);
    const namesOn = async (where: string): Promise<number> => {
      const database = openDatabase(t, where);
      for (let n = 0; n < 3; n += 1) await database.all("SELECT 1 AS one");
      return (await database.all("SELECT name FROM pg_prepared_statements")).length;
    };
    assert.ok((await namesOn(url)) > 0);
    if (pooled !== undefined) assert.equal(await namesOn(pooled), 0);
  });

  test("where a pooler that shows the server's process ids takes names away, all is done without names", async (t) => {
    const database = openDatabase(t, await emptyDatabase(t));
    const one = (): Promise<unknown> => database.all("SELECT 1 AS one");
    await one();
    await one();
    await database.all("DEALLOCATE ALL");
    assert.deepEqual(await one(), [{ one: 1 }]);
    assert.deepEqual(await database.all("SELECT name FROM pg_prepared_statements"), []);
    assert.equal(await database.transaction((sql) => sql.run("DELETE FROM tickets"), ["key"]), 0);
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

function openDatabase(t: TestContext, url: string): PostgresDatabase {
  const database = new PostgresDatabase("here");
  const pool = new Pool({ ...clientConfig(url), max: 1 });
  // The pooler ends before the test does.
  pool.on("error", () => undefined);
  database.open(pool);
  t.after(() => database.close());
  return database;
}

async function openStore(t: TestContext, where: string | PostgresOptions): Promise<Store> {
  const store = postgres(where);
  t.after(() => store.close());
  await store.open({ clock: systemClock });
  return store;
}
