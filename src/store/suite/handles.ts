import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { HandleRow } from "../handle-store.ts";
import type { Store } from "../store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, grant, intake, same, unique } from "./rows.ts";

export function handleTests(stores: SuiteStores): void {
  describe("handles", () => {
    test("a handle is found by its id and by its grant in every process", async (t) => {
      const [store, other] = await stores.openPair(t);
      const grantId = await newGrant(store);
      const [second, first] = [handle(grantId, { createdAt: suiteTime + 1 }), handle(grantId)];
      const full = handle(grantId, { createdAt: suiteTime + 2, scopes: '["openid"]', expiresAt: suiteTime + 9 });
      for (const row of [second, first, full]) equal(await store.insertHandle(row, suiteTime), true);
      const elsewhere = handle(await newGrant(store));
      await store.insertHandle(elsewhere, suiteTime);
      same(await other.handleById(full.handleId), full);
      same(await other.handlesOfGrant(grantId), [first, second, full]);
      same(await other.handlesOfGrant(elsewhere.grantId), [elsewhere]);
      equal(await other.handleById("unknown"), undefined);
      deepEqual(await other.handlesOfGrant("g_unknown"), []);
    });

    test("a handle of a grant that is not there is not kept", async (t) => {
      const store = await stores.open(t);
      const row = handle("g_unknown");
      equal(await store.insertHandle(row, suiteTime), false);
      equal(await store.handleById(row.handleId), undefined);
    });

    test("a handle is ended once, by the grant that it is of, and keeps the time of its end", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = handle(await newGrant(store));
      await store.insertHandle(row, suiteTime);
      equal(await store.revokeHandle("g_another", row.handleId, suiteTime + 5), false);
      equal(await store.revokeHandle(row.grantId, "unknown", suiteTime + 5), false);
      equal(await store.revokeHandle(row.grantId, row.handleId, suiteTime + 5), true);
      equal(await other.revokeHandle(row.grantId, row.handleId, suiteTime + 6), false);
      same(await other.handleById(row.handleId), { ...row, revokedAt: suiteTime + 5 });
    });

    test("of twelve calls that end one handle at once, one does", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = handle(await newGrant(store));
      await store.insertHandle(row, suiteTime);
      const ended = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          (n % 2 === 0 ? store : other).revokeHandle(row.grantId, row.handleId, suiteTime + n),
        ),
      );
      equal(ended.filter(Boolean).length, 1);
    });

    test("the last use of a handle goes forward only", async (t) => {
      const store = await stores.open(t);
      const row = handle(await newGrant(store));
      await store.insertHandle(row, suiteTime);
      await store.noteHandleUse(row.handleId, suiteTime + 5);
      await store.noteHandleUse(row.handleId, suiteTime + 4);
      await store.noteHandleUse("unknown", suiteTime + 6);
      same(await store.handleById(row.handleId), { ...row, lastUsedAt: suiteTime + 5 });
    });

    test("a new handle takes the place of those of its grant that ended long ago, and of no others", async (t) => {
      const store = await stores.open(t);
      const grantId = await newGrant(store);
      const rows = [
        handle(grantId, { revokedAt: suiteTime - 1 }),
        handle(grantId, { expiresAt: suiteTime - 1 }),
        handle(grantId, { revokedAt: suiteTime, expiresAt: suiteTime + 9 }),
        handle(grantId, { expiresAt: suiteTime }),
        handle(grantId),
      ];
      const elsewhere = handle(await newGrant(store), { revokedAt: suiteTime - 1 });
      for (const row of [...rows, elsewhere]) await store.insertHandle(row, suiteTime - 9);
      const last = handle(grantId);
      await store.insertHandle(last, suiteTime);
      deepEqual(
        (await store.handlesOfGrant(grantId)).map(({ handleId }) => handleId),
        [...rows.slice(2), last].map(({ handleId }) => handleId),
      );
      same(await store.handleById(elsewhere.handleId), elsewhere);
    });
  });
}

async function newGrant(store: Store): Promise<string> {
  const row = grant();
  await store.saveFromIntake(row, null, intake().codeHash);
  return row.grantId;
}

function handle(grantId: string, changes: Partial<HandleRow> = {}): HandleRow {
  return {
    handleId: unique("h"),
    grantId,
    provider: "google",
    callerId: "caller",
    name: "reports",
    secretHash: bytes("hash"),
    scopes: null,
    createdAt: suiteTime,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    rightsMac: bytes("mac"),
    ...changes,
  };
}
