import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { unsigned } from "../../../src/store/audit-store.ts";
import type { PostgresDatabase } from "../../../src/store/postgres/database.ts";
import { forMany } from "../../../src/store/sql/for-many.ts";
import { grantStore } from "../../../src/store/sql/grants.ts";
import { intakeStore } from "../../../src/store/sql/intakes.ts";
import type { Transaction } from "../../../src/store/sql/sql.ts";
import { begin, grant, intake, owner, save, tokens } from "../../../src/store/suite/rows.ts";
import { fails } from "../../support/fails.ts";
import { administer, emptyDatabase, freshDatabase } from "../../support/postgres.ts";
import { connectClient, cutBefore, openDatabase, openStore } from "./opened.ts";

/** What may go wrong with a statement or a commit, while the connection goes on. */
const failures = {
  "a serialization failure": "40001",
  "a deadlock": "40P01",
  "a lock that is not given in time": "55P03",
  "a statement that takes too long": "57014",
  "a row that is there already": "23505",
  "a number out of range": "22003",
  "an error of a trigger": "P0001",
};

const ofThing = { key: "n", column: "n", types: { n: "bigint", said: "text", sealed: "bytea" } } as const;
const insertThing = forMany(
  "INSERT INTO said (n, said, sealed) VALUES (:n, :said, :sealed) ON CONFLICT DO NOTHING",
  ofThing,
);
const insertOnce = forMany("INSERT INTO said (n, said) VALUES (:n, :said)", ofThing);
const selectThing = forMany("SELECT n, said, sealed FROM said WHERE n = :n", ofThing);
const updateThing = forMany("UPDATE said SET said = :said WHERE n = :n AND sealed IS NULL", ofThing);
const deleteThing = forMany("DELETE FROM said WHERE n = :n AND sealed IS NOT NULL", ofThing);

