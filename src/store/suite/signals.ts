import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { GrantRow } from "../grant-row.ts";
import type { SignalEffect, SignalToTake, TakenSignal } from "../signal-store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { begin, bytes, read, same, save } from "./rows.ts";

let count = 0;

function signal(more: Partial<TakenSignal> = {}): TakenSignal {
  return { signalHash: bytes(`signal ${(count += 1)}`), stateHash: null, receivedAt: suiteTime + 50, ...more };
}

function about(
  { grantId, generation, state }: GrantRow,
  effect: SignalEffect,
  more: Partial<SignalToTake> = {},
): SignalToTake {
  const said = { event: "tokens-revoked", saidReason: null, happenedAt: suiteTime + 40 };
  return {
    grantId,
    generation,
    state,
    effect,
    ...said,
    ...(effect === "lapse" ? { lapse: { reason: "ended_by_provider", lookAt: suiteTime + 99 } } : {}),
    ...more,
  };
}

export function signalTests(stores: SuiteStores): void {
  describe("signals", () => {
    test("of forty deliveries of one event to two processes one changes the grant, and all others find it taken", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = await save(store);
      const one = signal();
      const ends = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? store : other).takeSignal(one, [about(row, "lapse")])),
      );
      deepEqual(ends.toSorted(), [...Array<string>(39).fill("seen"), "taken"]);
      const lapsed = await read(store, row.grantId);
      same(
        [lapsed.state, lapsed.reason, lapsed.lastError, lapsed.lookAt, lapsed.refreshSealed],
        ["lapsed", "ended_by_provider", "tokens-revoked", suiteTime + 99, row.refreshSealed],
      );
      equal(await store.lastSignalAt(), suiteTime + 50);
    });

    test("an event about several grants changes all of them or none, and is taken again where one has changed", async (t) => {
      const store = await stores.open(t);
      const [first, second] = [await save(store), await save(store)];
      await store.beginRevocation(second.grantId, suiteTime + 10);
      const one = signal();
      equal(await store.takeSignal(one, [about(first, "lapse"), about(second, "suspect")]), "moved");
      same(await read(store, first.grantId), first);
      deepEqual(await store.signalsOf(first.grantId), []);
      const again = [about(first, "lapse"), about(await read(store, second.grantId), "note")];
      equal(await store.takeSignal(one, again), "taken");
      equal((await read(store, first.grantId)).state, "lapsed");
      equal((await read(store, second.grantId)).state, "revoking");
      equal(await store.takeSignal(one, [about(first, "lapse", { generation: 99 })]), "seen");
    });

    test("a grant that was refreshed since it was read is not ended for its older token", async (t) => {
      const store = await stores.open(t);
      const row = await save(store, { generation: 4 });
      equal(await store.takeSignal(signal(), [about({ ...row, generation: 3 }, "lapse")]), "moved");
      equal((await read(store, row.grantId)).state, "active");
    });

    test("a suspect grant's access token ends, and it is due for a look; a lapse ends the refresh that was under way", async (t) => {
      const store = await stores.open(t);
      const [doubted, ended] = [await save(store), await save(store)];
      for (const { grantId } of [doubted, ended]) await begin(store, grantId, `refresh of ${grantId}`);
      equal(await store.takeSignal(signal(), [about(doubted, "suspect"), about(ended, "lapse")]), "taken");
      const { state, stateSince, accessExpiresAt, lookAt, doubt } = await read(store, doubted.grantId);
      deepEqual(
        [state, stateSince, accessExpiresAt, lookAt, doubt],
        ["suspect", suiteTime + 50, suiteTime + 50, suiteTime + 50, "signalled/tokens-revoked"],
      );
      const due = await store.grantsToLookAt(suiteTime + 51, 1_000);
      equal(due.filter(({ grantId }) => grantId === doubted.grantId).length, 1);
      deepEqual(
        (await store.attempts())
          .map(({ grantId }) => grantId)
          .filter((id) => [doubted.grantId, ended.grantId].includes(id)),
        [doubted.grantId],
      );
    });

    test("a look is due for a grant that has lapsed, and none for one that is revoked", async (t) => {
      const store = await stores.open(t);
      const [lapsed, revoked] = [
        await save(store, { state: "lapsed", reason: "invalid_grant", retryAt: suiteTime + 9_000 }),
        await save(store, { state: "revoked", reason: "revoked" }),
      ];
      equal(await store.takeSignal(signal(), [about(lapsed, "look"), about(revoked, "look")]), "taken");
      const looked = await read(store, lapsed.grantId);
      deepEqual([looked.state, looked.lookAt, looked.retryAt], ["lapsed", suiteTime + 50, null]);
      equal((await read(store, revoked.grantId)).lookAt, null);
    });

    test("what was said of a grant is kept, the latest of each kind, and goes with the grant's own history alone", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      const note = (event: string, happenedAt: number, saidReason: string | null = null): SignalToTake =>
        about(row, "note", { event, happenedAt, saidReason });
      await store.takeSignal(signal({ receivedAt: suiteTime + 60 }), [
        note("account-disabled", suiteTime + 5, "hijacking"),
      ]);
      await store.takeSignal(signal({ receivedAt: suiteTime + 70 }), [note("account-enabled", suiteTime + 6)]);
      await store.takeSignal(signal({ receivedAt: suiteTime + 80 }), [
        note("account-disabled", suiteTime + 4, "older"),
      ]);
      const { grantId } = row;
      same(await store.signalsOf(grantId), [
        {
          grantId,
          event: "account-enabled",
          saidReason: null,
          happenedAt: suiteTime + 6,
          receivedAt: suiteTime + 70,
          effect: "note",
        },
        {
          grantId,
          event: "account-disabled",
          saidReason: "hijacking",
          happenedAt: suiteTime + 5,
          receivedAt: suiteTime + 60,
          effect: "note",
        },
      ]);
      same(await read(store, grantId), row);
    });

    test("a verification is found by the state that it was asked for with", async (t) => {
      const [store, other] = await stores.openPair(t);
      const stateHash = bytes("a state");
      equal(await other.verifiedAt(stateHash), undefined);
      await store.takeSignal(signal({ stateHash }), []);
      equal(await other.verifiedAt(stateHash), suiteTime + 50);
    });

    test("events that came before a time are forgotten, more than one transaction takes, and what they said stays", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      const first = suiteTime - 100_000;
      const last = signal({ receivedAt: first + 1_100 });
      for (let n = 0; n < 1_100; n++) {
        await store.takeSignal(signal({ receivedAt: first + n }), n === 0 ? [about(row, "note")] : []);
      }
      await store.takeSignal(last, []);
      equal(await store.sweepSignals(first + 1_100), 1_100);
      equal(await store.takeSignal(last, []), "seen");
      equal(await store.sweepSignals(first + 1_101), 1);
      equal((await store.signalsOf(row.grantId)).length, 1);
    });

    test("a grant is found by how its refresh token begins, and so are others that begin alike", async (t) => {
      const store = await stores.open(t);
      const refreshPrefixHash = bytes("a prefix");
      const rows = [await save(store, { refreshPrefixHash }), await save(store, { refreshPrefixHash })];
      same(
        await store.grantsByRefreshPrefix(refreshPrefixHash),
        rows.sort((a, b) => (a.grantId < b.grantId ? -1 : 1)),
      );
      deepEqual(await store.grantsByRefreshPrefix(bytes("none")), []);
    });
  });
}
