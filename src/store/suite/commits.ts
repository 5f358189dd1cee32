import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { begin, bytes, read, same, save, saveIn, tokens, unique } from "./rows.ts";

const at = suiteTime + 7;

export function commitTests(stores: SuiteStores): void {
  describe("commits", () => {
    test("a commit moves the grant to the next generation, and ends its attempt", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      await store.endAttempt("a", { error: "slow_down", at: suiteTime + 1, retryAt: suiteTime + 2 });
      equal((await begin(store, row.grantId, "b", { at: suiteTime + 2 })).kind, "begun");
      const answer = {
        ...tokens("2"),
        scope: "openid",
        refreshExpiresAt: suiteTime + 9,
        consentExpiresAt: suiteTime + 11,
      };
      equal(await store.commitAttempt(row.grantId, 1, answer, at), "active");
      same(await read(other, row.grantId), { ...row, ...answer, generation: 2, lastRefreshAt: at, updatedAt: at });
      deepEqual(await other.attempts(), []);
    });

    test("a commit of a refresh token alone notes why there is no access token, and when to ask again", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      const answer = { ...tokens("2"), accessSealed: null, accessExpiresAt: null };
      for (const failures of [1, 2]) {
        const failure = { error: "no_access_token", retryAt: at + 10 };
        equal(await store.commitAttempt(grantId, failures, answer, at, undefined, failure), "active");
        const row = await read(store, grantId);
        deepEqual(
          [row.lastError, row.lastErrorAt, row.failures, row.retryAt],
          ["no_access_token", at, failures, at + 10],
        );
        equal((await begin(store, grantId, "a", { generation: failures + 1, at: at + 9 })).kind, "backing-off");
      }
      equal(await store.commitAttempt(grantId, 3, tokens("3"), at), "active");
      const row = await read(store, grantId);
      deepEqual([row.lastError, row.lastErrorAt, row.failures, row.retryAt], [null, null, 0, null]);
    });

    test("a generation takes one commit: the second one returns undefined and changes nothing", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      equal(await store.commitAttempt(grantId, 1, tokens("first"), at), "active");
      equal(await store.commitAttempt(grantId, 1, tokens("second"), at), undefined);
      equal(await store.commitAttempt("g_none", 1, tokens("second"), at), undefined);
      same((await read(store, grantId)).refreshSealed, bytes("refresh first"));
    });

    test("an owner that was taken over can still commit first, and then the other one's commit returns undefined", async (t) => {
      const [paused, other] = await stores.openPair(t);
      const { grantId } = await save(paused);
      await begin(paused, grantId, "paused");
      equal((await begin(other, grantId, "other", { replaces: "paused" })).kind, "begun");
      equal(await paused.commitAttempt(grantId, 1, tokens("paused"), at), "active");
      deepEqual(await other.attempts(), [], "an attempt on the old generation is over");
      equal(await other.commitAttempt(grantId, 1, tokens("other"), at), undefined);
      same((await read(other, grantId)).refreshSealed, bytes("refresh paused"));
    });

    test("an answer to a refresh token that a new consent has replaced is not committed", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      const consent = { ...row, ...tokens("consent"), generation: 2 };
      await store.saveFromIntake(consent, row, bytes("code"));
      equal(await store.commitAttempt(row.grantId, 1, tokens("late"), at), undefined);
      same(await read(store, row.grantId), consent);
    });

    for (const state of ["suspect", "lapsed"] as const) {
      test(`a commit makes a ${state} grant active again`, async (t) => {
        const store = await stores.open(t);
        const { grantId } = await saveIn(store, state);
        equal(await store.commitAttempt(grantId, 1, tokens("2"), at), "active");
        const row = await read(store, grantId);
        deepEqual([row.state, row.reason, row.stateSince, row.generation], ["active", null, at, 2]);
      });
    }

    test("a commit that comes too late does not end the attempt on the new generation", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await store.commitAttempt(grantId, 1, tokens("2"), at);
      await begin(store, grantId, "b", { generation: 2 });
      equal(await store.commitAttempt(grantId, 1, tokens("late"), at), undefined);
      equal((await store.attempts()).length, 1);
    });

    test("of twenty commits to one generation at once, one succeeds", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { grantId } = await save(store);
      const names = Array.from({ length: 20 }, () => unique("answer "));
      const committed = await Promise.all(
        names.map((name, n) => (n % 2 === 0 ? store : other).commitAttempt(grantId, 1, tokens(name), at)),
      );
      equal(committed.filter(Boolean).length, 1);
      const row = await read(store, grantId);
      equal(row.generation, 2);
      same(row.refreshSealed, bytes(`refresh ${String(names[committed.indexOf("active")])}`));
    });

    test("a commit to a grant that became suspect in the future makes it active: a clock was ahead, and was put right", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await store.markSuspect(grantId, at + 86_400_000);
      equal(await store.commitAttempt(grantId, 1, tokens("2"), at, at - 10), "active");
    });

    test("a commit to a grant that lapsed after the answer was given leaves it suspect, with an expired access token", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await saveIn(store, "lapsed");
      equal(await store.commitAttempt(grantId, 1, tokens("2"), at, at - 10), "suspect");
      const row = await read(store, grantId);
      deepEqual([row.state, row.reason, row.stateSince, row.accessExpiresAt], ["suspect", null, at, at]);
    });

    test("a commit to a grant that became suspect while the provider was asked leaves it suspect, with an expired access token", async (t) => {
      const store = await stores.open(t);
      for (const [suspectSince, state, expiresAt] of [
        [at - 10, "suspect", at],
        [at, "active", tokens("2").accessExpiresAt],
        [undefined, "active", tokens("2").accessExpiresAt],
      ] as const) {
        const { grantId } = await save(store);
        await store.markSuspect(grantId, at - 5);
        equal(await store.commitAttempt(grantId, 1, tokens("2"), at, suspectSince), state);
        const row = await read(store, grantId);
        deepEqual([row.state, row.generation, row.accessExpiresAt], [state, 2, expiresAt]);
        same(row.refreshSealed, bytes("refresh 2"));
      }
    });

    test("no attempt is left on a generation that is committed at the same moment", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { grantId } = await save(store);
      for (let generation = 1; generation <= 15; generation++) {
        const [begun, committed] = await Promise.all([
          begin(other, grantId, unique("attempt "), { generation }),
          store.commitAttempt(grantId, generation, tokens(String(generation)), at),
        ]);
        equal(committed, "active");
        ok(begun.kind === "begun" || begun.kind === "moved");
        // Had it begun first, the commit has ended it; had it begun after, a spent token would be sent again.
        deepEqual(await store.attempts(), []);
      }
    });
  });

  describe("lapses", () => {
    test("a lapse ends a usable grant and its attempt, at the generation that the provider refused", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      equal(await store.lapse(row.grantId, 2, "invalid_grant", "invalid_grant", at), false);
      equal((await store.attempts()).length, 1);
      equal(await store.lapse(row.grantId, 1, "crash_ambiguous_rotation", "invalid_grant", at), true);
      same(await read(store, row.grantId), {
        ...row,
        state: "lapsed",
        reason: "crash_ambiguous_rotation",
        stateSince: at,
        lastError: "invalid_grant",
        lastErrorAt: at,
        updatedAt: at,
      });
      deepEqual(await store.attempts(), []);
      equal(await store.lapse(row.grantId, 1, "invalid_grant", "again", at + 1), false);
    });

    test("a grant without a refresh token lapses once its access token has ended, once, and a consent makes it live again", async (t) => {
      const [store, other] = await stores.openPair(t);
      const lone = { refreshSealed: null, accessExpiresAt: at };
      const row = await save(store, { ...lone, lastError: "slow_down", lastErrorAt: suiteTime });
      const first = await save(store, { ...lone, accessSealed: null, accessExpiresAt: null });
      const others = [
        await save(store, { ...lone, accessExpiresAt: at + 1 }),
        await save(store, { ...lone, accessExpiresAt: null }),
        await save(store, { accessExpiresAt: at }),
      ];
      same(
        (await store.grantsToLapse(at, 9)).map(({ grantId }) => grantId),
        [first.grantId, row.grantId],
      );
      same(
        (await store.grantsToLapse(at, 1)).map(({ grantId }) => grantId),
        [first.grantId],
      );
      equal(await store.lapseWithoutAccess(row.grantId, at - 1), false, "it lives until then");
      for (const { grantId } of others) equal(await store.lapseWithoutAccess(grantId, at), false);
      equal(await store.lapseWithoutAccess("g_none", at), false);
      const both = await Promise.all([store, other].map((each) => each.lapseWithoutAccess(row.grantId, at + 5)));
      deepEqual(both.filter(Boolean), [true]);
      const lapsed = await read(other, row.grantId);
      same(lapsed, {
        ...row,
        state: "lapsed",
        reason: "no_refresh_token",
        stateSince: at,
        lastError: null,
        lastErrorAt: null,
        updatedAt: at + 5,
      });
      same(
        (await other.grantsToLapse(at + 5, 9)).map(({ grantId }) => grantId),
        [first.grantId, others[0]?.grantId],
      );
      const again = { ...lapsed, state: "active" as const, reason: null, accessExpiresAt: at + 9, updatedAt: at + 6 };
      equal(await store.saveFromIntake(again, lapsed, bytes(unique("code "))), true);
      equal(await other.lapseWithoutAccess(row.grantId, at + 8), false);
      equal(await other.lapseWithoutAccess(row.grantId, at + 9), true);
      const told = (await store.events({ after: 0, limit: 20, grantId: row.grantId })).map(
        ({ type, at: toldAt, body }) => [type, toldAt, body.reason, body.error],
      );
      same(told, [
        ["grant.created", suiteTime, undefined, undefined],
        ["grant.lapsed", at + 5, "no_refresh_token", undefined],
        ["grant.recovered", at + 6, undefined, undefined],
        ["grant.lapsed", at + 9, "no_refresh_token", undefined],
      ]);
    });

    test("a lapsed grant is refreshed again only once it is due for a look, and a commit ends the looks", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      equal(await store.lapse(grantId, 1, "invalid_grant", "invalid_grant", at, at + 100), true);
      equal((await read(store, grantId)).lookAt, at + 100);
      equal((await begin(store, grantId, "a", { at: at + 99 })).kind, "moved");
      equal((await begin(store, grantId, "b", { at: at + 100 })).kind, "begun");
      await store.endAttempt("b", { error: "timeout", at: at + 101, retryAt: null });
      equal((await read(store, grantId)).lookAt, at + 100, "a failure that says nothing leaves the look due");
      equal((await begin(store, grantId, "c", { at: at + 102 })).kind, "begun");
      equal(await store.commitAttempt(grantId, 1, tokens("2"), at + 103), "active");
      equal((await read(store, grantId)).lookAt, null);
      equal(await store.lapse(grantId, 2, "invalid_grant", "invalid_grant", at), true);
      equal((await begin(store, grantId, "d", { generation: 2, at: at + 1_000 })).kind, "moved", "never, by default");
    });

    test("an attempt that ends names the next look, ends all looks, or leaves them", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      for (const [attemptId, lookAt, then] of [
        ["a", at + 5, at + 5],
        ["b", undefined, at + 5],
        ["c", null, null],
      ] as const) {
        await begin(store, grantId, attemptId);
        const failure = { error: "invalid_grant", at, retryAt: null };
        await store.endAttempt(attemptId, lookAt === undefined ? failure : { ...failure, lookAt });
        equal((await read(store, grantId)).lookAt, then);
      }
    });

    test("an attempt that ends after the person has signed in again says nothing about the new consent", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      const consent = { ...row, ...tokens("consent"), generation: 2 };
      await store.saveFromIntake(consent, row, bytes("code"));
      await store.endAttempt("a", { error: "invalid_grant", at, retryAt: at + 60_000, lookAt: at + 60_000 });
      same(await read(store, row.grantId), consent);
      deepEqual(await store.attempts(), []);
    });

    test("grants are due for a look in the order of their times, page after page, until they are revoked", async (t) => {
      const store = await stores.open(t);
      const grantIds: string[] = [];
      for (const lookAt of [at + 3, at + 1, at + 1, at + 2, at + 50]) {
        const { grantId } = await save(store, { lookAt });
        grantIds.push(grantId);
      }
      await save(store);
      const [third = "", first = "", second = "", between = ""] = grantIds;
      const page = await store.grantsToLookAt(at + 50, 2);
      deepEqual(
        page.map(({ grantId }) => grantId),
        [first, second],
      );
      const rest = await store.grantsToLookAt(at + 50, 10, page[1]);
      deepEqual(
        rest.map(({ grantId }) => grantId),
        [between, third],
      );
      await store.beginRevocation(first, at);
      deepEqual(
        (await store.grantsToLookAt(at + 2, 10)).map(({ grantId }) => grantId),
        [second],
      );
    });

    test("a lapse does not end a grant that has moved to another generation", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await store.commitAttempt(grantId, 1, tokens("2"), at);
      equal(await store.lapse(grantId, 1, "invalid_grant", "invalid_grant", at), false);
      equal((await read(store, grantId)).state, "active");
    });
  });
}
