/** A store that fails, and a process that dies, at each step of a sign-in with a ticket. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { OnbehalfError, isOnbehalfError, movableClock } from "../../src/index.ts";
import type { Grant, Vault } from "../../src/index.ts";
import { eventually } from "../support/eventually.ts";
import { places } from "../support/places.ts";
import { storeAt } from "../support/store-process.ts";
import { outcomes, testVault } from "../support/test-vault.ts";
import { countedStore } from "./counted-store.ts";
import type { TicketCrash } from "./ticket-crash-process.ts";

/** More than a sign-in takes. */
const mostSteps = 30;

for (const [storeName, place] of Object.entries(places)) {
  describe(`${storeName}: a sign-in with a ticket`, { concurrency: true }, () => {
    for (const kind of ["before", "after"] as const) {
      test(`${storeName}: the store fails ${kind} each step of a sign-in with a ticket: the same request ends in one grant of the ticket's user`, async (t) => {
        const fixture = await testVault(t, { clock: movableClock() });
        const { store, faults } = countedStore(storeAt(await place(t)), () => {
          throw away;
        });
        const vault = await fixture.open({ store, random: () => 0 });
        let met = 0;
        for (let step = 1; ; step++) {
          assert.ok(step < mostSteps, "the steps come to an end");
          const externalId = `user-${step}`;
          const code = fixture.code(`step-${step}@example.com`);
          const { ticket } = await vault.createTicket({ externalId });
          fixture.newRequests();
          faults.arm(step, kind);
          await vault.exchangeCode({ code, ticket }).catch(assertAway);
          const struck = faults.disarm();
          const grant = await settled(vault, code, ticket);
          assert.equal(grant.externalId, externalId, `step ${step}`);
          assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 }, `step ${step}`);
          await assertUsed(vault, fixture.code("mallory@example.com"), ticket);
          assert.deepEqual(fixture.newRequests(), [], `step ${step}`);
          if (!struck) break;
          met += 1;
        }
        assert.ok(met >= 5, `${met} steps`);
      });

      const hasKeys = kind === "after";
      const having = hasKeys ? "whose keys are in memory" : "whose keys are not read yet";
      test(`${storeName}: kill -9 ${kind} each step of a sign-in with a ticket at a provider ${having}: one grant of the ticket's user, or a code that was used and none`, async (t) => {
        const fixture = await testVault(t, { clock: movableClock() });
        const where = await place(t);
        let lost = 0;
        for (let step = 1; ; step++) {
          assert.ok(step < mostSteps, "the steps come to an end");
          const vault = await fixture.open({ store: storeAt(where) });
          const externalId = `user-${step}`;
          const code = fixture.code(`step-${step}@example.com`);
          const { ticket } = await vault.createTicket({ externalId });
          const { key, standin } = fixture;
          const { url, clientId, clientSecret } = standin;
          const codeBefore = hasKeys ? { codeBefore: fixture.code(`before-${step}@example.com`) } : {};
          fixture.newRequests();
          const died = await crash({
            where,
            key: key.expose(),
            standin: { url, clientId, clientSecret },
            code,
            ticket,
            ...codeBefore,
            step,
            kind,
          });
          const wasSent = outcomes(fixture.newRequests())["exchanged"] === (hasKeys ? 2 : 1);
          const end = await settled(vault, code, ticket).catch((error: OnbehalfError) => error);
          if (end instanceof Error) {
            // The process died with the only copy of the answer.
            assert.ok(wasSent && isOnbehalfError(end, "code_rejected"), `step ${step}: ${String(end)}`);
            lost += 1;
            const again = fixture.code(`again-${step}@example.com`);
            assert.equal((await vault.exchangeCode({ code: again, ticket })).externalId, externalId);
          } else {
            assert.equal(end.externalId, externalId, `step ${step}`);
            await assertUsed(vault, fixture.code("mallory@example.com"), ticket);
          }
          assert.equal((await vault.grants({ externalId })).grants.length, 1, `step ${step}`);
          await vault.close();
          if (!died) break;
        }
        assert.ok(lost <= 1, `${lost} lost`);
      });
    }
  });
}

const away = new OnbehalfError("store_unavailable", "the database did not answer", {
  hint: "this is a test",
  details: { retryAfterMs: 1_000 },
});

function assertAway(error: unknown): void {
  assert.ok(isOnbehalfError(error, "store_unavailable"), String(error));
}

/** The grant that the same request ends in, however often it must come. */
async function settled(vault: Vault, code: string, ticket: string): Promise<Grant> {
  const ask = async (): Promise<Grant | undefined> => {
    try {
      return await vault.exchangeCode({ code, ticket });
    } catch (error) {
      if (isOnbehalfError(error, "provider_unavailable") || isOnbehalfError(error, "store_unavailable"))
        return undefined;
      throw error;
    }
  };
  const grant = await eventually(ask, (answer) => answer !== undefined, 20);
  if (grant === undefined) throw new Error("there was no answer");
  return grant;
}

async function assertUsed(vault: Vault, code: string, ticket: string): Promise<void> {
  const used = (error: OnbehalfError<"ticket_invalid">): boolean => error.details.reason === "used";
  await assert.rejects(vault.exchangeCode({ code, ticket }), used);
}

/** Returns whether it died before it was done. */
async function crash(plan: TicketCrash): Promise<boolean> {
  const { NODE_TEST_CONTEXT: _runner, ...env } = process.env;
  const path = fileURLToPath(new URL("ticket-crash-process.ts", import.meta.url));
  const child = spawn(process.execPath, [path, JSON.stringify(plan)], { stdio: ["ignore", "ignore", "inherit"], env });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(signal === "SIGKILL" || code === 0, `it ended with ${code ?? signal}`);
  return signal === "SIGKILL";
}
