import { equal, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConnectRow, NewConnect } from "../connect-store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, same, save, unique } from "./rows.ts";

export function connectTests(stores: SuiteStores): void {
  describe("connect links", () => {
    test("a link is found by its hash as it was made, and by no other", async (t) => {
      const [store, other] = await stores.openPair(t);
      const made = link();
      await store.createConnect(made);
      same(await other.connectByHash(made.connectHash), untouched(made));
      equal(await store.connectByHash(bytes("a hash of no link")), undefined);
      equal(await store.connectByState(bytes("a hash of no state")), undefined);
    });

    test("of forty browsers that begin a link at once, one has begun it, and it is found by that one's state", async (t) => {
      const [store, other] = await stores.openPair(t);
      const made = link();
      await store.createConnect(made);
      const states = Array.from({ length: 40 }, () => bytes(unique("state ")));
      const begun = await Promise.all(
        states.map((stateHash, n) =>
          (n % 2 === 0 ? store : other).moveConnect(made.connectHash, null, {
            flowSealed: bytes(`flow ${n}`),
            stateHash,
          }),
        ),
      );
      equal(begun.filter(Boolean).length, 1);
      const first = begun.indexOf(true);
      const row = { ...untouched(made), flowSealed: bytes(`flow ${first}`), stateHash: states[first] ?? bytes("") };
      for (const [n, stateHash] of states.entries()) {
        const found = await other.connectByState(stateHash);
        same(found, n === first ? row : undefined);
      }
    });

    test("a link moves on only from where it was read", async (t) => {
      const store = await stores.open(t);
      const made = link();
      await store.createConnect(made);
      const [first, second] = [moved("a"), moved("b")];
      equal(await store.moveConnect(made.connectHash, null, first), true);
      equal(await store.moveConnect(made.connectHash, bytes("flow of another"), second), false);
      equal(await store.moveConnect(made.connectHash, first.flowSealed, second), true);
      equal(await store.moveConnect(made.connectHash, first.flowSealed, moved("c")), false);
      equal(await store.connectByState(first.stateHash), undefined);
      same((await store.connectByState(second.stateHash))?.flowSealed, second.flowSealed);
      equal(await store.moveConnect(bytes("a hash of no link"), null, moved("d")), false);
    });

    test("a link cannot take the state of another: it stays where it was, and the other is found by it", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [one, two] = [link(), link()];
      const taken = moved("one");
      for (const made of [one, two]) await store.createConnect(made);
      equal(await store.moveConnect(one.connectHash, null, taken), true);
      const { stateHash } = taken;
      await rejects(other.moveConnect(two.connectHash, null, { flowSealed: bytes("flow two"), stateHash }));
      same((await store.connectByState(stateHash))?.connectHash, one.connectHash);
      same(await store.connectByHash(two.connectHash), untouched(two));
      // Once the other has given way, it can be had.
      equal(await store.moveConnect(one.connectHash, taken.flowSealed, moved("past")), true);
      equal(await other.moveConnect(two.connectHash, null, { flowSealed: bytes("flow two"), stateHash }), true);
      same((await store.connectByState(stateHash))?.connectHash, two.connectHash);
    });

    test("a link ends once, and nothing moves it after that", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [finished, failed] = [link(), link()];
      await store.createConnect(finished);
      await store.createConnect(failed);
      const { grantId } = await save(store);
      const ends = await Promise.all([
        store.endConnect(failed.connectHash, suiteTime + 1, "access_denied", null),
        other.endConnect(failed.connectHash, suiteTime + 1, "access_denied", null),
      ]);
      equal(ends.filter(Boolean).length, 1);
      equal(await store.endConnect(finished.connectHash, suiteTime + 2, null, grantId), true);
      equal(await store.endConnect(finished.connectHash, suiteTime + 3, "provider_error", null), false);
      equal(await store.moveConnect(finished.connectHash, null, moved("late")), false);
      const rows = [await other.connectByHash(failed.connectHash), await other.connectByHash(finished.connectHash)];
      same(
        rows.map((row) => [row?.error, row?.endedAt]),
        [
          ["access_denied", suiteTime + 1],
          [null, suiteTime + 2],
        ],
      );
      equal(await store.endConnect(bytes("a hash of no link"), suiteTime, null, null), false);
    });

    test("each wrong verifier of many at once is counted", async (t) => {
      const [store, other] = await stores.openPair(t);
      const made = link();
      await store.createConnect(made);
      const counts = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store : other).countConnectTry(made.connectHash)),
      );
      same(
        counts.toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, n) => n + 1),
      );
      equal(await store.countConnectTry(bytes("a hash of no link")), 0);
    });

    test("what happens to a link is in the audit log, without its hash", async (t) => {
      const store = await stores.open(t);
      const [finished, failed, bound] = [link(), link(), link()];
      const { grantId } = await save(store);
      const before = (await store.auditHead()).seq;
      await store.createConnect(finished);
      const begun = moved("a");
      await store.moveConnect(finished.connectHash, null, begun);
      await store.moveConnect(finished.connectHash, begun.flowSealed, moved("b"));
      await store.endConnect(finished.connectHash, suiteTime, null, grantId);
      await store.createConnect(failed);
      await store.endConnect(failed.connectHash, suiteTime, "access_denied", null);
      await store.createConnect(bound, grantId);
      await store.moveConnect(bound.connectHash, null, moved("c"), grantId);
      await store.endConnect(bound.connectHash, suiteTime, "other_account", grantId);
      const rows = await store.auditRows({ after: before, limit: 10 });
      same(
        rows.map(({ action, outcome, grantId, detail }) => [action, outcome, grantId, detail]),
        [
          ["connect.created", "waiting", null, null],
          ["connect.begun", "begun", null, null],
          ["connect.finished", "finished", grantId, null],
          ["connect.created", "waiting", null, null],
          ["connect.failed", "access_denied", null, null],
          ["connect.created", "waiting", grantId, null],
          ["connect.begun", "begun", grantId, null],
          ["connect.failed", "other_account", grantId, null],
        ],
      );
    });

    test("links that expired before a time are swept, however many, and no others", async (t) => {
      const store = await stores.open(t);
      for (let n = 0; n < 1_100; n++) await store.createConnect(link({ expiresAt: suiteTime + n }));
      const left = link({ expiresAt: suiteTime + 1_100 });
      await store.createConnect(left);
      equal(await store.sweepConnects(suiteTime), 0);
      equal(await store.sweepConnects(suiteTime + 1_100), 1_100);
      same(await store.connectByHash(left.connectHash), untouched(left));
    });
  });
}

function link(changes: Partial<NewConnect> = {}): NewConnect {
  return {
    connectHash: bytes(unique("link ")),
    askedSealed: bytes("asked"),
    createdAt: suiteTime,
    expiresAt: suiteTime + 900_000,
    ...changes,
  };
}

function untouched(made: NewConnect): ConnectRow {
  return { ...made, flowSealed: null, stateHash: null, tries: 0, error: null, endedAt: null };
}

function moved(name: string): { readonly flowSealed: Uint8Array; readonly stateHash: Uint8Array } {
  return { flowSealed: bytes(`flow ${name}`), stateHash: bytes(unique("state ")) };
}
