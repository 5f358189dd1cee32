import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { Keyring } from "../../../src/crypto/keyring.ts";
import { auditPruned } from "../../../src/store/audit-store.ts";
import type { AuditRow, RecordOf } from "../../../src/store/audit-store.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { pruneAudit } from "../../../src/vault/audit/prune.ts";
import { verifyAudit } from "../../../src/vault/audit/verify.ts";
import { recorder } from "../../../src/vault/context.ts";
import { fails } from "../../support/fails.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const day = 86_400_000;
const begin = Date.UTC(2026, 0, 1);
const me = { caller: "@operator", requestId: null };
const keyring = new Keyring("store", [{ key: { keyId: 1, bytes: Buffer.alloc(32, 7) }, keyClass: "index" }]);

interface Log {
  readonly store: Store;
  readonly clock: ReturnType<typeof fixedClock>;
  readonly edit: (sql: string) => void;
  readonly rows: () => Promise<AuditRow[]>;
  /** Takes out what is older than so many days. */
  readonly prune: (days: number) => ReturnType<typeof pruneAudit>;
}

/** A log with one row a day, the last one a moment old. */
async function logOf(
  t: TestContext,
  days: number,
  wrap: (record: RecordOf) => RecordOf = (same) => same,
): Promise<Log> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const store = sqlite(path);
  const clock = fixedClock(begin);
  await store.open({ clock });
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA synchronous = OFF");
  t.after(async () => {
    raw.close();
    await store.close();
  });
  store.recordWith(wrap(recorder(keyring, clock, "@test")));
  for (let n = 1; n <= days; n += 1) {
    const entry = { action: "grant.refreshed", grantId: `g_${n}`, generation: n, outcome: "active", detail: null };
    await store.appendAudit([[entry, { caller: "reports", requestId: null }]]);
    if (n < days) clock.advance(day);
  }
  return {
    store,
    clock,
    edit: (sql) => raw.exec(sql),
    rows: () => store.auditRows({ after: 0, limit: 1_000 }),
    prune: (older) => pruneAudit(store, keyring, clock.now() - older * day, { principal: me, now: clock.now() }),
  };
}

const problems = async (store: Store, checks = {}): Promise<string[]> =>
  (await verifyAudit(store, keyring, checks)).faults.map(
    ({ seq, upTo, problem }) => `${seq} ${upTo ?? seq} ${problem}`,
  );

