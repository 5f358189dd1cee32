/**
 * Many processes, many callers, one expired grant, a slow provider. `RACES=full` runs it as large as it was ever asked
 * for: 20 processes of 50 callers, 12 seconds, ten rounds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { movableClock } from "../../src/index.ts";
import { accepts } from "../support/accepts.ts";
import { rotations } from "../support/rotations.ts";
import { testVault, outcomes } from "../support/test-vault.ts";
import { places } from "../support/places.ts";
import { storeAt } from "../support/store-process.ts";
import { startVaultProcess } from "../support/vault-processes.ts";
import type { VaultProcess } from "../support/vault-processes.ts";

const { processes, callers, latencyMs, rounds } =
  process.env["RACES"] === "full"
    ? { processes: 20, callers: 50, latencyMs: 12_000, rounds: 10 }
    : { processes: 6, callers: 50, latencyMs: 1_500, rounds: 2 };

/** For all rounds of one rotation. */
const timeout = 60_000 + rounds * (latencyMs + 20_000);

for (const [storeName, place] of Object.entries(places)) {
  const title = `${storeName}: ${processes} processes of ${callers} callers want the token of one expired grant`;
  test(title, { timeout: rotations.length * timeout }, async (t) => {
    let fleet: readonly VaultProcess[] | undefined;
    for (const { name, rotation, standin: plays } of rotations) {
      await t.test(`rotation ${name}: one exchange, and all are served the same token`, { timeout }, async (inner) => {
        const fixture = await testVault(inner, { ...plays, clock: movableClock(), provider: { rotation } });
        const { standin } = fixture;
        const where = await place(inner);
        const vault = await fixture.open({ store: storeAt(where) });
        if (fleet === undefined) {
          fleet = await Promise.all(Array.from({ length: processes }, () => startVaultProcess(t, fixture, where)));
        } else await Promise.all(fleet.map((each) => each.reopen(fixture, where)));

        for (let round = 1; round <= rounds; round++) {
          standin.settings({ accessTokenTtlSeconds: 1 });
          const { grantId } = await vault.exchangeCode({ code: fixture.code(`round-${round}@example.com`) });
          standin.settings({ accessTokenTtlSeconds: 3_600 });
          // Over: nobody can be given the old one.
          await pause(1_100);
          const after = round % 2 === 0 ? "answer" : "request";
          standin.fault("POST", "/token", { times: 1, delayMs: latencyMs, after });
          fixture.newRequests();
          const tokens: readonly string[] = (
            await Promise.all(fleet.map((each) => each.tokens(grantId, callers)))
          ).flat();
          assert.equal(tokens.length, processes * callers);
          const distinct = new Set(tokens);
          assert.equal(distinct.size, 1, `round ${round}: ${[...distinct].join(" ")}`);
          assert.ok(await accepts(standin, tokens[0] ?? ""));
          assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 }, `round ${round}`);
        }
      });
    }
  });
}
