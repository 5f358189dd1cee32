import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import type { AttemptResult } from "../../core/take-over.ts";
import type { GrantRow } from "../grant-row.ts";
import type { Store } from "../store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { begin, bytes, owner, read, same, save, saveIn, tokens, unique } from "./rows.ts";

const failure = { error: "temporarily_unavailable", at: suiteTime + 5, retryAt: suiteTime + 500 };

export function attemptTests(stores: SuiteStores): void {
  describe("attempts", () => {
    test("an attempt that has begun is seen by every process, with its owner and the store's own time", async (t) => {
      const [store, other] = await stores.openPair(t);
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

    test("an attempt that stands keeps a second one from beginning, and is returned to whoever tries", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "a");
      const held = await begin(other, grantId, "b");
      ok(held.kind === "held");
      deepEqual(held.attempt, (await store.attempts())[0]);
      ok(held.now >= held.attempt.startedAt);
    });

    test("only the attempt that is named as replaced is taken over", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "a");
      equal((await begin(store, grantId, "b", { replaces: "another attempt" })).kind, "held");
      equal((await begin(store, grantId, "b", { replaces: "a" })).kind, "begun");
      equal((await begin(store, grantId, "c", { replaces: "a" })).kind, "held");
      deepEqual(
        (await store.attempts()).map(({ attemptId }) => attemptId),
        ["b"],
      );
    });

    test("an attempt on an earlier generation does not keep a new one from beginning", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      const consent = { ...row, ...tokens("2"), generation: 2 };
      await store.saveFromIntake(consent, row, bytes("code"));
      equal((await begin(store, row.grantId, "b", { generation: 2 })).kind, "begun");
      deepEqual(
        (await store.attempts()).map(({ attemptId }) => attemptId),
        ["b"],
      );
    });

    test("no attempt begins on another generation, on a grant that is not usable, or without a grant", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      const moved = await begin(store, row.grantId, "a", { generation: 2 });
      ok(moved.kind === "moved");
      same(moved.grant, row);
      for (const state of ["lapsed", "revoking", "revoked"] as const) {
        equal((await begin(store, (await saveIn(store, state)).grantId, "a")).kind, "moved");
      }
      equal((await begin(store, "g_none", "a")).kind, "gone");
      deepEqual(await store.attempts(), []);
    });

    test("a retryAt that was set in the future keeps nobody: the clock was ahead, and was put right", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "a");
      const dayMs = 86_400_000;
      const ahead = { ...failure, at: suiteTime + dayMs, retryAt: suiteTime + dayMs + 60_000 };
      await store.endAttempt("a", ahead);
      equal((await begin(store, grantId, "b", { at: suiteTime + dayMs + 1 })).kind, "backing-off");
      equal((await begin(store, grantId, "b", { at: suiteTime })).kind, "begun");
    });

    test("no attempt begins before the grant's retryAt, whatever it replaces", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await begin(store, grantId, "a");
      await store.endAttemptUnknown("a", { ...failure, suspect: false });
      const early = await begin(store, grantId, "b", { replaces: "a", at: failure.retryAt - 1 });
      ok(early.kind === "backing-off");
      equal(early.grant.retryAt, failure.retryAt);
      equal((await begin(store, grantId, "b", { at: failure.retryAt - 1 })).kind, "backing-off");
      deepEqual(
        (await store.attempts()).map(({ attemptId }) => attemptId),
        ["a"],
      );
      equal((await begin(store, grantId, "b", { replaces: "a", at: failure.retryAt })).kind, "begun");
    });

    test("an attempt may begin on a suspect grant", async (t) => {
      const store = await stores.open(t);
      equal((await begin(store, (await saveIn(store, "suspect")).grantId, "a")).kind, "begun");
    });

    test("of forty attempts that begin at once on one grant, one succeeds", async (t) => {
      const pair = await stores.openPair(t);
      const { grantId } = await save(pair[0]);
      equal(await winners(pair, (store, name) => begin(store, grantId, name)), 1);
      equal((await pair[0].attempts()).length, 1);
    });

    test("of forty owners that take over one attempt at once, one succeeds", async (t) => {
      const pair = await stores.openPair(t);
      const { grantId } = await save(pair[0]);
      await begin(pair[0], grantId, "dead");
      equal(await winners(pair, (store, name) => begin(store, grantId, name, { replaces: "dead" })), 1);
    });
  });

  describe("attempts that end without an answer", () => {
    test("an attempt whose token was not spent ends, and its failure is noted on the grant", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      await store.endAttempt("a", failure);
      deepEqual(await store.attempts(), []);
      equal((await begin(store, row.grantId, "b", { at: failure.retryAt })).kind, "begun");
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
      test(`an attempt with an unknown end (suspect: ${suspect}) stays, for any owner to take over`, async (t) => {
        const store = await stores.open(t);
        const row = await save(store);
        await begin(store, row.grantId, "a");
        await store.endAttemptUnknown("a", { ...failure, suspect });
        same(await read(store, row.grantId), {
          ...row,
          ...(suspect ? { state: "suspect", stateSince: failure.at, doubt: "outcome_unknown" } : {}),
          lastError: failure.error,
          lastErrorAt: failure.at,
          failures: 1,
          retryAt: failure.retryAt,
          updatedAt: failure.at,
        });
        equal((await store.attempts())[0]?.endedUnknown, true);
        const held = await begin(store, row.grantId, "b", { at: failure.retryAt });
        ok(held.kind === "held" && held.attempt.endedUnknown);
        equal((await begin(store, row.grantId, "b", { replaces: "a", at: failure.retryAt })).kind, "begun");
        equal((await store.attempts())[0]?.endedUnknown, false);
      });
    }

    test("a grant that is suspect already keeps the time since when it is", async (t) => {
      const store = await stores.open(t);
      const { grantId, stateSince } = await saveIn(store, "suspect");
      await begin(store, grantId, "a");
      await store.endAttemptUnknown("a", { ...failure, suspect: true });
      equal((await read(store, grantId)).stateSince, stateSince);
    });

    test("an owner whose attempt was taken over can neither end it nor note a failure", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      await begin(store, row.grantId, "a");
      await begin(store, row.grantId, "b", { replaces: "a" });
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

/** How many of forty tries at once, on two handles, begin an attempt. */
async function winners(
  [first, second]: readonly [Store, Store],
  attempt: (store: Store, name: string) => Promise<AttemptResult<GrantRow>>,
): Promise<number> {
  const tries = Array.from({ length: 40 }, (_, n) => attempt(n % 2 === 0 ? first : second, unique("attempt ")));
  const kinds = (await Promise.all(tries)).map(({ kind }) => kind);
  ok(
    kinds.every((kind) => kind === "begun" || kind === "held"),
    kinds.join(" "),
  );
  return kinds.filter((kind) => kind === "begun").length;
}
