import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { ErrorCode, ExchangeCodeOptions } from "../../../../src/index.ts";
import { appData, testVault, outcomes, usualScope } from "../../../support/test-vault.ts";

const refusedAs = (code: ErrorCode) => (error: unknown) => isOnbehalfError(error) && error.code === code;

describe("a code", () => {
  test("a code becomes a grant: who signed in, what was granted, and a token that works", async (t) => {
    const { standin, open, code } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com"), source: "android", externalId: "user-42" });

    assert.match(grant.grantId, /^g_/);
    assert.equal(grant.subject, grant.profile.sub);
    assert.equal(grant.externalId, "user-42");
    assert.equal(grant.issuer, "https://accounts.google.com");
    assert.equal(grant.profile.email, "ada@example.com");
    assert.equal(grant.profile.email_verified, true);
    assert.equal(grant.profile.family_name, "Lovelace");
    assert.ok(grant.scopes.includes(appData));
    assert.ok(grant.scopes.includes("https://www.googleapis.com/auth/userinfo.email"), "the provider's canonical name");
    assert.equal(grant.state, "active");
    assert.equal(grant.offline, true);

    const { token } = await vault.getAccessToken({ externalId: "user-42" });
    const info = await fetch(`${standin.url}/tokeninfo?access_token=${encodeURIComponent(token)}`);
    assert.equal(((await info.json()) as { email: string }).email, "ada@example.com");
  });

  test("a code shows no token of the provider, however the grant is printed", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com") });
    const accessToken = await vault.getAccessToken(grant.grantId);
    const { inspect } = await import("node:util");
    for (const shown of [grant, accessToken, vault]) {
      assert.doesNotMatch(`${inspect(shown, { depth: 9, showHidden: true })}${JSON.stringify(shown)}`, /ya29\.|1\/\//);
    }
    assert.match(accessToken.token, /^ya29\./);
  });

  test("a code without a refresh token is kept, and says so at once", async (t) => {
    const { standin, open } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({
      code: standin.code({ email: "ada@example.com", accessType: "online" }),
    });
    assert.equal(grant.offline, false);
    assert.equal(grant.state, "active");
    assert.match((await vault.getAccessToken(grant.grantId)).token, /^ya29\./);
  });

  test("a code of a later sign-in brings no refresh token, and leaves the stored one in place", async (t) => {
    const { standin, clock, open, code, newRequests } = await testVault(t);
    const vault = await open();
    const first = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-42" });
    const [bringing] = newRequests();
    const second = await vault.exchangeCode({ code: code("ada@example.com") });
    const [later] = newRequests();
    assert.ok(bringing?.issued_fingerprint !== undefined, "the first code brings a refresh token");
    assert.equal(later?.issued_fingerprint, undefined, "the second one does not");

    assert.equal(second.grantId, first.grantId);
    assert.equal(second.offline, true);
    assert.equal(second.externalId, "user-42", "a sign-in does not untie the grant from the app's user");

    clock.advance(3_700_000);
    const { token } = await vault.getAccessToken({ subject: first.subject });
    const [refresh] = newRequests();
    assert.equal(refresh?.outcome, "refreshed");
    assert.equal(refresh?.refresh_token_fingerprint, bringing?.issued_fingerprint, "the first one was used");
    assert.equal((await fetch(`${standin.url}/tokeninfo?access_token=${token}`)).status, 200);
  });

  test("a code of a later consent brings a refresh token, and that one counts", async (t) => {
    const { standin, clock, open, code, newRequests } = await testVault(t);
    const vault = await open();
    const first = await vault.exchangeCode({ code: code("ada@example.com") });
    newRequests();
    const again = standin.code({ email: "ada@example.com", scope: usualScope, force: true });
    const second = await vault.exchangeCode({ code: again });
    const [consent] = newRequests();
    assert.equal(second.grantId, first.grantId);
    clock.advance(3_700_000);
    await vault.getAccessToken(first.grantId);
    assert.equal(newRequests()[0]?.refresh_token_fingerprint, consent?.issued_fingerprint);
  });

  test("a code of the same person at another client is another grant", async (t) => {
    const { standin, provider, open } = await testVault(t);
    const other = standin.client({ loopback: true });
    const { Secret } = await import("../../../../src/index.ts");
    const staging = {
      ...provider,
      name: "staging",
      client: { clientId: other.clientId, clientSecret: new Secret(other.clientSecret ?? "") },
    };
    const vault = await open({ providers: [provider, staging] });
    const email = "ada@example.com";
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }), externalId: "user-42" });
    const two = await vault.exchangeCode({
      provider: "staging",
      code: standin.code({ email, clientId: other.clientId }),
      externalId: "user-42",
    });
    assert.notEqual(two.grantId, one.grantId);
    assert.equal(two.subject, one.subject);
    await assert.rejects(vault.getAccessToken({ subject: one.subject }), (error) => {
      assert.ok(isOnbehalfError(error, "ambiguous_grant"));
      assert.deepEqual([...error.details.grantIds].sort(), [one.grantId, two.grantId].sort());
      assert.deepEqual([...error.details.providers].sort(), ["google", "staging"]);
      return true;
    });
    await assert.rejects(vault.getAccessToken({ externalId: "user-42" }), refusedAs("ambiguous_grant"));
    const token = await vault.getAccessToken({ provider: "staging", externalId: "user-42" });
    assert.equal(token.grantId, two.grantId);
  });
});

