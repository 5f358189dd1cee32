import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isOnbehalfError } from "../../src/index.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { testVault, outcomes, until } from "../support/test-vault.ts";
import { administer } from "../support/postgres.ts";
import { newServer } from "../support/postgres-server.ts";
import { accepts } from "../support/accepts.ts";

test("a database server that is stopped in mid-refresh, and started again", async (t) => {
  const server = await newServer();
  await server.start();
  t.after(() => server.remove());
  await administer(server.url("postgres"), "CREATE DATABASE grants");
  const fixture = await testVault(t, {
    rotation: "strict",
    revokeFamilyOnReuse: true,
    provider: { rotation: "strict" },
  });
  const { standin, clock, events } = fixture;
  const vault = await fixture.open({
    store: postgres(server.url("grants")),
    rescueFolder: `${fixture.path}-answers`,
    random: () => 0,
  });
  const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
  const expired = await vault.exchangeCode({ code: fixture.code("carl@example.com") });
  clock.advance(3_000_000);
  const fresh = await vault.exchangeCode({ code: fixture.code("fresh@example.com") });
  // Read again after the vault was told of its own sign-in: it looks a changed grant up again.
  await pause(1_500);
  const { token: valid } = await vault.getAccessToken(fresh.grantId);
  // After another person's sign-in the vault looks every reference up again, except a grant's own id.
  await vault.exchangeCode({ code: fixture.code("late@example.com") });
  await pause(1_500);
  clock.advance(700_000);
  fixture.newRequests();
  standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 3_000 });
  const waiting = vault.getAccessToken(grantId);
  await until(() => standin.log().counts["refreshed"] === 1);
  await server.stop();

  const { token } = await waiting;
  assert.ok(await accepts(standin, token), "the answer is served from memory");
  assert.equal((await vault.getAccessToken(grantId)).token, token, "and again");
  assert.equal((await vault.getAccessToken(fresh.grantId)).token, valid, "valid tokens are served");
  await assert.rejects(vault.getAccessToken(expired.grantId), (error) => isOnbehalfError(error, "store_unavailable"));
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 }, "nothing is spent that could not be stored");

  await server.start();
  await until(() => events.some((event) => event.type === "refreshed" && event.grantId === grantId));
  assert.match((await vault.getAccessToken(expired.grantId)).token, /^ya29\./);
  const grant = await vault.grant(grantId);
  assert.deepEqual([grant.state, grant.generation], ["active", 2]);
  assert.equal((await vault.getAccessToken(grantId)).token, token);
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  clock.advance(3_700_000);
  assert.ok(await accepts(standin, (await vault.getAccessToken(grantId)).token), "its refresh token was kept");
});
