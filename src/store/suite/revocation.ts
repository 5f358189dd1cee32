import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { suiteTime } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { bytes, owner, read, same, save, saveIn, tokens } from "./rows.ts";

export function revocationTests(bench: Bench): void {
  describe("revocation", () => {
    for (const state of ["active", "suspect", "lapsed"] as const) {
      test(`begins from ${state}, and holds the tokens until it ends`, async (t) => {
        const store = await bench.store(t);
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

    test("begins once: a second begin keeps the time of the first", async (t) => {
      const store = await bench.store(t);
      const { grantId } = await saveIn(store, "revoking");
      equal(await store.beginRevocation(grantId, suiteTime + 9), true);
      equal((await read(store, grantId)).stateSince, suiteTime + 1);
    });

    test("begins neither for a revoked grant nor for none", async (t) => {
      const store = await bench.store(t);
      const { grantId } = await saveIn(store, "revoked");
      equal(await store.beginRevocation(grantId, suiteTime + 9), false);
      equal(await store.beginRevocation("g_none", suiteTime + 9), false);
    });

    test("ends with every token and attempt erased; late answers stay, for they may hold a living token", async (t) => {
      const store = await bench.store(t);
      const { grantId } = await save(store);
      await store.beginAttempt({ attemptId: "a", grantId, generation: 1, owner: owner("first"), at: suiteTime });
      const lateAnswer = {
        lateAnswerId: "o",
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
      for (const name of Object.keys(tokens("1")).filter((each) => each !== "scope")) {
        equal((rest as Record<string, unknown>)[name], null, name);
      }
      deepEqual(await store.attempts(), []);
      same(await store.lateAnswersOf(grantId, 0), [lateAnswer]);
      equal(await store.endRevocation(grantId, 1, suiteTime + 10), false);
    });

    test("a new consent between begin and end survives", async (t) => {
      const [store, other] = await bench.pair(t);
      const revoking = await saveIn(store, "revoking");
      const consent = { ...revoking, ...tokens("2"), state: "active" as const, generation: 2 };
      equal(await other.saveFromIntake(consent, revoking, bytes("code")), true);
      equal(await store.endRevocation(revoking.grantId, 1, suiteTime + 9), false);
      same(await read(store, revoking.grantId), consent);
    });

    for (const state of ["active", "suspect"] as const) {
      test(`what may have ended with another is suspect, from ${state}, and its access token is not served`, async (t) => {
        const store = await bench.store(t);
        const row = await saveIn(store, state);
        equal(await store.markSuspect(row.grantId, suiteTime + 9), true);
        const marked = {
          ...row,
          state: "suspect",
          stateSince: state === "suspect" ? row.stateSince : suiteTime + 9,
          accessExpiresAt: suiteTime + 9,
          updatedAt: suiteTime + 9,
        };
        same(await read(store, row.grantId), marked);
        equal(await store.markSuspect(row.grantId, suiteTime + 20), true);
        same(await read(store, row.grantId), { ...marked, updatedAt: suiteTime + 20 });
        equal(await store.commitAttempt(row.grantId, 1, tokens("2"), suiteTime + 30), "active");
        equal((await read(store, row.grantId)).state, "active", "an exchange shows that it lives");
      });
    }

    test("only a usable grant with a refresh token is suspected: with another, nothing could be looked at", async (t) => {
      const store = await bench.store(t);
      const signInOnly = await save(store, { refreshSealed: null });
      const rows = [signInOnly];
      for (const state of ["lapsed", "revoking", "revoked"] as const) rows.push(await saveIn(store, state));
      for (const row of rows) {
        equal(await store.markSuspect(row.grantId, suiteTime + 9), false);
        same(await read(store, row.grantId), row);
      }
      equal(await store.markSuspect("g_none", suiteTime + 9), false);
    });

    test("while it runs, no refresh begins and none is committed", async (t) => {
      const store = await bench.store(t);
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