describe("the same code again", () => {
  test("the same code again within a minute gives the same grant, from one exchange", async (t) => {
    const { clock, open, code, newRequests, events } = await testVault(t);
    const vault = await open();
    const options = { code: code("ada@example.com"), externalId: "user-42" };
    const first = await vault.exchangeCode(options);
    clock.advance(60_000);
    const elsewhere = await open();
    assert.deepEqual(await vault.exchangeCode(options), first);
    assert.deepEqual(await elsewhere.exchangeCode(options), first, "another process answers the same");
    assert.deepEqual(outcomes(newRequests()), { exchanged: 1 });
    assert.ok(!events.some(({ type }) => type === "code_reused"));
  });

  test("the same code again after a minute is refused, without asking the provider, and told as an event", async (t) => {
    const { clock, open, code, newRequests, events } = await testVault(t);
    const vault = await open();
    const options = { code: code("ada@example.com") };
    const { grantId } = await vault.exchangeCode(options);
    clock.advance(60_001);
    await assert.rejects(vault.exchangeCode(options), refusedAs("code_rejected"));
    assert.deepEqual(outcomes(newRequests()), { exchanged: 1 });
    assert.deepEqual(events.at(-1), { type: "code_reused", provider: "google" });
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./, "the grant has not suffered");
  });

  const others: Record<string, Partial<ExchangeCodeOptions>> = {
    "another nonce": { nonce: "n-2" },
    "no nonce": { nonce: undefined as never },
    "another user of the app": { externalId: "user-43" },
    "no user of the app": { externalId: undefined as never },
    "another source": { source: "web-popup" },
    "a verifier": { codeVerifier: "v".repeat(43) },
    "a key of its own": { idempotencyKey: "k".repeat(16) },
  };
  for (const [difference, change] of Object.entries(others)) {
    test(`the same code again with ${difference} is refused: whoever sends it knows less than the first one did`, async (t) => {
      const { standin, open, newRequests, events } = await testVault(t);
      const vault = await open();
      const { nonce, ...options } = {
        code: standin.code({ email: "ada@example.com", nonce: "n-1" }),
        source: "android" as const,
        externalId: "user-42",
        nonce: "n-1",
      };
      await vault.exchangeCode({ ...options, nonce });
      const different = Object.fromEntries(
        Object.entries({ ...options, nonce, ...change }).filter(([, value]) => value !== undefined),
      ) as unknown as ExchangeCodeOptions;
      await assert.rejects(vault.exchangeCode(different), refusedAs("code_rejected"));
      assert.deepEqual(outcomes(newRequests()), { exchanged: 1 });
      assert.equal(events.at(-1)?.type, "code_reused");
    });
  }

  test("the same code again sent a thousand times at once is one exchange, and a thousand equal answers", async (t) => {
    const { open, code, newRequests } = await testVault(t);
    const vaults = [await open(), await open()];
    const options = { code: code("ada@example.com"), externalId: "user-42" };
    const grants = await Promise.all(
      Array.from({ length: 1_000 }, async (_, index) => vaults[index % 2]?.exchangeCode({ ...options })),
    );
    assert.deepEqual(outcomes(newRequests()), { exchanged: 1 });
    assert.equal(new Set(grants.map((grant) => JSON.stringify(grant))).size, 1);
  });

  test("the same code again sent at once for two users of the app becomes the grant of one of them", async (t) => {
    const { open, code, newRequests } = await testVault(t);
    const vault = await open();
    const authCode = code("ada@example.com");
    const ends = await Promise.allSettled(
      ["user-42", "user-43"].map((externalId) => vault.exchangeCode({ code: authCode, externalId })),
    );
    assert.deepEqual(ends.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.deepEqual(outcomes(newRequests()), { exchanged: 1 });
  });
});