describe("PostgreSQL transactions that share a commit", () => {
  test("transactions with different keys that come together are committed together, and with the same key one after another", async (t) => {
    const { database } = await things(t);
    const xids = await Promise.all(Array.from({ length: 20 }, (_, n) => database.transaction(put(n), [`key ${n}`])));
    assert.ok(new Set(xids).size < 10, xids.join(" "));
    const same = await Promise.all(
      Array.from({ length: 5 }, (_, n) => database.transaction(put(100 + n), ["one key"])),
    );
    assert.equal(new Set(same).size, 5);
    assert.equal((await numbers(database)).length, 25);
  });

  for (const [what, code] of Object.entries(failures)) {
    test(`${what} in one transaction undoes that one alone`, async (t) => {
      const { database } = await things(t);
      await assertOnlyOneFails(database, async (sql) => {
        await put(7)(sql);
        await sql.all("SELECT fail(:code)", { code });
      });
    });

    test(`${what} at the commit undoes the transaction that has caused it alone`, async (t) => {
      const { database } = await things(t);
      await assertOnlyOneFails(database, async (sql) => {
        await put(7)(sql);
        await sql.run("INSERT INTO late_failures (code) VALUES (:code)", { code });
      });
    });
  }

  test("what a transaction throws after it has written undoes that one alone", async (t) => {
    const { database } = await things(t);
    await assertOnlyOneFails(database, async (sql) => {
      await put(7)(sql);
      throw new Error("changed my mind");
    });
  });

  test("a statement that lacks a value fails its own transaction alone", async (t) => {
    const { database } = await things(t);
    await assertOnlyOneFails(database, async (sql) => {
      await put(7)(sql);
      await sql.run("INSERT INTO things (n) VALUES (:n)", {});
    });
  });

  test("what many say in one statement is stored as each would have stored it alone", async (t) => {
    const { database } = await things(t);
    const texts = ["", "NUL \0 in it", '\u{1F511} {"a",\\b} NULL', "half a pair \uD83D", "  spaces  ", null];
    const sealed = [null, new Uint8Array(), new Uint8Array([0, 255, 92]), null, new Uint8Array(300).fill(7), null];
    await together(texts, (said, n) =>
      database.transaction((sql) => sql.run(insertThing, { n: 100 + n, said, sealed: sealed[n] ?? null }), [`${n}`]),
    );
    for (const [n, said] of texts.entries()) {
      await database.transaction(
        (sql) => sql.run(insertThing, { n: 200 + n, said, sealed: sealed[n] ?? null }),
        [`${n}`],
      );
    }
    const rows = await database.all("SELECT said, sealed FROM said ORDER BY n");
    assert.equal(rows.length, 12);
    assert.deepEqual(rows.slice(0, 6), rows.slice(6));
    assert.equal(rows[1]?.["said"], "NUL \uFFFD in it");
  });

  test("each of many in one statement is told of its own rows alone", async (t) => {
    const { database } = await things(t);
    await administerSaid(database, [1, 2, 3]);
    const told = await together([1, 2, 3, 4, 5], (n) =>
      database.transaction(
        async (sql) => {
          const before = (await sql.all(selectThing, { n })).map((row) => row["n"]);
          const inserted = await sql.run(insertThing, { n, said: "new", sealed: null });
          const updated = await sql.run(updateThing, { n, said: `of ${n}` });
          const deleted = await sql.run(deleteThing, { n });
          return [before, inserted, updated, deleted];
        },
        [`${n}`],
      ),
    );
    // The second has sealed bytes: it is not updated, and is deleted.
    assert.deepEqual(told, [
      [[1], 0, 1, 0],
      [[2], 0, 0, 1],
      [[3], 0, 1, 0],
      [[], 1, 1, 0],
      [[], 1, 1, 0],
    ]);
  });

  for (const [what, values] of Object.entries({
    "a row that is there already": { n: 3, said: "again" },
    "a number that does not fit": { n: 2 ** 40, said: "large" },
    "a number that is not whole": { n: 1.5, said: "half" },
    "a value of another type": { n: 9, said: 9 },
    "a value that is missing": { n: 9 },
  })) {
    test(`${what} in a statement for many fails for the one who gave it alone`, async (t) => {
      const { database } = await things(t);
      await administerSaid(database, [3]);
      const ends = await together([11, 12, 13, 14], (n) =>
        database
          .transaction(
            async (sql) => {
              if (n !== 13) return sql.run(insertOnce, { n, said: `of ${n}` });
              return sql.run(insertOnce, values);
            },
            [`${n}`],
          )
          .then(
            (count) => count,
            () => "failed",
          ),
      );
      const fails = what === "a value of another type" ? 1 : "failed";
      assert.deepEqual(ends, [1, 1, fails, 1]);
      const rows = await database.all("SELECT n FROM said WHERE n > 10 ORDER BY n");
      assert.deepEqual(
        rows.map((row) => row["n"]),
        [11, 12, 14],
      );
    });
  }

  test("one who asks the same twice has both answers, in the order in which it asked", async (t) => {
    const { database } = await things(t);
    await administerSaid(database, []);
    const told = await together([1, 2, 3], (n) =>
      database.transaction(
        (sql) =>
          Promise.all([
            sql.run(insertThing, { n, said: "first", sealed: null }),
            sql.run(insertThing, { n, said: "second", sealed: null }),
            sql.all(selectThing, { n }).then((rows) => rows.map((row) => row["said"])),
          ]),
        [`${n}`],
      ),
    );
    assert.deepEqual(
      told,
      [1, 2, 3].map(() => [1, 0, ["first"]]),
    );
  });

  test("what changed a grant meanwhile keeps its own refresh from being committed, and none of those beside it", async (t) => {
    const store = await openStore(t, await emptyDatabase(t));
    const grants = await Promise.all(Array.from({ length: 6 }, () => save(store)));
    const [moved, gone, revoked, ...others] = grants.map(({ grantId }) => grantId);
    assert.ok(moved !== undefined && gone !== undefined && revoked !== undefined);
    await store.commitAttempt(moved, 1, tokens("newer"), 1);
    await store.beginRevocation(revoked, 2);
    const ids = [moved, "g_nobody", revoked, ...others];
    const states = await Promise.all(ids.map((grantId) => store.commitAttempt(grantId, 1, tokens(`of ${grantId}`), 3)));
    assert.deepEqual(states, [undefined, undefined, undefined, "active", "active", "active"]);
    for (const grantId of others) {
      const row = await store.grantById(grantId);
      assert.deepEqual(row?.accessSealed, tokens(`of ${grantId}`).accessSealed);
      assert.equal(row?.generation, 2);
    }
    assert.deepEqual((await store.grantById(moved))?.accessSealed, tokens("newer").accessSealed);
  });

  test("a row that another transaction holds keeps only those waiting who want it", async (t) => {
    const url = await emptyDatabase(t);
    const store = await openStore(t, url);
    const grants = await Promise.all(Array.from({ length: 8 }, () => save(store)));
    const [held, ...free] = grants.map(({ grantId }) => grantId);
    assert.ok(held !== undefined);
    const holder = await connectClient(t, url);
    await holder.query("BEGIN");
    await holder.query("SELECT 1 FROM grants WHERE grant_id = $1 FOR UPDATE", [held]);

    let isHeld = true;
    const waits = begin(store, held, "a").finally(() => (isHeld = false));
    const others = await Promise.all(free.map((grantId) => begin(store, grantId, `of ${grantId}`)));
    assert.deepEqual(new Set(others.map(({ kind }) => kind)), new Set(["begun"]));
    assert.ok(isHeld);
    await holder.query("ROLLBACK");
    assert.equal((await waits).kind, "begun");
  });

  for (const [what, beside] of [
    ["alone", 0],
    ["among others", 7],
  ] as const) {
    test(`an answer for a row that another transaction holds, ${what}, is committed once it is free, and keeps nobody else waiting`, async (t) => {
      const url = await emptyDatabase(t);
      const store = await openStore(t, url);
      const [held, ...others] = (await Promise.all(Array.from({ length: 16 }, () => save(store)))).map(
        ({ grantId }) => grantId,
      );
      assert.ok(held !== undefined);
      const commit = (grantId: string): Promise<unknown> => store.commitAttempt(grantId, 1, tokens(grantId), 3);
      const holder = await connectClient(t, url);
      await holder.query("BEGIN");
      await holder.query("SELECT 1 FROM grants WHERE grant_id = $1 FOR UPDATE", [held]);

      let isHeld = true;
      const waits = commit(held).finally(() => (isHeld = false));
      const together = others.slice(0, beside).map(commit);
      const isAsked = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
      const watcher = await connectClient(t, url);
      while ((await watcher.query(isAsked)).rowCount === 0);
      for (const state of await Promise.all([...together, ...others.slice(beside).map(commit)])) {
        assert.equal(state, "active");
      }
      assert.ok(isHeld);
      await holder.query("ROLLBACK");
      assert.equal(await waits, "active");
      assert.deepEqual((await store.grantById(held))?.accessSealed, tokens(held).accessSealed);
      assert.equal((await store.grantById(held))?.generation, 2);
    });
  }

  test("a connection that is lost before the commit fails all transactions on it, and none of them is carried out", async (t) => {
    const { url } = await things(t);
    const database = openDatabase(t, url, 1);
    const cut = (sql: Transaction): Promise<unknown> => sql.all("SELECT pg_terminate_backend(pg_backend_pid())");
    const ends = await Promise.allSettled([
      ...[1, 2, 3].map((n) => database.transaction(put(n), [`key ${n}`])),
      database.transaction(
        async (sql) => {
          await put(4)(sql);
          await cut(sql);
        },
        ["key 4"],
      ),
    ]);
    for (const end of ends) if (end.status === "rejected") fails("store_unavailable")(end.reason);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["rejected", "rejected", "rejected", "rejected"],
    );
    assert.deepEqual(await numbers(database), []);
  });

  test("a server process that ends in the commit fails all transactions in it, and none of them is carried out", async (t) => {
    const { url } = await things(t);
    const database = openDatabase(t, url, 1);
    const ends = await Promise.allSettled([
      ...[1, 2, 3].map((n) => database.transaction(put(n), [`key ${n}`])),
      database.transaction((sql) => sql.run("INSERT INTO late_failures (code) VALUES ('cut')"), ["key 4"]),
    ]);
    for (const end of ends) {
      assert.equal(end.status, "rejected");
      fails("store_unavailable")(end.reason);
    }
    assert.deepEqual(await numbers(database), []);
  });

  test("a connection that is lost after the commit, before its answer, is nobody's success, and nothing is done twice", async (t) => {
    const { url, database: direct } = await things(t);
    const proxy = await cutBefore(t, url, Buffer.from("COMMIT\0"));
    const database = openDatabase(t, proxy.url, 1);
    proxy.begin();
    const ends = await Promise.allSettled(
      [1, 2, 3].map((n) =>
        database.transaction(async (sql) => sql.run("INSERT INTO things (n) VALUES (:n)", { n }), [`key ${n}`]),
      ),
    );
    for (const end of ends) {
      assert.equal(end.status, "rejected");
      fails("store_unavailable")(end.reason);
    }
    assert.deepEqual(await numbers(direct), [1, 2, 3]);
  });

  test("statements that are each a transaction share a commit with others, and each hears what it has changed", async (t) => {
    const { database } = await things(t);
    await administerSaid(database, [2]);
    const xid =
      "SELECT xmin::text AS xid FROM said WHERE n IN (1, 3, 4) UNION SELECT xmin::text FROM things WHERE n = 5";
    const told = await Promise.all([
      ...[1, 2, 3].map((n) => database.runOnce(insertThing, { n, said: "once", sealed: null }, [`key ${n}`])),
      database.transaction((sql) => sql.run(insertThing, { n: 4, said: "a body", sealed: null }), ["key 4"]),
      database.transaction(async (sql) => void (await put(5)(sql)), ["key 5"]),
      database.runOnce(updateThing, { n: 2, said: "none" }, ["key 6"]),
    ]);
    assert.deepEqual(told, [1, 0, 1, 1, undefined, 0]);
    assert.equal((await database.all(xid)).length, 1);
  });

  test("a statement that is a transaction fails alone", async (t) => {
    const { database } = await things(t);
    await administerSaid(database, [3]);
    const ends = await Promise.allSettled([
      ...[1, 2].map((n) => database.runOnce(insertOnce, { n, said: "once" }, [`key ${n}`])),
      database.runOnce(insertOnce, { n: 3, said: "again" }, ["key 3"]),
      database.transaction(put(4), ["key 4"]),
      database.runOnce(insertOnce, { n: 5 }, ["key 5"]),
    ]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "fulfilled", "rejected"],
    );
    const rows = await database.all("SELECT n FROM said ORDER BY n");
    assert.deepEqual(
      rows.map((row) => row["n"]),
      [1, 2, 3],
    );
    assert.deepEqual(await numbers(database), [4]);
  });

  test("a code whose connection is lost after the commit, before its answer, is found to be one's own", async (t) => {
    const direct = await emptyDatabase(t);
    const proxy = await cutBefore(t, direct, Buffer.from("COMMIT\0"), 1);
    const store = await openStore(t, proxy.url);
    const begun = intake();
    proxy.begin();
    assert.deepEqual(await store.beginIntake(begun, 1), { kind: "begun" });
    assert.equal(proxy.cuts(), 1);
    for (const other of [{ contextSealed: new Uint8Array([3]) }, { owner: owner("another") }]) {
      assert.equal((await store.beginIntake({ ...begun, ...other }, 1)).kind, "known");
    }
  });

  test("a code is begun in one round trip, and stored in two", async (t) => {
    const url = await emptyDatabase(t);
    await (await openStore(t, url)).close();
    const proxy = await cutBefore(t, url, Buffer.from(""), 0);
    const database = openDatabase(t, proxy.url, 1);
    const [codes, grants] = [intakeStore(database), grantStore(database)];
    const trips: number[][] = [];
    for (const n of [1, 2, 3]) {
      const codeHash = new Uint8Array([n]);
      const counts = [proxy.sent()];
      await codes.beginIntake({ ...intake(), codeHash }, 1);
      counts.push(proxy.sent());
      assert.ok(await grants.saveFromIntake(grant(), null, codeHash, undefined, codeHash, { from: "spending" }));
      // The next transaction on this connection would come after what this one has still to send.
      assert.equal((await database.all("SELECT 1 AS one")).length, 1);
      trips.push([(counts[1] ?? 0) - (counts[0] ?? 0), proxy.sent() - (counts[1] ?? 0)]);
    }
    // The first connects.
    assert.deepEqual(trips.slice(1), [
      [1, 3],
      [1, 3],
    ]);
  });

  test("codes are found by their index also where their table was empty when the statement was planned", async (t) => {
    const url = await emptyDatabase(t);
    const store = await openStore(t, url);
    const scans = async (): Promise<unknown> => {
      const client = await connectClient(t, url);
      return (await client.query("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'intakes'")).rows;
    };
    const before = await scans();
    // A plan of its own each time, five times; and then one for as long as the connection is there.
    for (let round = 0; round < 12; round += 1) {
      const hashes = Array.from({ length: 20 }, (_, n) => new Uint8Array([round, n]));
      await Promise.all(hashes.map((codeHash) => store.beginIntake({ ...intake(), codeHash }, 1)));
      const how = { from: "spending" } as const;
      for (const isSaved of await Promise.all(
        hashes.map((codeHash) => store.saveFromIntake(grant(), null, codeHash, undefined, codeHash, how)),
      ))
        assert.ok(isSaved);
    }
    // A server process says what it has done when it ends.
    await store.close();
    const others = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    const watcher = await connectClient(t, url);
    while (((await watcher.query(`${others} AND application_name LIKE 'onbehalf%'`)).rowCount ?? 0) > 0);
    assert.deepEqual(await scans(), before);
  });

  test("each transaction that shares a commit is recorded as the doing of whoever asked for it", async (t) => {
    const store = await openStore(t, await emptyDatabase(t));
    const grants = await Promise.all(Array.from({ length: 6 }, () => save(store)));
    const { seq } = await store.auditHead();
    const asking = new AsyncLocalStorage<string>();
    store.recordWith((entry, anchor) =>
      unsigned(entry, anchor, { caller: asking.getStore() ?? "nobody", requestId: null }),
    );
    await Promise.all(
      grants.map(({ grantId }) => asking.run(grantId, () => store.commitAttempt(grantId, 1, tokens("2"), 1))),
    );
    const rows = await store.auditRows({ after: seq, limit: 100 });
    assert.equal(rows.length, 6);
    for (const { grantId, caller } of rows) assert.equal(caller, grantId);
  });
});

