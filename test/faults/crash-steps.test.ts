import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isOnbehalfError, movableClock } from "../../src/index.ts";
import type { OnbehalfError, Vault } from "../../src/index.ts";
import { testVault, outcomes } from "../support/test-vault.ts";
import { places } from "../support/places.ts";
import { slowClock } from "../support/expired-grants.ts";
import { storeAt } from "../support/store-process.ts";
import { accepts } from "../support/accepts.ts";
import { eventually } from "../support/eventually.ts";
import type { CrashPlan } from "./crash-process.ts";
import { rotations } from "../support/rotations.ts";

/** More than any refresh takes. */
const mostSteps = 20;

for (const [storeName, place] of Object.entries(places)) {
  describe(`${storeName}: kill -9 at each step of a refresh in turn`, { concurrency: true }, () => {
    for (const { name, rotation, standin: plays } of rotations) {
      // "After" one step is "before" the next, except for the request to the provider between beginning and commit.
      const kinds = name === "strict" ? (["before", "after"] as const) : (["before"] as const);
      for (const kind of kinds) {
        test(`${storeName}: kill -9 ${kind} each step of a refresh, rotation ${name}: nothing is lost but what was in flight, and that is said`, async (t) => {
          const fixture = await testVault(t, {
            ...plays,
            clock: movableClock(),
            provider: { rotation },
            accessTokenTtlSeconds: 30,
          });
          const { standin, key } = fixture;
          const where = await place(t);
          let lost = 0;
          for (let step = 1; ; step++) {
            assert.ok(step < mostSteps, "the steps come to an end");
            standin.settings({ accessTokenTtlSeconds: 30 });
            const first = await fixture.open({ clock: slowClock, store: storeAt(where) });
            const { grantId } = await first.exchangeCode({ code: fixture.code(`step-${step}@example.com`) });
            await first.close();
            standin.settings({ accessTokenTtlSeconds: 3_600 });
            fixture.newRequests();
            const { url, clientId, clientSecret } = standin;
            const died = await crash({
              where,
              key: key.expose(),
              standin: { url, clientId, clientSecret },
              rotation,
              grantId,
              step,
              kind,
            });
            const inFlight = fixture.newRequests().some(({ outcome }) => outcome === "refreshed");

            const next = await fixture.open({ store: storeAt(where) });
            const end = await settled(next, grantId);
            if (end === "lapsed") {
              assert.ok(name === "strict" && inFlight, `step ${step}: nothing had happened to the token`);
              lost += 1;
            } else {
              assert.ok(await accepts(standin, end), `step ${step}`);
              assert.equal((await next.grant(grantId)).state, "active");
              assert.equal(outcomes(fixture.newRequests())["reused_token"], undefined, `step ${step}`);
            }
            await next.close();
            if (!died) break;
          }
          // Only between the answer and the commit, and only there.
          assert.equal(lost, name === "strict" && kind === "before" ? 1 : 0);
        });
      }
    }
  });
}

/** Returns whether it died before it was done. */
async function crash(plan: CrashPlan): Promise<boolean> {
  const { NODE_TEST_CONTEXT: _runner, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("crash-process.ts", import.meta.url)), JSON.stringify(plan)],
    {
      stdio: ["ignore", "ignore", "inherit"],
      env,
    },
  );
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(signal === "SIGKILL" || code === 0, `it ended with ${code ?? signal}`);
  return signal === "SIGKILL";
}

/** A token; or `lapsed`, after checking that the grant names the right reason. */
async function settled(vault: Vault, grantId: string): Promise<string> {
  const ask = async (): Promise<string | OnbehalfError> => {
    try {
      return (await vault.getAccessToken(grantId)).token;
    } catch (error) {
      if (isOnbehalfError(error, "reauthorization_required")) {
        assert.equal(error.details.reason, "crash_ambiguous_rotation");
        return "lapsed";
      }
      assert.ok(isOnbehalfError(error, "provider_unavailable"), String(error));
      return error;
    }
  };
  return String(await eventually(ask, (answer) => typeof answer === "string", 20));
}
