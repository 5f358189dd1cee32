/// <reference types="node" />
/** The stand-in in your own tests: an hour passes at once, and Google fails when you say so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock, generateMasterKey, google, isOnbehalfError, keyringFromKeys, openVault } from "onbehalf";
import { sqlite } from "onbehalf/sqlite";
import { startStandin } from "onbehalf/standin";

test("our job outlives an hour, an outage and a person who leaves", async () => {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  await using standin = await startStandin({ clock });
  await using vault = await openVault({
    provider: google({ clientId: standin.clientId, clientSecret: standin.clientSecret, baseUrl: standin.url }),
    store: sqlite(":memory:"),
    keyring: keyringFromKeys(generateMasterKey()),
    clock,
  });
  const code = standin.code({ kind: "native", email: "ada@example.com", scope: "openid email" });
  const grant = await vault.exchangeCode({ code, source: "android" });
  const first = await vault.getAccessToken(grant);

  clock.advance(3_700_000);
  standin.fault("POST", "/token", { status: 503 });
  await assert.rejects(vault.getAccessToken(grant), (error) => isOnbehalfError(error, "provider_unavailable"));
  assert.notEqual((await vault.getAccessToken(grant)).token, first.token);

  standin.revoke("ada@example.com");
  clock.advance(3_700_000);
  await assert.rejects(vault.getAccessToken(grant), (error) => isOnbehalfError(error, "reauthorization_required"));
});
