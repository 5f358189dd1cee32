import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import type { Store } from "../store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, owner, read, same, save, saveKnownBy, tie, tokens, unique } from "./rows.ts";

export function changeTests(stores: SuiteStores): void {
  describe("changes", () => {
    test("a new store has no changes", async (t) => {
      const store = await stores.open(t);
      deepEqual(await store.changesSince(0), { seq: 0, changes: [] });
      equal(await store.latestChange(), 0);
    });

    test("every kind of change to a grant is seen by another process once it is committed", async (t) => {
      const [store, other] = await stores.openPair(t);
      const user = "user 1 of every kind of change";
      const { grantId } = await saveKnownBy(store, user);
      let { seq, changes } = await other.changesSince(0);
      equal(changes[0]?.grantId, grantId);
      const failure = { error: "slow_down", at: suiteTime, retryAt: null };
      const begin = async (generation: number): Promise<string> => {
        const attemptId = unique("attempt ");
        await store.beginAttempt({ attemptId, grantId, generation, owner: owner("first"), at: suiteTime });
        return attemptId;
      };
      const steps: Record<string, () => Promise<unknown>> = {
        "a refresh": () => store.commitAttempt(grantId, 1, tokens("2"), suiteTime),
        "a failure": async () => store.endAttempt(await begin(2), failure),
        "an unknown end": async () => store.endAttemptUnknown(await begin(2), { ...failure, suspect: true }),
        "a lapse": () => store.lapse(grantId, 2, "invalid_grant", "invalid_grant", suiteTime),
        "a consent": async () => {
          const row = await read(store, grantId);
          await store.saveFromIntake({ ...row, ...tokens("3"), state: "active", generation: 3 }, row, bytes("code"));
        },
        "a revocation's begin": () => store.beginRevocation(grantId, suiteTime),
        "a revocation's end": () => store.endRevocation(grantId, 3, suiteTime),
      };
      for (const [name, step] of Object.entries(steps)) {
        await step();
        const seen = await other.changesSince(seq);
        const { generation, state, accessIssuedAt, accessExpiresAt, subjectHash } = await read(store, grantId);
        same(seen.changes, [
          { grantId, generation, state, accessIssuedAt, accessExpiresAt, subjectHash, ties: [tie(user)] },
        ]);
        ok(seen.seq > seq, name);
        ({ seq, changes } = seen);
        deepEqual(await other.changesSince(seq), { seq, changes: [] }, `nothing new after ${name}`);
        equal(await store.latestChange(), seq);
      }
    });

    test("changes name each grant once, in the order of its last change", async (t) => {
      const store = await stores.open(t);
      const [a, b, c] = [await save(store), await save(store), await save(store)];
      const { seq } = await store.changesSince(0);
      await store.commitAttempt(b.grantId, 1, tokens("2"), suiteTime);
      await store.commitAttempt(a.grantId, 1, tokens("2"), suiteTime);
      await store.commitAttempt(b.grantId, 2, tokens("3"), suiteTime);
      deepEqual(await changedSince(store, seq), [a.grantId, b.grantId]);
      deepEqual(await changedSince(store, 0), [c.grantId, a.grantId, b.grantId]);
    });

    test("a poller of changes that is ahead of a restored backup reads all grants again", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      equal((await store.changesSince(1_000_000)).seq, await store.latestChange());
      deepEqual(await changedSince(store, 1_000_000), [grantId]);
    });

    test("a poller of changes misses none while many writers commit", async (t) => {
      const [store, other] = await stores.openPair(t);
      const ids = (await Promise.all(Array.from({ length: 8 }, () => save(store)))).map(({ grantId }) => grantId);
      const known = new Map<string, number>();
      const generations = (): Promise<number[]> =>
        Promise.all(ids.map(async (grantId) => (await read(other, grantId)).generation));
      let seq = 0;
      const poll = async (): Promise<void> => {
        const committed = await generations();
        const changes = await other.changesSince(seq);
        ok(changes.seq >= seq, "numbers never go back");
        seq = changes.seq;
        for (const { grantId, generation } of changes.changes) known.set(grantId, generation);
        const seen = ids.map((grantId) => known.get(grantId) ?? 0);
        ok(
          seen.every((generation, n) => generation >= (committed[n] ?? 0)),
          `committed before the poll: ${committed.join(" ")}; seen after it: ${seen.join(" ")}`,
        );
      };
      const writers = new AbortController();
      const poller = (async () => {
        // Without a pause the poller would keep the event loop to itself, and the writers would never go on.
        for (; !writers.signal.aborted; await eventLoopRound()) await poll();
      })();
      await Promise.all(ids.map((grantId, n) => refreshOften(n % 2 === 0 ? store : other, grantId)));
      writers.abort();
      await poller;
      await poll();
      deepEqual(
        await generations(),
        ids.map(() => 1 + rounds),
      );
    });
  });
}

const rounds = 15;

function eventLoopRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function changedSince(store: Store, seq: number): Promise<string[]> {
  return (await store.changesSince(seq)).changes.map(({ grantId }) => grantId);
}

async function refreshOften(store: Store, grantId: string): Promise<void> {
  for (let generation = 1; generation <= rounds; generation++) {
    ok(await store.commitAttempt(grantId, generation, tokens(String(generation)), suiteTime));
  }
}
