import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, owner, read, same, save, saveIn, tokens } from "./rows.ts";

export function revocationTests(stores: SuiteStores): void {
  describe("revocation", () => {
    for (const state of ["active", "suspect", "lapsed"] as const) {
      test(`a revocation begins from ${state}, and keeps the tokens until it ends`, async (t) => {
        const store = await stores.open(t);
        const row = await saveIn(store, state);
        equal(await store.beginRevocation(row.grantId, suiteTime + 9), true);
        same(await read(store, row.grantId), {
          ...row,
          state: "revoking",
          reason: null,
          stateSince: suiteTime + 9,
          updatedAt: suiteTime + 9,
        });
      });
    }

    test("a revocation that begins a second time keeps the time of the first", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await saveIn(store, "revoking");
      equal(await store.beginRevocation(grantId, suiteTime + 9), true);
      equal((await read(store, grantId)).stateSince, suiteTime + 1);
    });

    test("no revocation begins for a revoked grant, or without a grant", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await saveIn(store, "revoked");
      equal(await store.beginRevocation(grantId, suiteTime + 9), false);
      equal(await store.beginRevocation("g_none", suiteTime + 9), false);
    });

    test("a revocation ends with every token and attempt erased, and leaves late answers, which may hold a living token", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await store.beginAttempt({ attemptId: "a", grantId, generation: 1, owner: owner("first"), at: suiteTime });
      const lateAnswer = {
        lateAnswerId: "late 1",
        grantId,
        parentGeneration: 0,
        answerSealed: bytes("answer"),
        receivedAt: 1,
      };
      await store.keepLateAnswer(lateAnswer);
      equal(await store.endRevocation(grantId, 1, suiteTime + 9), false, "it was not begun");
      await store.beginRevocation(grantId, suiteTime + 8);
      equal(await store.endRevocation(grantId, 2, suiteTime + 9), false, "another generation");
      equal(await store.endRevocation(grantId, 1, suiteTime + 9), true);
      const { state, reason, stateSince, ...rest } = await read(store, grantId);
      deepEqual({ state, reason, stateSince }, { state: "revoked", reason: "revoked", stateSince: suiteTime + 9 });
      for (const name of Object.keys(tokens("1")).filter((each) => !each.toLowerCase().endsWith("scope"))) {
        equal((rest as Record<string, unknown>)[name], null, name);
      }
      deepEqual(await store.attempts(), []);
      same(await store.lateAnswersOf(grantId, 0), [lateAnswer]);
      equal(await store.endRevocation(grantId, 1, suiteTime + 10), false);
      const other = await saveIn(store, "revoking");
      equal(await store.endRevocation(other.grantId, 1, suiteTime + 9, "revoked_unconfirmed"), true);
      equal((await read(store, other.grantId)).reason, "revoked_unconfirmed");
    });

    test("a new consent survives the end of a revocation that began before it", async (t) => {
      const [store, other] = await stores.openPair(t);
      const revoking = await saveIn(store, "revoking");
      const consent = { ...revoking, ...tokens("2"), state: "active" as const, generation: 2 };
      equal(await other.saveFromIntake(consent, revoking, bytes("code")), true);
      equal(await store.endRevocation(revoking.grantId, 1, suiteTime + 9), false);
      same(await read(store, revoking.grantId), consent);
    });

    for (const state of ["active", "suspect"] as const) {
      test(`a grant that is marked suspect, from ${state}, has no access token that counts as valid`, async (t) => {
        const store = await stores.open(t);
        const row = await saveIn(store, state);
        equal(await store.markSuspect(row.grantId, suiteTime + 9), true);
        const marked = {
          ...row,
          state: "suspect",
          stateSince: suiteTime + 9,
          doubt: "ended_with_another",
          accessExpiresAt: suiteTime + 9,
          updatedAt: suiteTime + 9,
        };
        same(await read(store, row.grantId), marked);
        equal(await store.markSuspect(row.grantId, suiteTime + 20), true);
        const markedAgain = { ...marked, stateSince: suiteTime + 20, updatedAt: suiteTime + 20 };
        // An answer from before the second mark proves nothing.
        same(await read(store, row.grantId), markedAgain);
        equal(await store.commitAttempt(row.grantId, 1, tokens("2"), suiteTime + 30), "active");
        equal((await read(store, row.grantId)).state, "active", "an exchange shows that it lives");
      });
    }

    test("a token whose end nobody said counts as expired once its grant is suspect, and where there is none, none ends", async (t) => {
      const store = await stores.open(t);
      const unsaid = await save(store, { accessExpiresAt: null });
      const none = await save(store, { accessSealed: null, accessExpiresAt: null });
      for (const [{ grantId }, end] of [
        [unsaid, suiteTime + 9],
        [none, null],
      ] as const) {
        equal(await store.markSuspect(grantId, suiteTime + 9), true);
        equal((await read(store, grantId)).accessExpiresAt, end);
      }
    });

    test("only a usable grant with a refresh token is marked suspect: with no other could the provider be asked", async (t) => {
      const store = await stores.open(t);
      const signInOnly = await save(store, { refreshSealed: null });
      const rows = [signInOnly];
      for (const state of ["lapsed", "revoking", "revoked"] as const) rows.push(await saveIn(store, state));
      for (const row of rows) {
        equal(await store.markSuspect(row.grantId, suiteTime + 9), false);
        same(await read(store, row.grantId), row);
      }
      equal(await store.markSuspect("g_none", suiteTime + 9), false);
    });

    test("no refresh begins or is committed while a grant is being revoked, or after", async (t) => {
      const store = await stores.open(t);
      for (const state of ["revoking", "revoked"] as const) {
        const { grantId } = await saveIn(store, state);
        const begun = await store.beginAttempt({
          attemptId: state,
          grantId,
          generation: 1,
          owner: owner("first"),
          at: suiteTime,
        });
        equal(begun.kind, "moved");
        equal(await store.commitAttempt(grantId, 1, tokens("2"), suiteTime + 9), undefined);
        equal(await store.lapse(grantId, 1, "invalid_grant", "invalid_grant", suiteTime + 9), false);
        equal((await read(store, grantId)).state, state);
      }
    });
  });
}
