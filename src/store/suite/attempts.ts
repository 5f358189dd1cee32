import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import type { AttemptResult } from "../../core/take-over.ts";
import type { GrantRow, Store } from "../store.ts";
import { suiteTime } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { bytes, owner, read, same, save, saveIn, tokens, unique } from "./rows.ts";

const failure = { error: "temporarily_unavailable", at: suiteTime + 5, retryAt: suiteTime + 500 };

export function attemptTests(bench: Bench): void {
  describe("attempts", () => {
    test("an intent is there for all to see before the token is spent", async (t) => {
      const [store, other] = await bench.pair(t);
      const row = await save(store);
      const before = await store.now();
      const begun = await begin(store, row.grantId, "a");
      ok(begun.kind === "begun");
      same(begun.grant, row);
      const [attempt, ...more] = await other.attempts();
      ok(attempt !== undefined && more.length === 0);
      const { startedAt, ...rest } = attempt;
      ok(startedAt >= before && startedAt <= (await store.now()), "measured by the store's own time");
      deepEqual(rest, {
        attemptId: "a",
        grantId: row.grantId,
        generation: 1,
        owner: owner("a"),
        endedUnknown: false,
      });
    });

    test("one that stands holds the grant, and names its holder", async (t) => {
      const [store, other] = await bench.pair(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "a");
      const held = await begin(other, grantId, "b");
      ok(held.kind === "held");
      deepEqual(held.attempt, (await store.attempts())[0]);
      ok(held.now >= held.attempt.startedAt);
    });

    test("only the one that was looked at is taken over", async (t) => {
      const store = await bench.store(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "a");
      equal((await begin(store, grantId, "b", "somebody else's")).kind, "held");
      equal((await begin(store, grantId, "b", "a")).kind, "begun");
      equal((await begin(store, grantId, "c", "a")).kind, "held");
      deepEqual(
        (await store.attempts()).map(({ attemptId }) => attemptId),
        ["b"],
      );
    });

    test("one of an earlier generation holds nothing any more", async (t) => {
      const store = await bench.store(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      const consent = { ...row, ...tokens("2"), generation: 2 };
      await store.saveFromIntake(consent, row, bytes("code"));
      equal((await begin(store, row.grantId, "b", undefined, 2)).kind, "begun");
      deepEqual(
        (await store.attempts()).map(({ attemptId }) => attemptId),
        ["b"],
      );
    });

    test("none begins on another generation, in a state that is over, or without a grant", async (t) => {
      const store = await bench.store(t);
      const row = await save(store);
      const moved = await begin(store, row.grantId, "a", undefined, 2);
      ok(moved.kind === "moved");
      same(moved.grant, row);
      for (const state of ["lapsed", "revoking", "revoked"] as const) {
        equal((await begin(store, (await saveIn(store, state)).grantId, "a")).kind, "moved");
      }
      equal((await begin(store, "g_none", "a")).kind, "gone");
      deepEqual(await store.attempts(), []);
    });

    test("none begins, nor is one taken over, on a grant that is to be left alone for a while", async (t) => {
      const store = await bench.store(t);
      const { grantId } = await save(store, { retryAt: suiteTime + 500 });
      const attempt = { attemptId: "a", grantId, generation: 1, owner: owner("first") };
      const early = await store.beginAttempt({ ...attempt, at: suiteTime + 499 });
      equal(early.kind, "backing-off");
      equal((await store.beginAttempt({ ...attempt, at: suiteTime + 499 }, "another")).kind, "backing-off");
      deepEqual(await store.attempts(), []);
      equal((await store.beginAttempt({ ...attempt, at: suiteTime + 500 })).kind, "begun");
    });

    test("a suspect grant may be tried", async (t) => {
      const store = await bench.store(t);
      equal((await begin(store, (await saveIn(store, "suspect")).grantId, "a")).kind, "begun");
    });

    test("among many who begin at once, one does", async (t) => {
      const stores = await bench.pair(t);
      const { grantId } = await save(stores[0]);
      equal(await winners(stores, (store, name) => begin(store, grantId, name)), 1);
      equal((await stores[0].attempts()).length, 1);
    });

    test("among many who take over at once, one does", async (t) => {
      const stores = await bench.pair(t);
      const { grantId } = await save(stores[0]);
      await begin(stores[0], grantId, "dead");
      equal(await winners(stores, (store, name) => begin(store, grantId, name, "dead")), 1);
    });
  });

  describe("attempts that end without an answer", () => {
    test("a token that was not spent: the attempt is over, and the failure is noted", async (t) => {
      const store = await bench.store(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      await store.endAttempt("a", failure);
      deepEqual(await store.attempts(), []);
      await begin(store, row.grantId, "b");
      await store.endAttempt("b", { ...failure, at: suiteTime + 6, retryAt: null });
      same(await read(store, row.grantId), {
        ...row,
        lastError: failure.error,
        lastErrorAt: suiteTime + 6,
        failures: 2,
        retryAt: null,
        updatedAt: suiteTime + 6,
      });
    });

    for (const suspect of [true, false]) {
      test(`nobody knows (suspect: ${suspect}): the attempt stays, for anyone to take over`, async (t) => {
        const store = await bench.store(t);
        const row = await save(store);
        await begin(store, row.grantId, "a");
        await store.endAttemptUnknown("a", { ...failure, suspect });
        same(await read(store, row.grantId), {
          ...row,
          ...(suspect ? { state: "suspect", stateSince: failure.at } : {}),
          lastError: failure.error,
          lastErrorAt: failure.at,
          failures: 1,
          retryAt: failure.retryAt,
          updatedAt: failure.at,
        });
        equal((await store.attempts())[0]?.endedUnknown, true);
        const held = await begin(store, row.grantId, "b");
        ok(held.kind === "held" && held.attempt.endedUnknown);
        equal((await begin(store, row.grantId, "b", "a")).kind, "begun");
        equal((await store.attempts())[0]?.endedUnknown, false);
      });
    }

    test("a suspect grant stays so since when it was", async (t) => {
      const store = await bench.store(t);
      const { grantId, stateSince } = await saveIn(store, "suspect");
      await begin(store, grantId, "a");
      await store.endAttemptUnknown("a", { ...failure, suspect: true });
      equal((await read(store, grantId)).stateSince, stateSince);
    });

    test("whoever was taken over notes nothing any more", async (t) => {
      const store = await bench.store(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      await begin(store, row.grantId, "b", "a");
      await store.endAttempt("a", failure);
      await store.endAttemptUnknown("a", { ...failure, suspect: true });
      same(await read(store, row.grantId), row);
      deepEqual(
        (await store.attempts()).map(({ attemptId }) => attemptId),
        ["b"],
      );
    });
  });
}

function begin(
  store: Store,
  grantId: string,
  attemptId: string,
  replaces?: string,
  generation = 1,
): Promise<AttemptResult<GrantRow>> {
  return store.beginAttempt({ attemptId, grantId, generation, owner: owner(attemptId), at: failure.retryAt }, replaces);
}

async function winners(
  stores: readonly [Store, Store],
  attempt: (store: Store, name: string) => Promise<AttemptResult<GrantRow>>,
): Promise<number> {
  const [first, second] = stores;
  const tries = Array.from({ length: 40 }, (_, n) => attempt(n % 2 === 0 ? first : second, unique("attempt ")));
  const kinds = (await Promise.all(tries)).map(({ kind }) => kind);
  ok(
    kinds.every((kind) => kind === "begun" || kind === "held"),
    kinds.join(" "),
  );
  return kinds.filter((kind) => kind === "begun").length;
}
