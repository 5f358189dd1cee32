/** `openVault({ keeper: "process" })`: the app is killed at each step that its keeper makes, and nothing is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { movableClock } from "../../src/index.ts";
import { accepts } from "../support/accepts.ts";
import { slowClock } from "../support/expired-grants.ts";
import { places } from "../support/places.ts";
import { rotations } from "../support/rotations.ts";
import { storeAt } from "../support/store-process.ts";
import { outcomes, testVault } from "../support/test-vault.ts";
import { startApp } from "./app-process.ts";
import { killVariable } from "./killing-keeper-plan.ts";
import type { KillPlan } from "./killing-keeper-plan.ts";

/** More than any refresh or exchange takes. */
const mostSteps = 25;

const program = fileURLToPath(new URL("killing-keeper.ts", import.meta.url));
const strict = rotations.find(({ name }) => name === "strict");
assert.ok(strict !== undefined);

const killed = (plan: KillPlan): { environment: NodeJS.ProcessEnv } => ({
  environment: { [killVariable]: JSON.stringify(plan) },
});

for (const [storeName, place] of Object.entries(places)) {
  // What stands between the steps is the same with both.
  for (const kind of storeName === "sqlite" ? (["before", "after"] as const) : (["before"] as const)) {
    test(`${storeName}, keeper process: kill -9 of the app ${kind} each step of a refresh at a strict provider: nothing is lost, and nothing is sent twice`, async (t) => {
      const fixture = await testVault(t, {
        ...strict.standin,
        clock: movableClock(),
        provider: { rotation: strict.rotation },
        accessTokenTtlSeconds: 30,
      });
      const { standin } = fixture;
      const where = await place(t);
      for (let step = 1; ; step++) {
        assert.ok(step < mostSteps, "the steps come to an end");
        standin.settings({ accessTokenTtlSeconds: 30 });
        const first = await fixture.open({ clock: slowClock, store: storeAt(where) });
        const { grantId } = await first.exchangeCode({ code: fixture.code(`step-${step}@example.com`) });
        await first.close();
        standin.settings({ accessTokenTtlSeconds: 3_600 });
        fixture.newRequests();
        const app = startApp(t, fixture, { where, program, grantId }, killed({ grantId, step, kind }));
        const end = await app.ended;
        assert.ok(end === "SIGKILL" || end === 0, `step ${step}: it ended with ${end}: ${app.output()}`);
        assert.ok(await app.allEnded(), `step ${step}: the keeper ends by itself`);
        const next = await fixture.open({ store: storeAt(where) });
        const { token } = await next.getAccessToken(grantId);
        assert.ok(await accepts(standin, token), `step ${step}`);
        const { state, generation } = await next.grant(grantId);
        assert.deepEqual([state, generation], ["active", 2], `step ${step}`);
        assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 }, `step ${step}`);
        await next.close();
        if (end === 0) {
          assert.equal(app.output().trim(), token);
          assert.ok(step > 2, "steps were counted");
          break;
        }
      }
    });

    test(`${storeName}, keeper process: kill -9 of the app ${kind} each step of a code's exchange: the grant is there, and the code was sent once`, async (t) => {
      const fixture = await testVault(t, {
        ...strict.standin,
        clock: movableClock(),
        provider: { rotation: strict.rotation },
      });
      const where = await place(t);
      let saved = 0;
      for (let step = 1; ; step++) {
        assert.ok(step < mostSteps, "the steps come to an end");
        fixture.newRequests();
        const code = fixture.code(`step-${step}@example.com`);
        const app = startApp(t, fixture, { where, program, code }, killed({ step, kind }));
        const end = await app.ended;
        assert.ok(end === "SIGKILL" || end === 0, `step ${step}: it ended with ${end}: ${app.output()}`);
        assert.ok(await app.allEnded(), `step ${step}: the keeper ends by itself`);
        const next = await fixture.open({ store: storeAt(where) });
        const requests = [...fixture.newRequests()];
        // Killed before the keeper had heard of the code: then nobody has used it.
        if (requests.length === 0) await next.exchangeCode({ code });
        const { grants } = await next.grants({ limit: 100 });
        const grant = grants.find(({ profile }) => profile?.email === `step-${step}@example.com`);
        assert.ok(grant !== undefined && grant.offline, `step ${step}: the grant is there`);
        assert.ok(await accepts(fixture.standin, (await next.getAccessToken(grant)).token), `step ${step}`);
        assert.deepEqual(outcomes([...requests, ...fixture.newRequests()]), { exchanged: 1 }, `step ${step}`);
        saved += requests.length;
        await next.close();
        if (end === 0) {
          assert.ok(saved > 2, "the keeper goes on with codes that it has heard of");
          break;
        }
      }
    });
  }
}
