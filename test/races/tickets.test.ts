/** One ticket, and many who want to use it at once, in processes of their own on each database. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { movableClock } from "../../src/index.ts";
import { outcomes, testVault } from "../support/test-vault.ts";
import { places } from "../support/places.ts";
import { storeAt } from "../support/store-process.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

for (const [storeName, place] of Object.entries(places)) {
  test(`${storeName}: of codes that come with one ticket in three processes, one is sent; many times, it is sent once`, async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const where = await place(t);
    const vault = await fixture.open({ store: storeAt(where) });
    const fleet = await Promise.all([1, 2, 3].map(() => startVaultProcess(t, fixture, where)));
    for (let round = 0; round < 4; round++) {
      const externalId = `user-${round}`;
      const { ticket } = await vault.createTicket({ externalId });
      const codes = Array.from({ length: 12 }, (_, n) => fixture.code(`race-${round}-${n}@example.com`));
      fixture.newRequests();
      const ends = await Promise.all(
        codes.map((code, n) => fleet[n % fleet.length]?.exchange(code, 10, ticket) ?? Promise.resolve([])),
      );
      const ids = new Set(ends.flat().filter((end) => end.startsWith("g_")));
      assert.equal(ids.size, 1, `round ${round}`);
      assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 }, `round ${round}`);
      const winner = ends.find((of) => of.every((end) => ids.has(end)));
      assert.equal(winner?.length, 10, "who came with the same code has the same answer");
      assert.deepEqual(
        new Set(ends.filter((of) => of !== winner).flat()),
        new Set(["ticket_invalid"]),
        `round ${round}: no other code was used`,
      );
      assert.deepEqual([(await vault.grant({ externalId })).grantId], [...ids]);
    }
  });
}
