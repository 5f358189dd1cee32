import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { CallerRow } from "../caller-store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, same, unique } from "./rows.ts";

export function callerTests(stores: SuiteStores): void {
  describe("callers", () => {
    test("a caller is found by its id in every process", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = caller("reports", { expiresAt: suiteTime + 1 });
      equal(await store.insertCaller(row), true);
      same(await other.callerById(row.callerId), row);
      equal(await other.callerById("unknown"), undefined);
    });

    test("a caller's name is taken until the caller is revoked, and free after", async (t) => {
      const store = await stores.open(t);
      const first = caller("reports");
      const second = caller("reports", { createdAt: suiteTime + 1 });
      await store.insertCaller(first);
      equal(await store.insertCaller(second), false);
      equal(await store.revokeCaller("reports", suiteTime + 5), true);
      equal(await store.revokeCaller("reports", suiteTime + 6), false);
      equal(await store.revokeCaller("nobody", suiteTime + 6), false);
      equal(await store.insertCaller(second), true);
      same(await store.listCallers(), [{ ...first, revokedAt: suiteTime + 5 }, second]);
    });

    test("a caller is written anew where its key is the one that was read, and never once it is revoked", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = caller("reports", {
        grantsSealed: bytes("sealed"),
        providers: '["google"]',
        rightsMac: bytes("rights"),
      });
      await store.insertCaller(row);
      const next = { ...row, keyHash: bytes("next"), previousHash: row.keyHash, previousUntil: suiteTime + 9 };
      const stale = { ...row, keyHash: bytes("stale") };
      equal(await store.replaceCaller(next, row, "caller.rotated"), true);
      equal(await other.replaceCaller(stale, row, "caller.rotated"), false);
      same(await other.callerById(row.callerId), next);
      await store.revokeCaller("reports", suiteTime + 10);
      equal(await other.replaceCaller(stale, next, "caller.rotated"), false);
      equal(await other.replaceCaller({ ...stale, callerId: unique("c") }, next, "caller.rotated"), false);
    });

    test("a caller is written anew where its rights are those that were read, so that none comes back", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = caller("reports", { permissions: '["token","proxy"]', rightsMac: bytes("wide") });
      await store.insertCaller(row);
      const narrow = { ...row, permissions: '["token"]', rightsMac: bytes("narrow") };
      equal(await store.replaceCaller(narrow, row, "caller.narrowed"), true);
      const rotated = { ...row, keyHash: bytes("next"), rightsMac: bytes("wide, rotated") };
      equal(await other.replaceCaller(rotated, row, "caller.rotated"), false);
      same(await other.callerById(row.callerId), narrow);
      const bare = caller("bare", { rightsMac: null });
      await store.insertCaller(bare);
      equal(await store.replaceCaller(bare, bare, "caller.narrowed"), false);
    });

    test("the last use of a caller goes forward only", async (t) => {
      const store = await stores.open(t);
      const row = caller("reports");
      await store.insertCaller(row);
      await store.noteCallerUse(row.callerId, suiteTime + 5);
      await store.noteCallerUse(row.callerId, suiteTime + 4);
      await store.noteCallerUse("unknown", suiteTime + 6);
      same(await store.callerById(row.callerId), { ...row, lastUsedAt: suiteTime + 5 });
    });

    test("callers without a keyed hash of their rights get one once, and never when they are revoked", async (t) => {
      const store = await stores.open(t);
      const [old, ended] = [caller("old", { rightsMac: null }), caller("ended", { rightsMac: null })];
      for (const row of [old, ended]) await store.insertCaller(row);
      await store.revokeCaller("ended", suiteTime + 1);
      deepEqual(await store.bindCallers(() => bytes("mac")), ["old"]);
      same(await store.callerById(old.callerId), { ...old, rightsMac: bytes("mac") });
      const late = caller("late", { rightsMac: null });
      await store.insertCaller(late);
      deepEqual(await store.bindCallers(() => bytes("mac")), []);
      same(await store.callerById(late.callerId), late);
    });

    test("of twelve callers that take one name at once, one gets it", async (t) => {
      const [store, other] = await stores.openPair(t);
      const inserted = await Promise.all(
        Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? store : other).insertCaller(caller("reports"))),
      );
      equal(inserted.filter(Boolean).length, 1);
    });
  });
}

/** Makes a caller that may get tokens of every grant. */
export function caller(name: string, changes: Partial<CallerRow> = {}): CallerRow {
  return {
    callerId: unique("c"),
    name,
    keyHash: bytes("hash"),
    previousHash: null,
    previousUntil: null,
    permissions: '["token"]',
    grantsSealed: null,
    providers: null,
    createdAt: suiteTime,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    rightsMac: null,
    ...changes,
  };
}