describe("an audit log of which old rows are taken out", () => {
  test("an audit log of which old rows are taken out says so, and the rest is verified as before", async (t) => {
    const { store, clock, rows, prune, edit } = await logOf(t, 12);
    const heads = (await rows()).map(({ seq, link }) => ({ seq, hash: Buffer.from(link).toString("hex") }));
    assert.deepEqual(await prune(6.5), { rows: 5, upTo: 5 });
    const kept = await rows();
    assert.deepEqual(
      kept.map(({ seq }) => seq),
      [6, 7, 8, 9, 10, 11, 12, 13],
    );
    const { action, caller, grantId, detail } = kept.at(-1) ?? assert.fail();
    assert.deepEqual([action, caller, grantId], [auditPruned, "@operator", null]);
    assert.match(detail ?? "", /^5:[\da-f]{64}$/);
    const report = await verifyAudit(store, keyring);
    assert.deepEqual([report.rows, report.faults, report.pruned], [8, [], { upTo: 5, at: new Date(clock.now()) }]);
    // A head from before is compared where its row, or the last one that went, is still known.
    for (const head of heads.slice(4)) assert.deepEqual(await problems(store, { head }), []);
    for (const { seq } of heads.slice(4)) {
      assert.deepEqual(await problems(store, { head: { seq, hash: "0".repeat(64) } }), [`${seq} ${seq} head_differs`]);
    }
    // And again, beyond the first row that says so: what it says is in the newer one.
    clock.advance(10 * day);
    assert.deepEqual(await prune(1), { rows: 8, upTo: 13 });
    assert.deepEqual(await problems(store), []);
    edit("DELETE FROM audit WHERE seq = 14");
    assert.notDeepEqual(await problems(store), []);
  });

  for (const [what, sql, found] of [
    ["a row changed", "UPDATE audit SET outcome = 'lapsed' WHERE seq = 8", "8 8 changed"],
    ["the first row that stayed changed", "UPDATE audit SET outcome = 'lapsed' WHERE seq = 6", "6 6 changed"],
    ["one more row taken out at the beginning", "DELETE FROM audit WHERE seq = 6", "6 6 missing"],
    ["three more rows taken out at the beginning", "DELETE FROM audit WHERE seq <= 8", "6 8 missing"],
    ["the row that says so taken out", "DELETE FROM audit WHERE seq = 13", "1 5 missing"],
    [
      "the row that says so changed",
      "UPDATE audit SET detail = '7:' || substr(detail, 3) WHERE seq = 13",
      "1 5 missing",
    ],
    [
      "the row that says so forged anew, for more rows",
      `DELETE FROM audit WHERE seq < 9;
       INSERT INTO audit (seq, record_id, at, caller, action, outcome, detail, anchor, mac, link)
       SELECT 14, 'forged', at, caller, action, outcome, '8:' || lower(hex(link)), 12, mac, link FROM audit WHERE seq = 13`,
      "6 8 missing",
    ],
    ["a row put back that was taken out", "UPDATE audit SET seq = 5 WHERE seq = 7", "7 7 missing"],
  ] as const) {
    test(`an audit log of which old rows are taken out shows ${what}`, async (t) => {
      const { store, prune, edit } = await logOf(t, 12);
      await prune(6.5);
      edit(sql);
      assert.equal((await problems(store))[0], found);
      if (!sql.startsWith("UPDATE audit SET outcome = 'lapsed' WHERE seq = 6")) {
        assert.notDeepEqual(await problems(store, { newest: 9 }), []);
      }
    });
  }

  test("an older row that says what was taken out, put in the place of a newer one, shows that more is gone", async (t) => {
    const { store, clock, prune, edit, rows } = await logOf(t, 12);
    await prune(8.5);
    clock.advance(1_000);
    await prune(6.5);
    assert.deepEqual(
      (await rows()).slice(-2).map(({ action }) => action),
      [auditPruned, auditPruned],
    );
    edit(
      "DELETE FROM audit WHERE seq = 14; UPDATE audit_head SET seq = 13, link = (SELECT link FROM audit WHERE seq = 13)",
    );
    assert.deepEqual(await problems(store), ["4 5 missing"]);
  });

  test("nothing is taken out of a log that is not as it was written, nor of the last day", async (t) => {
    const { store, clock, prune, edit, rows } = await logOf(t, 12);
    await assert.rejects(prune(0.9), fails("invalid_request", "before"));
    await assert.rejects(prune(Number.NaN), fails("invalid_request", "before"));
    assert.deepEqual(await prune(1_000), { rows: 0, upTo: 0 });
    edit("UPDATE audit SET caller = 'nobody' WHERE seq = 2");
    await assert.rejects(prune(6.5), fails("store_unusable", "audit"));
    assert.equal((await rows()).length, 12);
    assert.equal(clock.now(), begin + 11 * day);
    assert.deepEqual(await problems(store), ["2 2 changed"]);
  });

  test("an interrupted pruning leaves a log that is whole, and the next one takes out what it left", async (t) => {
    const { store, prune, rows } = await logOf(t, 1_300);
    const { pruneAudit: original } = store;
    let steps = 0;
    store.pruneAudit = async (upTo) => {
      steps += 1;
      if (steps === 2) throw new Error("killed");
      return original.call(store, upTo);
    };
    await assert.rejects(prune(100), /killed/);
    assert.equal((await rows())[0]?.seq, 501);
    assert.deepEqual(await problems(store), []);
    assert.deepEqual(await prune(100), { rows: 699, upTo: 1_199 });
    assert.deepEqual(await problems(store), []);
    assert.equal((await rows()).length, 102);
  });

  test("rows that were written at the same time, each anchored before the others, are verified when the ones before are gone", async (t) => {
    // As in PostgreSQL: the anchor is some rows earlier. Here it is up to four.
    const ends: Parameters<RecordOf>[1][] = [];
    const { store, prune } = await logOf(t, 40, (record) => (entry, end, principal) => {
      ends.push(end);
      return record(entry, ends[Math.max(0, ends.length - 1 - (ends.length % 5))] ?? end, principal);
    });
    assert.deepEqual(await problems(store), []);
    for (let older = 38; older > 2; older -= 1) {
      await prune(older + 0.5);
      assert.deepEqual(await problems(store), [], `older than ${older} days`);
      assert.deepEqual(await problems(store, { newest: 7 }), []);
    }
  });

  test("rows that are taken out while the log is read are not called missing", async (t) => {
    const { store, clock } = await logOf(t, 700);
    const { auditRows } = store;
    let reads = 0;
    store.auditRows = async (query) => {
      const page = await auditRows.call(store, query);
      reads += 1;
      if (reads === 1) {
        store.auditRows = auditRows;
        await pruneAudit(store, keyring, clock.now() - 50 * day, { principal: me, now: clock.now() });
      }
      return page;
    };
    assert.deepEqual(await problems(store), []);
    assert.equal(reads, 1);
  });
});

describe("the newest rows of an audit log", () => {
  test("the newest rows of an audit log are verified alone, and what is before them is not read", async (t) => {
    const { store, edit } = await logOf(t, 40);
    assert.equal((await verifyAudit(store, keyring, { newest: 10 })).rows, 10);
    assert.equal((await verifyAudit(store, keyring, { newest: 1_000 })).rows, 40);
    edit("UPDATE audit SET outcome = 'lapsed' WHERE seq = 20");
    assert.deepEqual(await problems(store, { newest: 20 }), []);
    assert.deepEqual(await problems(store, { newest: 21 }), ["20 20 changed"]);
    edit("DELETE FROM audit WHERE seq < 4");
    assert.deepEqual(await problems(store, { newest: 10 }), ["1 3 missing"]);
    edit("DELETE FROM audit WHERE seq < 35");
    assert.deepEqual(await problems(store, { newest: 10 }), ["1 30 missing", "31 34 missing"]);
  });

  for (const [what, sql, found] of [
    ["the row before them has another link", "UPDATE audit SET link = x'00' WHERE seq = 30", "31 31 changed"],
    ["the row before them is gone", "DELETE FROM audit WHERE seq = 30", "30 30 missing"],
    ["the last one is gone", "DELETE FROM audit WHERE seq = 40", "40 40 cut"],
    ["all are gone", "DELETE FROM audit", "1 30 missing"],
  ] as const) {
    test(`the newest rows of an audit log are not as they were written where ${what}`, async (t) => {
      const { store, edit } = await logOf(t, 40);
      edit(sql);
      const [first] = await problems(store, { newest: 10 });
      assert.equal(first, found);
    });
  }
});

