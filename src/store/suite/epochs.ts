import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import type { StoreMark } from "../epoch-store.ts";
import type { Store } from "../store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { begin, read, same, save, saveIn } from "./rows.ts";

export function epochTests(stores: SuiteStores): void {
  describe("epochs", () => {
    test("a store knows its last mark, and whether the one that somebody remembers was its own", async (t) => {
      const [store, other] = await stores.openPair(t);
      same(await store.epochState(0), {
        changeSeq: 0,
        markThere: undefined,
        lastMark: undefined,
        lastEpoch: undefined,
      });
      await save(store);
      const first = mark(1, "first", await store.latestChange());
      equal(await store.addMark(first), true);
      equal(await other.addMark({ ...first, mark: "another" }), false);
      const second = { ...mark(2, "second", first.changeSeq), place: { id: "elsewhere", path: "b" } };
      equal(await other.addMark(second), true);
      const state = await store.epochState(1);
      same(state, { changeSeq: first.changeSeq, markThere: "first", lastMark: second, lastEpoch: undefined });
      equal((await store.epochState(3)).markThere, undefined);
    });

    test("marks from long ago are forgotten", async (t) => {
      const store = await stores.open(t);
      for (const number of [1, 2, 2_002]) await store.addMark(mark(number, `mark ${number}`, 0));
      deepEqual(
        [
          (await store.epochState(1)).markThere,
          (await store.epochState(2)).markThere,
          (await store.epochState(2_002)).markThere,
        ],
        [undefined, undefined, "mark 2002"],
      );
    });

    test("a store that was found to be a backup stands still until it is settled, and numbers from far beyond", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { grantId } = await save(store);
      const before = await numbers(store);
      const found = { why: "restored", noticedAt: suiteTime, backupAt: suiteTime - 86_400_000 } as const;
      deepEqual((await Promise.all([store.beginStandstill(found), other.beginStandstill(found)])).filter(Boolean), [
        true,
      ]);
      const { lastEpoch } = await store.epochState(0);
      const [audit] = await store.auditRows({ after: 0, limit: 1, newestFirst: true });
      same(lastEpoch, {
        ...found,
        epoch: 1,
        auditFrom: before.audit,
        auditTo: before.audit + skipped,
        settledAt: null,
        outcome: null,
      });
      deepEqual(
        [audit?.action, audit?.outcome, audit?.detail],
        ["store.standstill", "restored", `after row ${before.audit}`],
      );
      equal(audit?.seq, before.audit + skipped + 1);
      await store.markSuspect(grantId, suiteTime + 1);
      const after = await numbers(store);
      ok(after.audit > before.audit + skipped && after.event > before.event + skipped, JSON.stringify(after));
      ok(after.change > before.change + skipped, JSON.stringify(after));
      equal(await other.beginStandstill({ ...found, why: "told" }), false, "it stands still already");
      equal(await other.endStandstill({ outcome: "restored", at: suiteTime + 2 }), true);
      equal(await store.endStandstill({ outcome: "moved", at: suiteTime + 3 }), false, "it does not stand still");
      same(await store.epochs(10), [{ ...lastEpoch, settledAt: suiteTime + 2, outcome: "restored" }]);
      equal(await store.beginStandstill({ why: "copied", noticedAt: suiteTime + 4, backupAt: null }), true);
      deepEqual(
        (await other.epochs(10)).map(({ epoch, why, backupAt }) => [epoch, why, backupAt]),
        [
          [2, "copied", null],
          [1, "restored", suiteTime - 86_400_000],
        ],
      );
    });

    test("a store without an event and without a change numbers from far beyond, too", async (t) => {
      const store = await stores.open(t);
      equal(await store.beginStandstill({ why: "told", noticedAt: suiteTime, backupAt: null }), true);
      await save(store);
      const after = await numbers(store);
      ok(after.event > skipped, JSON.stringify(after));
    });

    test("an attempt that may be under way outlives the end of a standstill", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "young");
      await store.beginStandstill({ why: "told", noticedAt: suiteTime, backupAt: null });
      await store.endStandstill({ outcome: "restored", at: suiteTime });
      deepEqual(
        (await store.attempts()).map(({ attemptId }) => attemptId),
        ["young"],
      );
    });

    test("grants that hold a refresh token are made due for a look, and no others", async (t) => {
      const store = await stores.open(t);
      const due = await Promise.all([saveIn(store, "active"), saveIn(store, "suspect")]);
      const others = await Promise.all([
        saveIn(store, "lapsed"),
        saveIn(store, "revoking"),
        saveIn(store, "revoked"),
        save(store, { refreshSealed: null, refreshPrefixHash: null, refreshDigestHash: null }),
      ]);
      await store.lookAt(
        [...due, ...others].map(({ grantId }) => grantId),
        suiteTime + 5,
      );
      for (const { grantId } of due) equal((await read(store, grantId)).lookAt, suiteTime + 5);
      for (const { grantId, lookAt } of others) equal((await read(store, grantId)).lookAt, lookAt);
    });
  });
}

/** How many numbers are left out. */
const skipped = 1_000_000_000;

function mark(markNo: number, word: string, changeSeq: number): StoreMark {
  return { markNo, mark: word, at: suiteTime + markNo, changeSeq, place: { id: "here", path: "a", timeline: 1 } };
}

async function numbers(store: Store): Promise<{ audit: number; event: number; change: number }> {
  const [audit, event, change] = await Promise.all([store.auditHead(), store.eventHead(), store.latestChange()]);
  return { audit: audit.seq, event: event.seq, change };
}
