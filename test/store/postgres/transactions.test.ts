import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Client, Pool } from "pg";
import { systemClock } from "../../../src/core/clock.ts";
import { PostgresDatabase } from "../../../src/store/postgres/database.ts";
import { clientConfig } from "../../../src/store/postgres/options.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, read, save, tokens } from "../../../src/store/suite/rows.ts";
import { fails } from "../../support/fails.ts";
import { administer, freshDatabase } from "../../support/postgres.ts";

describe("transactions of a PostgreSQL store", () => {
  test("a PostgreSQL transaction that stays open neither hides changes nor holds up other writers", async (t) => {
    const database = await freshDatabase(t);
    const store = await openStore(t, database);
    const [slow, quick] = [await save(store), await save(store)];
    const { seq } = await store.changesSince(0);
    const client = await connectClient(t, database);
    await client.query("BEGIN");
    await client.query("UPDATE grants SET failures = 7 WHERE grant_id = $1", [slow.grantId]);

    // Had the open one drawn its number already, the poller would now pass it over for good.
    assert.equal(await store.commitAttempt(quick.grantId, 1, tokens("2"), 1), "active");
    const first = await store.changesSince(seq);
    assert.deepEqual(
      first.changes.map(({ grantId }) => grantId),
      [quick.grantId],
    );
    await client.query("COMMIT");
    const { changes } = await store.changesSince(first.seq);
    assert.deepEqual(
      changes.map(({ grantId }) => grantId),
      [slow.grantId],
    );
  });

  test("a statement of ours that lacks a value is a bug, and not a database that is away", async (t) => {
    const database = openDatabase(t, await freshDatabase(t));
    await assert.rejects(database.all("SELECT :one::int AS one", {}), TypeError);
  });

  test("a PostgreSQL transaction that stands still is ended by the server, before others give up waiting", async (t) => {
    const database = await freshDatabase(t);
    const store = await openStore(t, database);
    const { grantId } = await save(store);
    const stuck = openDatabase(t, database);
    const locked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const paused = stuck.transaction(async (sql) => {
      await sql.lock("SELECT grant_id FROM grants WHERE grant_id = :grantId", { grantId });
      locked.resolve();
      await goOn.promise;
      await sql.run("UPDATE grants SET failures = 7 WHERE grant_id = :grantId", { grantId });
    });
    const ended = assert.rejects(paused, fails("store_unavailable"));
    await locked.promise;
    const attempt = { attemptId: "a", grantId, generation: 1, owner: owner("a"), at: 0 };
    assert.equal((await store.beginAttempt(attempt)).kind, "begun");
    goOn.resolve();
    await ended;
    assert.equal((await read(store, grantId)).failures, 0);
  });

  test("PostgreSQL transactions are durable where the database's default is not", async (t) => {
    const database = await freshDatabase(t);
    await administer(database, `ALTER DATABASE ${nameOf(database)} SET synchronous_commit = off`);
    const [row] = await openDatabase(t, database).transaction((sql) =>
      sql.all("SELECT current_setting('synchronous_commit') AS is"),
    );
    assert.equal(row?.["is"], "on");
  });

  test("PostgreSQL transactions that fail are undone as a whole, and leave a sound connection behind", async (t) => {
    const raw = openDatabase(t, await freshDatabase(t), 1);
    await raw.transaction((sql) => sql.script("CREATE TABLE things (n INTEGER PRIMARY KEY)"));
    const mistake = raw.transaction(async (sql) => {
      await sql.run("INSERT INTO things (n) VALUES (:n)", { n: 1 });
      await sql.run("INSERT INTO things (n) VALUES (:n)", { n: 1 });
    });
    await assert.rejects(mistake, { code: "23505" });
    assert.deepEqual(await raw.all("SELECT n FROM things"), []);
    await assert.rejects(
      raw.transaction(async (sql) => {
        await sql.run("INSERT INTO things (n) VALUES (:n)", { n: 1 });
        await sql.all("SELECT nonsense").catch(() => undefined);
      }),
      TypeError,
      "a failed statement whose error was ignored",
    );
    assert.deepEqual(await raw.all("SELECT n FROM things"), []);
  });

  test("a NUL in a provider's error is stored in PostgreSQL as a replacement character", async (t) => {
    const store = await openStore(t, await freshDatabase(t));
    const { grantId } = await save(store);
    await store.beginAttempt({ attemptId: "a", grantId, generation: 1, owner: owner("a"), at: 0 });
    await store.endAttempt("a", { error: "bad\0error", at: 1, retryAt: null });
    assert.equal((await read(store, grantId)).lastError, "bad\uFFFDerror");
  });

  test("a write to a PostgreSQL database that has turned read-only fails with store_unavailable", async (t) => {
    const database = await freshDatabase(t);
    await (await openStore(t, database)).close();
    await administer(database, `ALTER DATABASE ${nameOf(database)} SET default_transaction_read_only = on`);
    const store = await openStore(t, database);
    await assert.rejects(save(store), fails("store_unavailable", "read-only"));
  });
});

function nameOf(database: string): string {
  return new URL(database).pathname.slice(1);
}

function openDatabase(t: TestContext, database: string, max = 4): PostgresDatabase {
  const raw = new PostgresDatabase("here");
  raw.open(new Pool({ ...clientConfig(database), max }));
  t.after(() => raw.close());
  return raw;
}

async function connectClient(t: TestContext, database: string): Promise<Client> {
  const client = new Client({ connectionString: database });
  t.after(() => client.end());
  await client.connect();
  return client;
}

async function openStore(t: TestContext, database: string): Promise<Store> {
  const store = postgres(database);
  t.after(() => store.close());
  await store.open({ clock: systemClock });
  return store;
}
