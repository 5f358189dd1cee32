import { deepEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import type { Bench } from "./bench.ts";
import type { GrantFilter } from "../store.ts";
import { bytes, same, save, saveIn } from "./rows.ts";

export function orphanTests(bench: Bench): void {
  describe("orphans", () => {
    test("late answers are kept by the generation they came from, newest first", async (t) => {
      const [store, other] = await bench.pair(t);
      const { grantId } = await save(store);
      const orphan = (orphanId: string, parentGeneration: number, receivedAt: number) => ({
        orphanId,
        grantId,
        parentGeneration,
        answerSealed: bytes(`answer ${orphanId}`),
        receivedAt,
      });
      const [older, newer, elsewhere] = [orphan("o1", 1, 10), orphan("o2", 1, 20), orphan("o3", 2, 30)] as const;
      for (const each of [older, newer, elsewhere]) await store.keepOrphan(each);
      same(await other.orphansOf(grantId, 1), [newer, older]);
      same(await other.orphansOf(grantId, 2), [elsewhere]);
      deepEqual(await store.orphansOf(grantId, 3), []);
      same(await other.orphansOf(grantId), [elsewhere, newer, older]);

      // Kept again by somebody who was not told that it had worked.
      await other.keepOrphan(newer);
      await other.dropOrphan("o1");
      await other.dropOrphan("o1");
      same(await store.orphansOf(grantId, 1), [newer]);
    });

    test("the grants that have any are found, by their state, in pages", async (t) => {
      const store = await bench.store(t);
      const rows = [await saveIn(store, "revoked"), await saveIn(store, "revoked"), await saveIn(store, "active")];
      await saveIn(store, "revoked");
      for (const { grantId } of rows) {
        for (const n of [1, 2]) {
          const orphanId = `${grantId} ${n}`;
          await store.keepOrphan({
            orphanId,
            grantId,
            parentGeneration: n,
            answerSealed: bytes("answer"),
            receivedAt: n,
          });
        }
      }
      const [first, second, living] = rows.map(({ grantId }) => grantId);
      const found = async (filter: Partial<GrantFilter>): Promise<string[]> =>
        (await store.listGrants({ withOrphans: true, limit: 9, ...filter })).map(({ grantId }) => grantId);
      deepEqual(await found({}), [first, second, living]);
      deepEqual(await found({ state: "revoked" }), [first, second]);
      deepEqual(await found({ state: "revoked", limit: 1 }), [first]);
      deepEqual(await found({ state: "revoked", after: first ?? "" }), [second]);
    });
  });
}