describe("a code that cannot be exchanged", () => {
  test("a code that cannot be exchanged because the provider does not know it is rejected, with the provider's reason", async (t) => {
    const { open, events, newRequests } = await testVault(t);
    const vault = await open();
    const options = { code: "4/0Anever-issued" };
    for (let turn = 0; turn < 2; turn++) {
      await assert.rejects(vault.exchangeCode(options), (error) => {
        assert.ok(isOnbehalfError(error, "code_rejected"));
        assert.equal(error.details.providerError, "invalid_grant");
        return true;
      });
    }
    assert.equal(newRequests().length, 1, "the provider is asked once");
    assert.equal(events.filter(({ type }) => type === "code_rejected").length, 1);
  });

  test("a code that cannot be exchanged because it came from somewhere else says which source would have been right", async (t) => {
    const { standin, open, newRequests } = await testVault(t);
    const vault = await open();
    const authCode = standin.code({ kind: "popup", email: "ada@example.com" });
    await assert.rejects(vault.exchangeCode({ code: authCode, source: "android" }), (error) => {
      assert.ok(isOnbehalfError(error, "code_rejected"));
      assert.equal(error.details.providerError, "redirect_uri_mismatch");
      assert.match(error.hint, /web-popup/);
      return true;
    });
    assert.equal(newRequests().length, 1, "and no other redirect_uri is tried: that may burn the code");
  });

  test("a code that cannot be exchanged because it is another client's is rejected: not our client's fault", async (t) => {
    const { standin, open } = await testVault(t);
    const vault = await open();
    const { clientId } = standin.client({ loopback: true });
    await assert.rejects(
      vault.exchangeCode({ code: standin.code({ email: "ada@example.com", clientId }) }),
      (error) => isOnbehalfError(error, "code_rejected") && error.details.providerError === "unauthorized_client",
    );
  });

  const wrong: readonly (readonly [string, ExchangeCodeOptions, string])[] = [
    ["empty", { code: "" }, "authCode"],
    ["not ASCII", { code: "4/0Ä" }, "authCode"],
    ["with a line break", { code: "4/0A\r\nx: y" }, "authCode"],
    ["endless", { code: "4".repeat(2_049) }, "authCode"],
    ["badly percent-encoded", { code: "4%2F0A%FF" }, "authCode"],
    [
      "a phone's, with a redirect_uri",
      { code: "4/0A", source: "ios", redirectUri: "https://a.example" },
      "redirect_uri",
    ],
    ["a redirect's, without its URI", { code: "4/0A", source: "web-redirect" }, "redirect_uri"],
    ["a redirect's, with something that is no URI", { code: "4/0A", redirectUri: "nowhere" }, "redirect_uri"],
    ["with a verifier that is too short", { code: "4/0A", codeVerifier: "short" }, "code_verifier"],
    ["with an empty external id", { code: "4/0A", externalId: "" }, "external_id"],
    ["with a control character in the external id", { code: "4/0A", externalId: "a\u0000b" }, "external_id"],
    ["with an endless nonce", { code: "4/0A", nonce: "n".repeat(513) }, "nonce"],
    ["for a provider that is not there", { code: "4/0A", provider: "nobody" }, "provider"],
  ];
  for (const [name, options, parameter] of wrong) {
    test(`a code is refused before it is spent: ${name}`, async (t) => {
      const { open, newRequests } = await testVault(t);
      const vault = await open();
      await assert.rejects(
        vault.exchangeCode(options),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === parameter,
      );
      assert.equal(newRequests().length, 0);
    });
  }
});

describe("a code's spelling and source", () => {
  test("a code that is percent-encoded, as copied from a URL, is decoded once", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: encodeURIComponent(code("ada@example.com")) });
    assert.equal(grant.profile.email, "ada@example.com");
  });

  test("a code that is encoded twice is not guessed at, and the code itself still works", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const authCode = code("ada@example.com");
    await assert.rejects(
      vault.exchangeCode({ code: encodeURIComponent(encodeURIComponent(authCode)) }),
      refusedAs("code_rejected"),
    );
    assert.equal((await vault.exchangeCode({ code: authCode })).profile.email, "ada@example.com");
  });

  const verifier = "a-verifier-of-more-than-forty-three-characters";
  const redirectUri = "http://127.0.0.1:9999/connect";
  const challenge = "plain" as const;
  const sources: readonly (readonly [string, object, Partial<ExchangeCodeOptions>, string])[] = [
    ["a phone", { kind: "native" }, { source: "android" }, ""],
    ["an iPhone", { kind: "native" }, { source: "ios" }, ""],
    ["nothing said", { kind: "native" }, {}, ""],
    ["a popup", { kind: "popup" }, { source: "web-popup" }, "postmessage"],
    [
      "a redirect with PKCE",
      { kind: "redirect", redirectUri, codeChallenge: verifier, codeChallengeMethod: challenge },
      { redirectUri, codeVerifier: verifier },
      redirectUri,
    ],
  ];
  for (const [name, spec, options, sent] of sources) {
    test(`a code of source ${name} is sent with redirect_uri ${JSON.stringify(sent)}`, async (t) => {
      const { standin, open, newRequests } = await testVault(t);
      const vault = await open();
      await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", ...spec }), ...options });
      assert.equal(newRequests()[0]?.parameters["redirect_uri"], sent);
    });
  }

  test("a popup's code is sent with the page's origin, where the provider record says so", async (t) => {
    const origin = "http://127.0.0.1:9999";
    const { standin, open, newRequests } = await testVault(t, {
      provider: { redirectUriFor: { "web-popup": origin } },
    });
    const vault = await open();
    await vault.exchangeCode({
      code: standin.code({ kind: "popup", email: "ada@example.com", origin }),
      source: "web-popup",
    });
    assert.equal(newRequests()[0]?.parameters["redirect_uri"], origin);
  });
});