/** Does all at the same moment, so that they share a transaction. */
function together<T, R>(all: readonly T[], work: (each: T, n: number) => Promise<R>): Promise<R[]> {
  return Promise.all(all.map(work));
}

async function administerSaid(database: PostgresDatabase, there: readonly number[]): Promise<void> {
  for (const n of there) {
    const sealed = n === 2 ? new Uint8Array([1]) : null;
    await database.transaction((sql) => sql.run(insertThing, { n, said: "there", sealed }));
  }
}

/** Transactions with keys of their own, and in their midst one that fails. */
async function assertOnlyOneFails(
  database: PostgresDatabase,
  bad: (sql: Transaction) => Promise<unknown>,
): Promise<void> {
  const ends = await Promise.allSettled([
    ...[1, 2, 3].map((n) => database.transaction(put(n), [`key ${n}`])),
    database.transaction(bad, ["the bad one"]),
    ...[4, 5, 6].map((n) => database.transaction(put(n), [`key ${n}`])),
  ]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ["fulfilled", "fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"],
  );
  assert.deepEqual(await numbers(database), [1, 2, 3, 4, 5, 6]);
}

/** Inserts a number, and tells the transaction's own number. */
function put(n: number): (sql: Transaction) => Promise<unknown> {
  return async (sql) => {
    assert.equal(await sql.run("INSERT INTO things (n) VALUES (:n)", { n }), 1);
    const [row] = await sql.all("SELECT pg_current_xact_id()::text AS xid");
    return row?.["xid"];
  };
}

