import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import type { FiguresStore } from "../../../src/store/figures-store.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { save } from "../../../src/store/suite/rows.ts";
import type { Store } from "../../../src/store/store.ts";
import { GrantCounts } from "../../../src/vault/figures/grant-counts.ts";
import type { Protocol } from "../../../src/oauth/protocol.ts";

const clock = fixedClock("2026-11-22T00:00:00Z");

function protocolsOf(...clients: readonly (readonly [provider: string, clientId: string])[]): Map<string, Protocol> {
  return new Map(clients.map(([provider, clientId]) => [provider, { client: { clientId } } as Protocol]));
}

async function storeOf(counts: { readonly active: number; readonly suspect: number }): Promise<Store> {
  const store = sqlite(":memory:");
  await store.open({ clock });
  for (let n = 0; n < counts.active + counts.suspect; n += 1) {
    const { grantId } = await save(store);
    if (n < counts.suspect) await store.markSuspect(grantId, clock.now() + n);
  }
  return store;
}

describe("counting grants", () => {
  test("counts go over pages, and find since when the oldest grant is suspect", async () => {
    const store = await storeOf({ active: 3, suspect: 1_201 });
    const counts = new GrantCounts({ store, clock, protocols: protocolsOf(["google", "client-1"]) });
    const { grants, suspectSince, countedAt } = await counts.look(10_000);
    const found = Object.fromEntries(grants.map(({ state, grants: times }) => [state, times]));
    assert.deepEqual(found, { active: 3, suspect: 1_201, lapsed: 0, revoking: 0, revoked: 0 });
    assert.deepEqual(suspectSince, [{ provider: "google", since: clock.now() }]);
    assert.equal(countedAt, clock.now());
    await counts.close();
    await store.close();
  });

  test("a grant without a refresh token counts as lapsed once its access token has ended, and in no other state", async () => {
    const store = await storeOf({ active: 1, suspect: 1 });
    const lone = { refreshSealed: null, accessExpiresAt: clock.now() };
    await save(store, lone);
    await save(store, lone);
    await save(store, { ...lone, accessExpiresAt: clock.now() + 1 });
    const counts = new GrantCounts({ store, clock, protocols: protocolsOf(["google", "client-1"]) });
    const { grants } = await counts.look(10_000);
    const found = Object.fromEntries(grants.map(({ state, grants: times }) => [state, times]));
    assert.deepEqual([found["suspect"], found["lapsed"]], [1, 2]);
    await store.close();
  });

  test("two providers with one client's id do not have its grants counted twice", async () => {
    const store = await storeOf({ active: 2, suspect: 0 });
    const protocols = protocolsOf(["google", "client-1"], ["again", "client-1"], ["unregistered", ""]);
    const counts = new GrantCounts({ store, clock, protocols });
    const { grants } = await counts.look(10_000);
    const active = grants.filter(({ state, grants: times }) => state === "active" && times > 0);
    assert.deepEqual(active, [{ provider: "google", state: "active", grants: 2 }]);
    await store.close();
  });

  test("a store is not counted again before a while in proportion to what the last count took", async () => {
    const store = await storeOf({ active: 1, suspect: 0 });
    const slowly = fixedClock("2026-11-22T00:00:00Z");
    let reads = 0;
    const slow: FiguresStore = {
      grantsInState: (...args) => store.grantsInState(...args),
      grantsWithoutAccess: (...args) => store.grantsWithoutAccess(...args),
      activeGrants: (...args) => {
        slowly.advance(100);
        reads += 1;
        return store.activeGrants(...args);
      },
    };
    const protocols = protocolsOf(["google", "client-1"]);
    const counts = new GrantCounts({ store: { ...store, ...slow }, clock: slowly, protocols });
    await counts.look(10_000);
    assert.equal(reads, 64);
    slowly.advance(200 * 6_400 - 1);
    await counts.look(10_000);
    assert.equal(reads, 64, "too soon");
    slowly.advance(1);
    await counts.look(10_000);
    assert.equal(reads, 128);
    slowly.advance(-3_600_000);
    await counts.look(10_000);
    assert.equal(reads, 192, "the clock was put back");
    await store.close();
  });

  test("whoever asks does not wait for a count that takes long, which goes on and is there the next time", async () => {
    const store = await storeOf({ active: 1, suspect: 0 });
    const gate = Promise.withResolvers<void>();
    const held: FiguresStore = {
      grantsInState: (...args) => store.grantsInState(...args),
      grantsWithoutAccess: (...args) => store.grantsWithoutAccess(...args),
      activeGrants: async (...args) => {
        await gate.promise;
        return store.activeGrants(...args);
      },
    };
    const context = { store: { ...store, ...held }, clock, protocols: protocolsOf(["google", "client-1"]) };
    const counts = new GrantCounts(context);
    const first = await counts.look(1);
    assert.equal(first.countedAt, undefined);
    assert.equal(
      first.grants.some(({ state }) => state === "active"),
      false,
    );
    gate.resolve();
    const second = await counts.look(10_000);
    assert.deepEqual(
      second.grants.filter(({ state }) => state === "active"),
      [{ provider: "google", state: "active", grants: 1 }],
    );
    await store.close();
  });

  test("a store that fails is no answer, and the next one is asked anew", async () => {
    const store = await storeOf({ active: 1, suspect: 0 });
    const counts = new GrantCounts({ store, clock, protocols: protocolsOf(["google", "client-1"]) });
    await store.close();
    await assert.rejects(counts.look(10_000), { code: "store_unavailable" });
    await store.open({ clock });
    assert.equal((await counts.look(10_000)).countedAt, clock.now());
    await store.close();
  });
});
