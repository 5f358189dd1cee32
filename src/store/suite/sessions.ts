import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { SessionRow } from "../session-store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { caller } from "./callers.ts";
import { bytes, same, unique } from "./rows.ts";

const first = { expiresAt: suiteTime + 1, sessionId: "" };

export function sessionTests(stores: SuiteStores): void {
  describe("sessions", () => {
    test("a session is found by its id in every process, with its maker as it is then", async (t) => {
      const [store, other] = await stores.openPair(t);
      const maker = caller("backend");
      await store.insertCaller(maker);
      const row = session(maker.callerId);
      equal(await store.insertSession(row, 10, suiteTime), "stored");
      same(await other.sessionById(row.sessionId), { session: row, maker });
      await store.revokeCaller("backend", suiteTime + 5);
      same(await other.sessionById(row.sessionId), {
        session: row,
        maker: { ...maker, revokedAt: suiteTime + 5, rightsMac: null },
      });
      equal(await store.sessionById("unknown"), undefined);
    });

    test("no session is kept of a caller that is revoked or not there", async (t) => {
      const store = await stores.open(t);
      const maker = caller("backend");
      await store.insertCaller(maker);
      await store.revokeCaller("backend", suiteTime);
      equal(await store.insertSession(session(maker.callerId), 10, suiteTime), "no_caller");
      equal(await store.insertSession(session("nobody"), 10, suiteTime), "no_caller");
    });

    test("of forty sessions that one caller makes at once, no more than allowed are kept; others' do not count", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [maker, another] = [caller("backend"), caller("another")];
      for (const each of [maker, another]) await store.insertCaller(each);
      // Over, so that they do not count either.
      for (let n = 0; n < 3; n++) {
        await store.insertSession(session(maker.callerId, { expiresAt: suiteTime }), 10, suiteTime);
      }
      const made = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          (n % 2 === 0 ? store : other).insertSession(session(maker.callerId), 7, suiteTime),
        ),
      );
      equal(made.filter((each) => each === "stored").length, 7);
      equal(made.filter((each) => each === "full").length, 33);
      equal(await store.insertSession(session(another.callerId), 7, suiteTime), "stored");
    });

    test("a session is ended by its own caller or by whoever may end any, once, and by no other caller", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [maker, another] = [caller("backend"), caller("another")];
      for (const each of [maker, another]) await store.insertCaller(each);
      const [one, two] = [session(maker.callerId), session(maker.callerId)];
      for (const each of [one, two]) await store.insertSession(each, 10, suiteTime);
      equal(await other.endSession(one.sessionId, another.callerId), false);
      equal(await other.endSession(one.sessionId, maker.callerId), true);
      equal(await store.endSession(one.sessionId, maker.callerId), false);
      equal(await store.sessionById(one.sessionId), undefined);
      equal(await store.endSession(two.sessionId, null), true);
      equal(await store.endSession("unknown", null), false);
    });

    test("all sessions of a caller are ended at once, and no others", async (t) => {
      const store = await stores.open(t);
      const [maker, another] = [caller("backend"), caller("another")];
      for (const each of [maker, another]) await store.insertCaller(each);
      for (let n = 0; n < 3; n++) await store.insertSession(session(maker.callerId), 10, suiteTime);
      const kept = session(another.callerId);
      await store.insertSession(kept, 10, suiteTime);
      equal(await store.endSessionsOf(maker.callerId), 3);
      equal(await store.endSessionsOf(maker.callerId), 0);
      same((await store.sessionById(kept.sessionId))?.session, kept);
    });

    test("pages of sessions come in the order of their ends, of one caller or of all that are not revoked", async (t) => {
      const store = await stores.open(t);
      const [maker, another, revoked] = [caller("backend"), caller("another"), caller("revoked")];
      for (const each of [maker, another, revoked]) await store.insertCaller(each);
      const rows = [
        session(maker.callerId, { expiresAt: suiteTime + 9 }),
        session(another.callerId, { expiresAt: suiteTime + 9 }),
        session(maker.callerId, { expiresAt: suiteTime + 5 }),
        session(maker.callerId, { expiresAt: suiteTime }),
      ];
      for (const each of [...rows, session(revoked.callerId)]) await store.insertSession(each, 10, suiteTime);
      await store.revokeCaller("revoked", suiteTime);
      const [late, other, soon] = rows;
      const lateOnes = [late, other].sort((a, b) => ((a?.sessionId ?? "") < (b?.sessionId ?? "") ? -1 : 1));
      same(await store.listSessions({ after: first, limit: 9 }), [soon, ...lateOnes]);
      same(await store.listSessions({ callerId: maker.callerId, after: first, limit: 9 }), [soon, late]);
      const paged: string[] = [];
      for (let after = first; ;) {
        const [row] = await store.listSessions({ after, limit: 1 });
        if (row === undefined) break;
        paged.push(row.sessionId);
        after = row;
      }
      deepEqual(
        paged,
        [soon, ...lateOnes].map((each) => each?.sessionId),
      );
    });

    test("sessions that ended before a time are swept, more than one transaction takes, and no others", async (t) => {
      const store = await stores.open(t);
      const maker = caller("backend");
      await store.insertCaller(maker);
      // Before all other sessions: a database may hold those of other tests.
      const from = suiteTime - 10_000;
      const last = session(maker.callerId, { expiresAt: from + 1_100 });
      for (let n = 0; n < 1_100; n++) {
        await store.insertSession(session(maker.callerId, { expiresAt: from + n }), 9, suiteTime);
      }
      await store.insertSession(last, 9, suiteTime);
      equal(await store.sweepSessions(from + 1_100), 1_100);
      same((await store.sessionById(last.sessionId))?.session, last);
      equal(await store.sweepSessions(from + 1_101), 1);
    });

    test("what a session may do is sealed anew where it is as it was read, and listed in the order of ids", async (t) => {
      const [store, other] = await stores.openPair(t);
      const maker = caller("backend");
      await store.insertCaller(maker);
      const rows = [session(maker.callerId), session(maker.callerId)];
      for (const each of rows) await store.insertSession(each, 10, suiteTime);
      const [row, next] = rows.sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1));
      if (row === undefined || next === undefined) throw new TypeError("there are two rows");
      same(await other.sealedSessions("", 9), [row, next]);
      same(await other.sealedSessions(row.sessionId, 1), [next]);
      const after = { limitsSealed: bytes("limits2"), rightsMac: bytes("mac2") };
      const sessions = [{ place: { sessionId: row.sessionId }, before: row, after }];
      equal(await store.reseal({ sessions }, { before: undefined, after: "" }), 1);
      equal(await other.reseal({ sessions }, { before: "", after: "" }), 0);
      same((await other.sessionById(row.sessionId))?.session, { ...row, ...after });
    });
  });
}

/** Makes a session of a caller. */
export function session(callerId: string, changes: Partial<SessionRow> = {}): SessionRow {
  return {
    sessionId: unique("s"),
    callerId,
    keyHash: bytes("hash"),
    limitsSealed: bytes("limits"),
    createdAt: suiteTime,
    expiresAt: suiteTime + 3_600_000,
    rightsMac: bytes("mac"),
    ...changes,
  };
}