describe("an audit log of a store that was restored", () => {
  const standstill = (store: Store, at: number): Promise<boolean> =>
    store.beginStandstill({ why: "restored", noticedAt: at, backupAt: null });

  test("an audit log that leaves out numbers says so, and is whole; whoever takes out a row or forges one is found", async (t) => {
    const { store, clock, rows, edit } = await logOf(t, 5);
    const last = (await rows()).at(-1) ?? assert.fail();
    assert.equal(await standstill(store, clock.now()), true);
    const [said] = await store.auditRows({ after: last.seq, limit: 1 });
    assert.deepEqual([said?.seq, said?.detail], [last.seq + 1_000_000_001, `after row ${last.seq}`]);
    const entry = { action: "api.called", grantId: "g_1", generation: 1, outcome: "sent", detail: null };
    await store.appendAudit(Array.from({ length: 3 }, () => [entry, me] as const));
    const report = await verifyAudit(store, keyring);
    assert.deepEqual([report.faults, report.rows, report.leftOut], [[], last.seq + 4, 1_000_000_000]);
    for (const newest of [1, 3, 4, 6, 100]) {
      assert.deepEqual(await problems(store, { newest }), [], `the newest ${newest}`);
      assert.equal((await verifyAudit(store, keyring, { newest })).rows, Math.min(newest, last.seq + 4));
    }
    // A head from between the backup and its restore is a row that is gone.
    const gone = { seq: last.seq + 7, hash: "0".repeat(64) };
    assert.deepEqual(await problems(store, { head: gone }), [`${last.seq + 1} ${last.seq + 7} cut`]);
    const head = { seq: last.seq, hash: Buffer.from(last.link).toString("hex") };
    assert.deepEqual(await problems(store, { head }), []);
    edit(`UPDATE audit SET detail = 'after row ${last.seq - 1}' WHERE seq = ${last.seq}`);
    assert.notDeepEqual(await problems(store), []);
  });

  for (const [what, sql] of [
    ["a row before it is taken out", "DELETE FROM audit WHERE seq = 5"],
    [
      "a row before it is taken out, and it says so",
      "DELETE FROM audit WHERE seq = 5; UPDATE audit SET detail = 'after row 4' WHERE seq > 1000",
    ],
    ["the row is taken out", "DELETE FROM audit WHERE seq = 1000000006"],
    ["its words are changed", "UPDATE audit SET outcome = 'told' WHERE seq = 1000000006"],
    [
      "another row is made to say it",
      "DELETE FROM audit WHERE seq = 4; UPDATE audit SET action = 'store.standstill', detail = 'after row 3' WHERE seq = 5",
    ],
  ] as const) {
    test(`an audit log that leaves out numbers is not whole where ${what}`, async (t) => {
      const { store, clock, edit } = await logOf(t, 5);
      await standstill(store, clock.now());
      const entry = { action: "api.called", grantId: "g_1", generation: 1, outcome: "sent", detail: null };
      await store.appendAudit([[entry, me]]);
      assert.deepEqual(await problems(store), []);
      edit(sql);
      assert.notDeepEqual(await problems(store), []);
    });
  }

  test("old rows of an audit log are taken out across numbers that were left out", async (t) => {
    const { store, clock, rows, prune } = await logOf(t, 5);
    await standstill(store, clock.now());
    const entry = { action: "api.called", grantId: "g_1", generation: 1, outcome: "sent", detail: null };
    for (let n = 0; n < 5; n += 1) {
      clock.advance(day);
      await store.appendAudit([[entry, me]]);
    }
    assert.deepEqual(await prune(2.5), { rows: 8, upTo: 1_000_000_008 });
    assert.deepEqual(await problems(store), []);
    assert.equal((await verifyAudit(store, keyring)).leftOut, 0);
    clock.advance(10 * day);
    await prune(1);
    assert.deepEqual(await problems(store), []);
    assert.equal((await rows()).length, 1);
  });

  test("rows of an audit log before the numbers that were left out are taken out alone", async (t) => {
    const { store, clock, prune } = await logOf(t, 5);
    clock.advance(3 * day);
    await standstill(store, clock.now());
    assert.deepEqual(await prune(2), { rows: 5, upTo: 5 });
    assert.deepEqual(await problems(store), []);
    assert.equal((await verifyAudit(store, keyring)).leftOut, 1_000_000_000);
  });
});
