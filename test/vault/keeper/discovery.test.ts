import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError, oidc } from "../../../src/index.ts";
import type { Provider } from "../../../src/index.ts";
import { accepts } from "../../support/accepts.ts";
import { testVault, until } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

const document = "/.well-known/openid-configuration";

/** The stand-in as any OpenID provider, found by its discovery document. */
const anyProvider = ({ standin: { url, clientId, clientSecret } }: TestVault): Provider =>
  oidc({ name: "example", issuer: url, clientId, clientSecret, rotation: "strict" });

const redirectUri = "http://127.0.0.1:9999/connect";

/** A code as a web page's redirect brings it, and where it came from. */
function fromRedirect({ standin }: TestVault): { code: string; redirectUri: string } {
  const spec = { kind: "redirect", redirectUri, accessType: "offline", email: "ada@example.com" } as const;
  return { code: standin.code(spec), redirectUri };
}

describe("a provider that is found by discovery", () => {
  test("a discovered provider works like any other", async (t) => {
    const fixture = await testVault(t, { issuer: "self", rotation: "strict" });
    const vault = await fixture.open({ provider: anyProvider(fixture) });
    const grant = await vault.exchangeCode(fromRedirect(fixture));
    assert.equal(grant.provider, "example");
    assert.equal(grant.issuer, fixture.standin.url);
    fixture.clock.advance(3_700_000);
    assert.match((await vault.getAccessToken(grant.grantId)).token, /^ya29\./);
    assert.equal(fixture.newRequests(document).length, 1, "read once");
    assert.equal((await vault.revoke(grant)).state, "revoked");
  });

  test("a discovered provider cannot be found: a code is not spent, and works once it can", async (t) => {
    const fixture = await testVault(t, { issuer: "self" });
    const options = fromRedirect(fixture);
    fixture.standin.fault("GET", document, { times: 2, status: 503 });
    const vault = await fixture.open({ provider: anyProvider(fixture) });
    await assert.rejects(vault.exchangeCode(options), (error) => isOnbehalfError(error, "provider_unavailable"));
    assert.equal(fixture.newRequests("/token").length, 0);
    assert.equal((await vault.exchangeCode(options)).profile.email, "ada@example.com");
  });

  test("a discovered provider cannot be found at a refresh: what lives is served, nothing is suspected, nothing was spent", async (t) => {
    const fixture = await testVault(t, { issuer: "self", rotation: "strict" });
    const first = await fixture.open({ provider: anyProvider(fixture) });
    const { grantId } = await first.exchangeCode(fromRedirect(fixture));
    await first.close();
    fixture.newRequests();

    fixture.standin.fault("GET", document, { times: "always", drop: true });
    const vault = await fixture.open({ provider: anyProvider(fixture), random: () => 0 });
    fixture.clock.advance(3_000_000);
    const { token } = await vault.getAccessToken(grantId, { minTtlSeconds: 1_800 });
    assert.match(token, /^ya29\./, "the one that still lives");
    fixture.clock.advance(1_000_000);
    await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
    assert.equal((await vault.grant(grantId)).state, "active");
    assert.equal(fixture.newRequests("/token").length, 0);

    // The provider is found again, and the person has revoked: the reason is that, and not a lost token.
    fixture.standin.clearFaults();
    fixture.standin.revoke("ada@example.com");
    fixture.clock.advance(120_000);
    await assert.rejects(
      vault.getAccessToken(grantId),
      (error) => isOnbehalfError(error, "reauthorization_required") && error.details.reason === "invalid_grant",
    );
  });

  test("a discovered provider cannot be found at a revocation: nothing is handed out, and it is told as soon as it can be", async (t) => {
    const fixture = await testVault(t, { issuer: "self", rotation: "strict", revocationEnds: "family" });
    const first = await fixture.open({ provider: anyProvider(fixture) });
    const { grantId } = await first.exchangeCode(fromRedirect(fixture));
    const { token } = await first.getAccessToken(grantId);
    await first.close();

    fixture.standin.fault("GET", document, { times: "always", status: 503 });
    const vault = await fixture.open({ provider: anyProvider(fixture) });
    await assert.rejects(vault.revoke(grantId), (error) => {
      assert.ok(isOnbehalfError(error, "provider_unavailable"));
      assert.match(error.message, /did not confirm the revocation/);
      assert.match(error.hint, /the revocation is sent again until the provider confirms it/);
      return true;
    });
    assert.deepEqual(fixture.events.at(-1), {
      type: "revocation_waits",
      grantId,
      provider: "example",
      error: "discovery_failed",
    });
    assert.equal((await vault.grant(grantId)).state, "revoking");
    await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "reauthorization_required"));
    assert.ok(await accepts(fixture.standin, token), "the provider knows nothing yet");
    await vault.close();

    fixture.standin.clearFaults();
    const next = await fixture.open({ provider: anyProvider(fixture) });
    await until(async () => (await next.grant(grantId)).state === "revoked");
    assert.equal(await accepts(fixture.standin, token), false);
  });

  test("a discovered provider names another issuer: refused when the vault is opened, and said so", async (t) => {
    const fixture = await testVault(t);
    await assert.rejects(fixture.open({ provider: anyProvider(fixture) }), (error) => {
      assert.ok(isOnbehalfError(error, "configuration_invalid"));
      assert.match(error.message, /another issuer/);
      return true;
    });
    assert.equal(fixture.newRequests("/token").length, 0);
  });
});
