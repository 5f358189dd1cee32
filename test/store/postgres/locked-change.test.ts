import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Client } from "pg";
import { boundChange } from "../../../src/store/postgres/locked-change.ts";
import { refreshStore } from "../../../src/store/sql/attempts.ts";
import type { LockedChange } from "../../../src/store/sql/sql.ts";
import type { Store } from "../../../src/store/store.ts";
import { begin, owner, read, save, saveIn, tokens } from "../../../src/store/suite/rows.ts";
import { suiteTime } from "../../../src/store/suite/suite-stores.ts";
import { emptyDatabase } from "../../support/postgres.ts";
import { connectClient, cutBefore, openDatabase, openStore } from "./opened.ts";

const at = suiteTime + 10;
const scopeChange: LockedChange = {
  key: "grantId",
  column: "grant_id",
  types: { grantId: "text", scope: "text" },
  lock: "SELECT grant_id FROM grants WHERE grant_id = :grantId",
  change: "UPDATE grants SET scope = :scope WHERE grant_id = :grantId",
};

describe("a refresh on PostgreSQL, which locks and changes in one statement", () => {
  for (const many of [1, 20]) {
    test(`${many} at once are begun in one round trip, and committed in two`, async (t) => {
      const url = await emptyDatabase(t);
      const store = await openStore(t, url);
      const proxy = await cutBefore(t, url, Buffer.from(""), 0);
      const database = openDatabase(t, proxy.url, 1);
      const refreshes = refreshStore(database);
      // The first connects.
      const trips: number[][] = [];
      for (const round of [1, 2, 3]) {
        const grants = await Promise.all(Array.from({ length: many }, () => save(store)));
        const counts = [proxy.sent()];
        for (const result of await Promise.all(
          grants.map(({ grantId }) =>
            refreshes.beginAttempt({
              attemptId: `${grantId} ${round}`,
              grantId,
              generation: 1,
              owner: owner("me"),
              at,
            }),
          ),
        ))
          assert.equal(result.kind, "begun");
        counts.push(proxy.sent());
        for (const state of await Promise.all(
          grants.map(({ grantId }) => refreshes.commitAttempt(grantId, 1, tokens("2"), at)),
        ))
          assert.equal(state, "active");
        trips.push([(counts[1] ?? 0) - (counts[0] ?? 0), proxy.sent() - (counts[1] ?? 0)]);
      }
      assert.deepEqual(trips.slice(1), [
        [1, 2],
        [1, 2],
      ]);
      assert.deepEqual(await store.attempts(), []);
    });
  }

  test("of many that begin together, each is told what stands in its own way", async (t) => {
    const store = await openStore(t, await emptyDatabase(t));
    const [free, moved, held, waiting, gone] = await Promise.all([
      save(store),
      save(store),
      save(store),
      save(store),
      Promise.resolve({ grantId: "g_nobody" }),
    ]);
    await store.commitAttempt(moved.grantId, 1, tokens("2"), at);
    await begin(store, held.grantId, "other");
    await begin(store, waiting.grantId, "failing");
    await store.endAttempt("failing", { error: "provider_unavailable", at, retryAt: at + 60_000 });
    const [suspect, lapsed, revoked] = [
      await saveIn(store, "suspect"),
      await saveIn(store, "lapsed"),
      await saveIn(store, "revoked"),
    ];
    const all = [free, moved, held, waiting, gone, suspect, lapsed, revoked];
    const told = await Promise.all(all.map(({ grantId }) => begin(store, grantId, `mine ${grantId}`, { at })));
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ["begun", "moved", "held", "backing-off", "gone", "begun", "moved", "moved"],
    );
    const begun = told.flatMap((each) => (each.kind === "begun" ? [each.grant] : []));
    assert.deepEqual(begun, [await read(store, free.grantId), await read(store, suspect.grantId)]);
    assert.deepEqual(
      (await store.attempts()).map(({ attemptId }) => attemptId).sort(),
      [`mine ${free.grantId}`, `mine ${suspect.grantId}`, "other"].sort(),
    );
  });

  test("an attempt whose connection is lost after the commit, before its answer, is found to be one's own", async (t) => {
    const url = await emptyDatabase(t);
    const { grantId } = await save(await openStore(t, url));
    const proxy = await cutBefore(t, url, Buffer.from("COMMIT\0"), 1);
    const store = await openStore(t, proxy.url);
    proxy.begin();
    assert.equal((await begin(store, grantId, "mine")).kind, "begun");
    assert.equal(proxy.cuts(), 1);
    assert.equal((await begin(store, grantId, "another")).kind, "held");
    assert.equal((await begin(store, grantId, "mine")).kind, "begun");
  });

  const endings = {
    "is undone": { sql: "ROLLBACK", begun: "begun", committed: "active" },
    "has moved the grant on": { sql: "COMMIT", begun: "moved", committed: undefined },
  };
  for (const [what, { sql, begun, committed }] of Object.entries(endings)) {
    test(`whoever finds the row held waits alone; and where what held it ${what}, goes by that`, async (t) => {
      const { store, holder, held, free } = await withHeldRow(t, "generation = generation + 1");
      const waiting = begin(store, held, "waiting");
      const others = await Promise.all(free.map((grantId) => begin(store, grantId, `of ${grantId}`)));
      for (const { kind } of others) assert.equal(kind, "begun");
      // One transaction for both: where it had waited for the row, each would have been done again by itself.
      assert.equal((await holder.query("SELECT DISTINCT xmin FROM attempts")).rowCount, 1);
      await holder.query(sql);
      assert.equal((await waiting).kind, begun);
      assert.equal((await store.attempts()).length, begun === "begun" ? 3 : 2);
    });

    test(`a commit that finds the row held waits alone; and where what held it ${what}, goes by that`, async (t) => {
      const { store, holder, held, free } = await withHeldRow(t, "generation = generation + 1");
      const waiting = store.commitAttempt(held, 1, tokens("2"), at);
      for (const state of await Promise.all(free.map((grantId) => store.commitAttempt(grantId, 1, tokens("2"), at))))
        assert.equal(state, "active");
      const writers = "SELECT DISTINCT xmin FROM grants WHERE grant_id = ANY ($1)";
      assert.equal((await holder.query(writers, [free])).rowCount, 1);
      await holder.query(sql);
      assert.equal(await waiting, committed);
      assert.deepEqual(
        (await read(store, held)).accessSealed,
        tokens(committed === undefined ? "1" : "2").accessSealed,
      );
    });
  }

  test("a commit that waited for the row tells the state that it found then, and not the one when it began", async (t) => {
    const { store, holder, held } = await withHeldRow(t, `state = 'suspect', state_since = ${suiteTime}`);
    const waiting = store.commitAttempt(held, 1, tokens("2"), at);
    await store.auditHead();
    await holder.query("COMMIT");
    assert.equal(await waiting, "active");
    const rows = await store.auditRows({ after: 0, limit: 100 });
    assert.equal(rows.findLast(({ grantId }) => grantId === held)?.detail, "was suspect");
  });

  test("a commit that finds the grant as active only since it waited for the row commits it", async (t) => {
    const { store, holder, held } = await withHeldRow(t, "state = 'active'", "suspect", suiteTime + 500);
    const waiting = store.commitAttempt(held, 1, tokens("2"), at, suiteTime);
    await store.auditHead();
    await holder.query("COMMIT");
    assert.equal(await waiting, "active");
    assert.equal((await read(store, held)).generation, 2);
  });

  test("an attempt of the same id is one's own only as this call would have written it", async (t) => {
    const url = await emptyDatabase(t);
    const store = await openStore(t, url);
    const [unknown, older] = [await save(store), await save(store)];
    await begin(store, unknown.grantId, "unknown");
    await store.endAttemptUnknown("unknown", { error: "timeout", at, retryAt: null, suspect: false });
    assert.equal((await begin(store, unknown.grantId, "unknown")).kind, "held");
    assert.equal((await begin(store, unknown.grantId, "unknown", { replaces: "unknown" })).kind, "begun");
    assert.equal((await store.attempts()).find(({ grantId }) => grantId === unknown.grantId)?.endedUnknown, false);
    await begin(store, older.grantId, "older");
    const client = await connectClient(t, url);
    await client.query("UPDATE grants SET generation = 2 WHERE grant_id = $1", [older.grantId]);
    assert.equal((await begin(store, older.grantId, "older", { generation: 2 })).kind, "begun");
    assert.equal((await store.attempts()).find(({ grantId }) => grantId === older.grantId)?.generation, 2);
  });

  test("a body that fails before its change was answered is undone alone", async (t) => {
    const url = await emptyDatabase(t);
    const store = await openStore(t, url);
    const ids = [await save(store), await save(store)].map(({ grantId }) => grantId);
    const database = openDatabase(t, url);
    const ends = await Promise.allSettled(
      ids.map((grantId, n) =>
        database.transaction(
          async (sql) => {
            const changing = sql.lockAndChange(scopeChange, { grantId, scope: "changed" });
            if (n === 0) return void (await changing);
            changing.catch(() => undefined);
            throw new Error("changed my mind");
          },
          [grantId],
        ),
      ),
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    const scopes = await Promise.all(ids.map(async (grantId) => (await read(store, grantId)).scope));
    assert.deepEqual(scopes, ["changed", "openid email"]);
  });

  test("a transaction that fails after its change is undone alone", async (t) => {
    const url = await emptyDatabase(t);
    const store = await openStore(t, url);
    const ids = [await save(store), await save(store), await save(store)].map(({ grantId }) => grantId);
    const database = openDatabase(t, url);
    const ends = await Promise.allSettled(
      ids.map((grantId, n) =>
        database.transaction(
          async (sql) => {
            const changed = await sql.lockAndChange(scopeChange, { grantId, scope: "changed" });
            assert.equal(changed?.isChanged, true);
            if (n === 1) throw new Error("changed my mind");
          },
          [grantId],
        ),
      ),
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    const scopes = await Promise.all(ids.map(async (grantId) => (await read(store, grantId)).scope));
    assert.deepEqual(scopes, ["changed", "openid email", "changed"]);
  });

  test("a change that lacks a value, or is of no known form, is a bug and is not sent", () => {
    const ofThing: LockedChange = {
      key: "n",
      column: "n",
      types: { n: "bigint", said: "text" },
      lock: "SELECT n FROM things WHERE n = :n",
      change: "UPDATE things SET said = :said WHERE n = :n",
    };
    assert.equal(boundChange(ofThing, { n: 1, said: "x" }, true).values.length, 2);
    assert.throws(() => boundChange(ofThing, { n: 1 }, true), /:said has no value/);
    assert.throws(() => boundChange(ofThing, { n: 1, said: "x", more: 1 }, true), /no parameter :more/);
    for (const [wrong, said] of [
      [{ types: { n: "bigint" } }, /no type of :said/],
      [{ key: "m" }, /:m is not among its parameters/],
      [{ lock: "SELECT 1" }, /no lock/],
      [{ change: "DELETE FROM things WHERE n = :n AND said = :said" }, /neither inserts nor updates/],
      [{ change: "UPDATE things SET said = :said, n = :n" }, /without a condition/],
      [{ change: "INSERT INTO things SELECT :n, :said" }, /no row of parameters/],
    ] as const)
      assert.throws(() => boundChange({ ...ofThing, ...wrong }, { n: 1, said: "x" }, false), said);
  });
});

/** Three grants, and a transaction that has changed one of them and has not ended. */
async function withHeldRow(
  t: TestContext,
  change: string,
  state: "active" | "suspect" = "active",
  stateSince: number = suiteTime,
): Promise<{
  readonly store: Store;
  readonly holder: Client;
  readonly held: string;
  readonly free: readonly string[];
}> {
  const url = await emptyDatabase(t);
  const store = await openStore(t, url);
  const [held = "", ...free] = [await save(store, { state, stateSince }), await save(store), await save(store)].map(
    ({ grantId }) => grantId,
  );
  const holder = await connectClient(t, url);
  await holder.query("BEGIN");
  await holder.query(`UPDATE grants SET ${change} WHERE grant_id = $1`, [held]);
  return { store, holder, held, free };
}
