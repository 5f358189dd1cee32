import { deepEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import type { SuiteStores } from "./suite-stores.ts";
import type { GrantFilter } from "../store.ts";
import { bytes, same, save, saveIn } from "./rows.ts";

export function lateAnswerTests(stores: SuiteStores): void {
  describe("late answers", () => {
    test("late answers are kept by the generation that they answer, newest first", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { grantId } = await save(store);
      const lateAnswer = (lateAnswerId: string, parentGeneration: number, receivedAt: number) => ({
        lateAnswerId,
        grantId,
        parentGeneration,
        answerSealed: bytes(`answer ${lateAnswerId}`),
        receivedAt,
      });
      const [older, newer, elsewhere] = [
        lateAnswer("late 1", 1, 10),
        lateAnswer("late 2", 1, 20),
        lateAnswer("late 3", 2, 30),
      ] as const;
      for (const each of [older, newer, elsewhere]) await store.keepLateAnswer(each);
      same(await other.lateAnswersOf(grantId, 1), [newer, older]);
      same(await other.lateAnswersOf(grantId, 2), [elsewhere]);
      deepEqual(await store.lateAnswersOf(grantId, 3), []);
      same(await other.lateAnswersOf(grantId), [elsewhere, newer, older]);

      // Kept again by somebody who was not told that it had worked.
      await other.keepLateAnswer(newer);
      await other.dropLateAnswer("late 1");
      await other.dropLateAnswer("late 1");
      same(await store.lateAnswersOf(grantId, 1), [newer]);
    });

    test("grants with late answers are found, by their state, in pages", async (t) => {
      const store = await stores.open(t);
      const rows = [await saveIn(store, "revoked"), await saveIn(store, "revoked"), await saveIn(store, "active")];
      await saveIn(store, "revoked");
      for (const { grantId } of rows) {
        for (const n of [1, 2]) {
          const lateAnswerId = `${grantId} ${n}`;
          await store.keepLateAnswer({
            lateAnswerId,
            grantId,
            parentGeneration: n,
            answerSealed: bytes("answer"),
            receivedAt: n,
          });
        }
      }
      const [first, second, living] = rows.map(({ grantId }) => grantId);
      const found = async (filter: Partial<GrantFilter>): Promise<string[]> =>
        (await store.listGrants({ withLateAnswers: true, limit: 9, ...filter })).map(({ grantId }) => grantId);
      deepEqual(await found({}), [first, second, living]);
      deepEqual(await found({ state: "revoked" }), [first, second]);
      deepEqual(await found({ state: "revoked", limit: 1 }), [first]);
      deepEqual(await found({ state: "revoked", after: first ?? "" }), [second]);
    });
  });
}
