import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { begin, bytes, save, tokens, unique } from "./rows.ts";

export function lifeOfGrantsTests(stores: SuiteStores): void {
  describe("how long grants live", () => {
    test("a refresh token that is called dead leaves the ages between which it died, also after the next consent", async (t) => {
      const store = await stores.open(t);
      const clientId = unique("client-");
      const row = await save(store, { clientId });
      const { grantId } = row;
      await store.commitAttempt(grantId, 1, tokens("2"), suiteTime + 500);
      equal(
        await store.lapse(grantId, 2, "invalid_grant", "invalid_grant", suiteTime + 900, null, "Bad Request"),
        true,
      );
      const lapsed = await store.grantById(grantId);
      equal(lapsed?.lastErrorSays, "Bad Request");
      const [death, ...others] = await store.deathsOf(clientId, 10);
      deepEqual(
        [death?.grantId, death?.diedAt, death?.diedAfter, death?.diedBefore],
        [grantId, suiteTime + 900, 500, 900],
      );
      deepEqual(others, []);
      const again = { ...row, ...lapsed, state: "active" as const, reason: null, consentedAt: suiteTime + 950 };
      equal(await store.saveFromIntake(again, lapsed ?? null, bytes(unique("code "))), true);
      equal((await store.deathsOf(clientId, 10))[0]?.diedBefore, 900, "the ages stay");
    });

    test("an end that says nothing of the token's age, or of a grant whose consent nobody dated, leaves none", async (t) => {
      const store = await stores.open(t);
      const clientId = unique("client-");
      const policy = await save(store, { clientId });
      const undated = await save(store, { clientId, consentedAt: null });
      await store.lapse(policy.grantId, 1, "admin_policy_enforced", "admin_policy_enforced", suiteTime + 900);
      await store.lapse(undated.grantId, 1, "invalid_grant", "invalid_grant", suiteTime + 900);
      deepEqual(await store.deathsOf(clientId, 10), []);
    });

    test("a refresh that works takes back what was said with the last failure", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await store.lapse(grantId, 1, "invalid_grant", "invalid_grant", suiteTime + 1, null, "Bad Request");
      await store.commitAttempt(grantId, 1, tokens("2"), suiteTime + 2);
      equal((await store.grantById(grantId))?.lastErrorSays, null);
    });

    test("why a grant is suspect is kept with it", async (t) => {
      const store = await stores.open(t);
      const [unknown, sibling, revived] = [await save(store), await save(store), await save(store)];
      await begin(store, unknown.grantId, "attempt");
      const failure = { error: "timed_out", at: suiteTime + 1, retryAt: null, suspect: true };
      await store.endAttemptUnknown("attempt", failure);
      await store.markSuspect(sibling.grantId, suiteTime + 2);
      await store.lapse(revived.grantId, 1, "invalid_grant", "invalid_grant", suiteTime + 3);
      await store.commitAttempt(revived.grantId, 1, tokens("2"), suiteTime + 4, suiteTime);
      const doubts = await Promise.all(
        [unknown, sibling, revived].map(async ({ grantId }) => (await store.grantById(grantId))?.doubt),
      );
      deepEqual(doubts, ["outcome_unknown", "ended_with_another", "ended_with_another"]);
    });

    test("consents of one client are told newest first, up to a time, and of no other client", async (t) => {
      const store = await stores.open(t);
      const clientId = unique("client-");
      const made: string[] = [];
      for (const at of [1, 3, 2, 9]) made.push((await save(store, { clientId, consentedAt: suiteTime + at })).grantId);
      await save(store, { clientId: unique("client-") });
      const told = await store.consentsOf(clientId, suiteTime + 9, 2);
      deepEqual(
        told.map(({ grantId }) => grantId),
        [made[1], made[2]],
      );
    });
  });
}
