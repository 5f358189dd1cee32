import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { Store } from "../store.ts";
import type { WaitingDelivery } from "../webhook-store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { owner, same, save, tokens } from "./rows.ts";

const one = owner("one");
const two = owner("two");
const nothing = { delivered: [], waiting: [], lines: [] };

function waiting(seq: number, line: string, changes: Partial<WaitingDelivery> = {}): WaitingDelivery {
  return { seq, line, tries: 0, firstAt: null, nextAt: null, error: null, deadAt: null, ...changes };
}

async function claimed(store: Store): Promise<void> {
  equal(await store.claimWebhook({ owner: one, urlHash: "hash", at: suiteTime }, undefined), true);
}

export function webhookTests(stores: SuiteStores): void {
  describe("webhooks", () => {
    test("deliveries begin after the events that there are, and have one owner, whoever came first", async (t) => {
      const [store, other] = await stores.openPair(t);
      await save(store);
      equal(await store.webhookState(), undefined);
      const claims = [one, two].map((each) =>
        (each === one ? store : other).claimWebhook({ owner: each, urlHash: "hash", at: suiteTime }, undefined),
      );
      const won = await Promise.all(claims);
      deepEqual(won.filter(Boolean), [true]);
      const state = await other.webhookState();
      const first = won[0] === true ? one : two;
      same(state, { urlHash: "hash", position: 1, owner: first, seenAt: suiteTime, stopped: null });
      const [next, later] = [suiteTime + 1, suiteTime + 2];
      equal(await store.claimWebhook({ owner: two, urlHash: "hash", at: next }, state), true);
      equal(
        await store.claimWebhook({ owner: one, urlHash: "hash", at: later }, state),
        false,
        "it is not as it was read",
      );
      equal(await store.noteDeliveries(one, later, { position: 9, ...nothing }), false);
      equal(await store.noteDeliveries(two, later, { position: 1, ...nothing }), true);
    });

    test("what was not delivered waits in its line, the first of it with a time", async (t) => {
      const store = await stores.open(t);
      await claimed(store);
      for (let n = 0; n < 5; n += 1) await save(store);
      const failed = waiting(1, "a", { tries: 1, firstAt: suiteTime, nextAt: suiteTime + 5, error: "status 500" });
      const rows = [failed, waiting(3, "a"), waiting(2, "b", { nextAt: suiteTime + 1 }), waiting(4, "c")];
      await store.noteDeliveries(one, suiteTime, { position: 5, delivered: [], waiting: rows, lines: ["a", "c"] });
      same(await store.deliveriesOf("a", 10), [failed, waiting(3, "a")]);
      deepEqual(
        (await store.dueDeliveries(suiteTime + 1, 10)).map(({ seq }) => seq),
        [4, 2],
      );
      deepEqual(
        (await store.dueDeliveries(suiteTime + 9, 2)).map(({ seq }) => seq),
        [4, 2],
      );
      same(await store.deliveryCounts(), { waiting: 4, dead: 0, waitingSince: suiteTime });
      await store.noteDeliveries(one, suiteTime + 6, { position: 5, delivered: [1], waiting: [], lines: ["a"] });
      same(await store.deliveriesOf("a", 10), [waiting(3, "a", { nextAt: suiteTime + 6 })]);
      const dead = waiting(3, "a", { tries: 14, firstAt: suiteTime, error: "status 500", deadAt: suiteTime + 7 });
      await store.noteDeliveries(one, suiteTime + 7, { position: 5, delivered: [], waiting: [dead], lines: ["a"] });
      same(await store.deadDeliveries(0, 10), [dead]);
      same(await store.deadDeliveries(3, 10), []);
      same(await store.deliveriesOf("a", 10), []);
      same(await store.deliveryCounts(), { waiting: 2, dead: 1, waitingSince: null });
      equal(await store.replayDeliveries(undefined, suiteTime + 8), 1);
      deepEqual(
        (await store.dueDeliveries(suiteTime + 8, 10)).map(({ seq, tries }) => [seq, tries]),
        [
          [4, 0],
          [2, 0],
          [3, 0],
        ],
      );
    });

    test("a time that was set by a clock that was ahead is waited for no longer, and one that has come stays as it is", async (t) => {
      const store = await stores.open(t);
      await claimed(store);
      for (let n = 0; n < 4; n += 1) await save(store);
      const [early, late] = [suiteTime - 1, suiteTime + 86_400_000];
      const dead = waiting(4, "d", { tries: 14, firstAt: suiteTime, error: "status 500", deadAt: late });
      const rows = [waiting(1, "a", { nextAt: late }), waiting(2, "a"), waiting(3, "b", { nextAt: early }), dead];
      await store.noteDeliveries(one, suiteTime, { position: 4, delivered: [], waiting: rows, lines: [] });
      await store.hastenDeliveries(suiteTime);
      deepEqual(
        (await store.dueDeliveries(late, 10)).map(({ seq, nextAt }) => [seq, nextAt]),
        [
          [3, early],
          [1, suiteTime],
        ],
      );
      same(await store.deadDeliveries(0, 10), [dead]);
    });

    test("events are delivered once more from a number on, and what was stopped goes on", async (t) => {
      const store = await stores.open(t);
      await claimed(store);
      for (let n = 0; n < 3; n += 1) await save(store);
      const rows = [waiting(1, "a", { nextAt: suiteTime }), waiting(3, "b", { nextAt: suiteTime })];
      await store.noteDeliveries(one, suiteTime, { position: 3, delivered: [], waiting: rows, lines: [] });
      await store.leaveWebhook(one, "410 Gone");
      const state = await store.webhookState();
      deepEqual([state?.owner, state?.stopped], [null, "410 Gone"]);
      equal(await store.replayDeliveries(1, suiteTime + 1), 2);
      same(await store.webhookState(), {
        urlHash: "hash",
        position: 1,
        owner: null,
        seenAt: suiteTime + 1,
        stopped: null,
      });
      deepEqual(
        (await store.dueDeliveries(suiteTime, 10)).map(({ seq }) => seq),
        [1],
      );
      equal(await store.replayDeliveries(5, suiteTime + 2), 0);
    });

    test("another address begins without what stopped the first", async (t) => {
      const store = await stores.open(t);
      await claimed(store);
      await store.leaveWebhook(one, "410 Gone");
      await store.claimWebhook({ owner: two, urlHash: "other", at: suiteTime + 1 }, await store.webhookState());
      equal((await store.webhookState())?.stopped, null);
    });
  });

  describe("what apps are told by themselves", () => {
    test("the end of a consent is told once, when its time has come, and only of a grant that is in use", async (t) => {
      const [store, other] = await stores.openPair(t);
      const ends = { ...tokens("1"), consentExpiresAt: suiteTime + 900, announceEndAt: suiteTime + 100 };
      const { grantId } = await save(store, ends);
      const lapsed = await save(store, ends);
      await store.lapse(lapsed.grantId, 1, "invalid_grant", "invalid_grant", suiteTime);
      same(await store.endsToAnnounce(suiteTime + 100, 10), []);
      const due = await store.endsToAnnounce(suiteTime + 101, 10);
      same(due, [{ grantId, provider: "google", announceEndAt: suiteTime + 100 }]);
      const told = await Promise.all(
        // As it was read, by each.
        [store, other].map((each) => Promise.all(due.map((end) => each.announceEnd(end, suiteTime + 101)))),
      );
      deepEqual(told.flat().filter(Boolean), [true]);
      same(await store.endsToAnnounce(suiteTime + 101, 10), []);
      const events = (await store.events({ after: 3, limit: 10 })).map(({ type, body }) => [
        type,
        body.reauthorizeBefore,
      ]);
      deepEqual(events, [["grant.consent_ends_soon", new Date(suiteTime + 900).toISOString()]]);
    });

    test("a provider's trouble and its end are told once each, whichever process noticed", async (t) => {
      const [store, other] = await stores.openPair(t);
      const note = (each: Store, condition: "well" | "down" | "refused", error?: string): Promise<boolean> =>
        each.noteCondition({ provider: "google", clientId: "client-1", condition, error, at: suiteTime });
      equal(await note(store, "well"), false);
      deepEqual((await Promise.all([note(store, "down"), note(other, "down")])).filter(Boolean), [true]);
      equal(await note(other, "well"), true);
      equal(await note(store, "refused", "invalid_client"), true);
      equal(await note(store, "well"), true);
      const events = (await store.events({ after: 0, limit: 10 })).map(({ type, grantId, body }) => [
        type,
        grantId,
        body.reason,
      ]);
      deepEqual(events, [
        ["provider.down", null, "provider_unavailable"],
        ["provider.back", null, undefined],
        ["client.refused", null, "wrong_client_secret"],
      ]);
    });
  });
}
