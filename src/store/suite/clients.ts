import { equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientClaim } from "../client-store.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, same, unique } from "./rows.ts";

export function clientTests(stores: SuiteStores): void {
  describe("registered clients", () => {
    const claimOf = (provider: string, changedAt: number): ClientClaim => ({
      provider,
      server: "https://mcp.example/mcp",
      changedAt,
    });

    test("of twenty processes that want to register a client one may, and what it keeps is what all read", async (t) => {
      const [store, other] = await stores.openPair(t);
      const provider = unique("provider");
      const claims = Array.from({ length: 20 }, (_, n) => claimOf(provider, 1_000 + n));
      const won = await Promise.all(
        claims.map((claim, n) => (n % 2 === 0 ? store : other).claimClient(claim, undefined)),
      );
      equal(won.filter(Boolean).length, 1);
      const claim = claims[won.indexOf(true)] ?? claimOf(provider, 0);
      same(await other.registeredClient(provider, claim.server), { ...claim, clientId: "", registrationSealed: null });
      const kept = { clientId: "client-1", registrationSealed: bytes("sealed"), changedAt: 2_000 };
      equal(await store.keepClient(claim, kept), true);
      same(await other.registeredClient(provider, claim.server), { ...claim, ...kept });
      equal(await store.keepClient(claim, kept), false);
      equal(await other.registeredClient(provider, "https://mcp.example/other"), undefined);
      equal((await store.listRegisteredClients()).filter((row) => row.provider === provider).length, 1);
    });

    test("a row is claimed anew from what was read, and by whoever read something else not at all", async (t) => {
      const [store, other] = await stores.openPair(t);
      const provider = unique("provider");
      const first = claimOf(provider, 1_000);
      equal(await store.claimClient(first, undefined), true);
      equal(await other.claimClient(claimOf(provider, 1_500), undefined), false);
      const held = await other.registeredClient(provider, first.server);
      const second = claimOf(provider, 90_000);
      equal(await other.claimClient(second, held), true);
      // The first one comes back from the dead.
      const kept = { clientId: "client-1", registrationSealed: bytes("late"), changedAt: 91_000 };
      equal(await store.keepClient(first, kept), false);
      equal(await other.keepClient(second, { ...kept, registrationSealed: bytes("sealed") }), true);
      equal(await store.claimClient(claimOf(provider, 95_000), held), false);
      const now = await store.registeredClient(provider, first.server);
      same(now?.registrationSealed, bytes("sealed"));
      equal(await store.claimClient(claimOf(provider, 95_000), now), true);
      same((await store.registeredClient(provider, first.server))?.registrationSealed, null);
    });

    test("a claim that is given up leaves nothing, and takes nothing that another has kept", async (t) => {
      const store = await stores.open(t);
      const provider = unique("provider");
      const claim = claimOf(provider, 1_000);
      await store.claimClient(claim, undefined);
      await store.dropClaim({ ...claim, changedAt: 999 });
      equal((await store.registeredClient(provider, claim.server))?.clientId, "");
      await store.dropClaim(claim);
      equal(await store.registeredClient(provider, claim.server), undefined);
      await store.claimClient(claim, undefined);
      await store.keepClient(claim, { clientId: "client-1", registrationSealed: bytes("sealed"), changedAt: 1_000 });
      await store.dropClaim(claim);
      equal((await store.registeredClient(provider, claim.server))?.clientId, "client-1");
    });
  });
}
