import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import type { EventRow } from "../event-store.ts";
import type { Store } from "../store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { begin, bytes, read, same, save, saveIn, tokens, unique } from "./rows.ts";

export function eventTests(stores: SuiteStores): void {
  describe("events", () => {
    test("each change that somebody should hear of gives one event, and an ordinary refresh gives none", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "first");
      await store.commitAttempt(grantId, 1, tokens("2"), suiteTime + 1);
      await store.markSuspect(grantId, suiteTime + 2);
      await store.markSuspect(grantId, suiteTime + 3);
      await begin(store, grantId, "second", { generation: 2 });
      await store.commitAttempt(grantId, 2, { ...tokens("3"), scope: "openid drive" }, suiteTime + 4);
      await begin(store, grantId, "third", { generation: 3 });
      await store.endAttemptUnknown("third", { error: "timeout", at: suiteTime + 5, retryAt: null, suspect: true });
      await store.lapse(grantId, 3, "invalid_grant", "invalid_grant", suiteTime + 6);
      await store.lapse(grantId, 3, "invalid_grant", "invalid_grant", suiteTime + 7);
      await store.beginRevocation(grantId, suiteTime + 8);
      await store.endRevocation(grantId, 3, suiteTime + 9);
      const events = await store.events({ after: 0, limit: 100 });
      const about = { grantId, provider: "google", clientId: "client-1" };
      const after = (ms: number): string => new Date(suiteTime + ms).toISOString();
      const doubt = { reason: "ended_with_another", evidence: [after(2)], was: "active" };
      const unknown = { reason: "outcome_unknown", evidence: [after(5)], was: "active" };
      const lapse = { reason: "invalid_grant", evidence: [after(6)], error: "invalid_grant", was: "suspect" };
      same(
        events.map(({ eventId: _random, body: { dependsOn: _who, fix: _what, evidence, ...body }, ...event }) => ({
          ...event,
          body: evidence === undefined ? body : { ...body, evidence: evidence.map(({ at }) => at) },
        })),
        [
          { type: "grant.created", at: suiteTime, body: { offline: true } },
          { type: "grant.suspect", at: suiteTime + 2, body: doubt },
          { type: "grant.recovered", at: suiteTime + 4, body: { was: "suspect" } },
          { type: "grant.scopes_changed", at: suiteTime + 4, body: { gained: ["drive"], lost: ["email"] } },
          { type: "grant.suspect", at: suiteTime + 5, body: unknown },
          { type: "grant.lapsed", at: suiteTime + 6, body: lapse },
          {
            type: "grant.revoked",
            at: suiteTime + 9,
            body: { reason: "revoked", evidence: [after(9)], was: "revoking" },
          },
        ].map((event, n) => Object.assign(event, about, { seq: n + 1 })),
      );
      ok(new Set(events.map(({ eventId }) => eventId)).size === events.length);
      same(await store.eventHead(), { seq: events.length, pruned: 0 });
    });

    test("a consent onto a grant that has lapsed is an event of its recovery, and what was not stored is none", async (t) => {
      const store = await stores.open(t);
      const before = await saveIn(store, "lapsed");
      const after = { ...before, state: "active" as const, reason: null, generation: 2, updatedAt: suiteTime + 5 };
      equal(await store.saveFromIntake(after, before, bytes(unique("code "))), true);
      equal(await store.saveFromIntake(after, before, bytes(unique("code "))), false);
      await save(store, { subjectHash: before.subjectHash }).catch(() => undefined);
      deepEqual(types(await store.events({ after: 0, limit: 10 })), [
        "grant.created",
        "grant.lapsed",
        "grant.recovered",
      ]);
    });

    test("events are read page by page, also those of one grant", async (t) => {
      const store = await stores.open(t);
      const first = await save(store);
      const second = await save(store);
      await store.markSuspect(first.grantId, suiteTime + 1);
      const page = await store.events({ after: 0, limit: 2 });
      deepEqual(
        page.map(({ grantId }) => grantId),
        [first.grantId, second.grantId],
      );
      deepEqual(types(await store.events({ after: page.at(-1)?.seq ?? 0, limit: 2 })), ["grant.suspect"]);
      const of = { grantId: first.grantId };
      deepEqual(types(await store.events({ after: 0, limit: 10, ...of })), ["grant.created", "grant.suspect"]);
      deepEqual(types(await store.events({ after: 1, limit: 10, ...of })), ["grant.suspect"]);
    });

    test("whoever reads while forty grants change at once misses no event, and gets none twice", async (t) => {
      const [store, other] = await stores.openPair(t);
      const grants = await Promise.all(Array.from({ length: 40 }, () => save(store)));
      const writing = grants.map(async ({ grantId }, n) => {
        const through = n % 2 === 0 ? store : other;
        await through.markSuspect(grantId, suiteTime + 1);
        await begin(through, grantId, `attempt of ${grantId}`);
        await through.commitAttempt(grantId, 1, tokens("2"), suiteTime + 2);
      });
      let isWriting = true;
      const done = Promise.all(writing).finally(() => (isWriting = false));
      const read: EventRow[] = [];
      for (let rest = 2; rest > 0; rest -= isWriting ? 0 : 1) {
        // Reading a SQLite file gives nobody else a turn: without this, nothing would ever be written.
        await new Promise((resolve) => setImmediate(resolve));
        for (;;) {
          const page = await other.events({ after: read.at(-1)?.seq ?? 0, limit: 7 });
          if (page.length === 0) break;
          read.push(...page);
        }
      }
      await done;
      deepEqual(
        read.map(({ seq }) => seq),
        Array.from({ length: 120 }, (_, n) => n + 1),
      );
      for (const { grantId } of grants) {
        const own = read.filter((event) => event.grantId === grantId);
        deepEqual(types(own), ["grant.created", "grant.suspect", "grant.recovered"]);
      }
    });

    test("events are taken out when they are too old, in steps, and their numbers are given to no others", async (t) => {
      const store = await stores.open(t);
      for (const at of [1, 2, 3, 9]) await save(store, { updatedAt: suiteTime + at });
      equal(await store.pruneEvents(suiteTime, 10), 0);
      same(await store.eventHead(), { seq: 4, pruned: 0 });
      equal(await store.pruneEvents(suiteTime + 4, 2), 2);
      equal(await store.pruneEvents(suiteTime + 4, 2), 1);
      equal(await store.pruneEvents(suiteTime + 4, 2), 0);
      same(await store.eventHead(), { seq: 4, pruned: 3 });
      equal(await store.pruneEvents(suiteTime + 10, 2), 1);
      same(await store.eventHead(), { seq: 4, pruned: 4 });
      await save(store);
      deepEqual(
        (await store.events({ after: 0, limit: 10 })).map(({ seq }) => seq),
        [5],
      );
    });

    test("a grant that an exchange's answer reaches too late for its state is suspect, and an event says so", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await saveIn(store, "lapsed");
      await store.commitAttempt(grantId, 1, tokens("2"), suiteTime + 2, suiteTime);
      equal((await read(store, grantId)).state, "suspect");
      deepEqual(types(await store.events({ after: 2, limit: 10 })), ["grant.suspect"]);
    });
  });
}

function types(events: Awaited<ReturnType<Store["events"]>>): string[] {
  return events.map(({ type }) => type);
}