async function numbers(database: PostgresDatabase): Promise<unknown[]> {
  return (await database.all("SELECT n FROM things ORDER BY n")).map((row) => row["n"]);
}

async function things(t: TestContext): Promise<{ readonly url: string; readonly database: PostgresDatabase }> {
  const url = await freshDatabase(t);
  await (await openStore(t, url)).close();
  await administer(
    url,
    `CREATE TABLE things (n INTEGER PRIMARY KEY);
     CREATE TABLE said (n INTEGER PRIMARY KEY, said TEXT, sealed BYTEA);
     CREATE TABLE late_failures (code TEXT NOT NULL);
     CREATE FUNCTION fail(code TEXT) RETURNS INTEGER LANGUAGE plpgsql AS $$
       BEGIN
         IF code = 'cut' THEN PERFORM pg_terminate_backend(pg_backend_pid());
         ELSE RAISE EXCEPTION 'failed' USING ERRCODE = code;
         END IF;
         RETURN 1;
       END $$;
     CREATE FUNCTION fail_late() RETURNS TRIGGER LANGUAGE plpgsql AS $$
       BEGIN PERFORM fail(NEW.code); RETURN NULL; END $$;
     CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late_failures DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION fail_late()`,
  );
  return { url, database: openDatabase(t, url) };
}
