import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../src/core/clock.ts";
import type { MovableClock } from "../../src/core/clock.ts";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { HttpProtocol } from "../../src/oauth/protocol.ts";
import type { TokenSet } from "../../src/oauth/token-set.ts";
import { google } from "../../src/providers/google.ts";
import { oidc } from "../../src/providers/oidc.ts";
import type { Client, Provider } from "../../src/providers/provider.ts";
import { Secret } from "../../src/core/secret.ts";
import { testStandin } from "../support/test-standin.ts";
import type { Fault, IdTokenFlaw, Standin, StandinOptions } from "../../src/standin/index.ts";
import { wireWith } from "./servers.ts";

const email = "ada@example.com";
const appData = "https://www.googleapis.com/auth/drive.appdata";
/** The client in whose name phones ask the stand-in for codes. */
const phone = "1234567890-and0r01dand0r01d.apps.googleusercontent.com";
const certs = "/oauth2/v3/certs";

interface Scene {
  readonly standin: Standin;
  readonly clock: MovableClock;
  readonly protocol: HttpProtocol;
  /** Signs in on a phone and exchanges the code. */
  readonly signIn: (more?: { nonce?: string }) => Promise<TokenSet>;
  /** How often the stand-in was asked for a path. */
  readonly asked: (path: string) => number;
}

async function scene(
  t: TestContext,
  options: StandinOptions = {},
  providerOf: (standin: Standin) => Provider = ({ clientId, url }) => google({ clientId, baseUrl: url }),
): Promise<Scene> {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const standin = await testStandin({ clock, ...options });
  t.after(() => standin.close());
  const client: Client = { clientId: standin.clientId, clientSecret: new Secret(standin.clientSecret) };
  const protocol = new HttpProtocol(providerOf(standin), client, wireWith(), clock);
  return {
    standin,
    clock,
    protocol,
    async signIn(more = {}) {
      const code = new Secret(standin.code({ email, scope: `openid email profile ${appData}`, force: true, ...more }));
      const response = await protocol.exchangeCode({ code, redirectUri: "" });
      return response.kind === "tokens" ? response.tokens : assert.fail(JSON.stringify(response));
    },
    asked: (path) => standin.log().entries.filter((entry) => entry.path === path).length,
  };
}

function idTokenOf({ idToken }: TokenSet): Secret {
  return idToken ?? assert.fail("no ID token");
}

describe("the protocol, against a stand-in for Google", () => {
  test("the protocol takes a phone's code, knows who signed in, refreshes, and revokes", async (t) => {
    const { protocol, signIn } = await scene(t);
    const first = await signIn();
    const profile = await protocol.verifyIdToken(idTokenOf(first), { accessToken: first.accessToken });
    assert.equal(profile.email, email);
    assert.equal(profile.email_verified, true);
    const refreshToken = first.refreshToken ?? assert.fail("no refresh token");
    const next = await protocol.refresh(refreshToken);
    assert.ok(next.kind === "tokens");
    assert.notEqual(next.tokens.accessToken?.expose(), first.accessToken?.expose());
    assert.equal(next.tokens.refreshToken, undefined, "Google keeps the old one");
    assert.deepEqual(await protocol.revoke(refreshToken), { kind: "done" });
    assert.deepEqual(await protocol.refresh(refreshToken), {
      kind: "oauth-error",
      status: 400,
      error: "invalid_grant",
      says: "Token has been expired or revoked.",
    });
    assert.deepEqual(await protocol.revoke(refreshToken), { kind: "done" }, "what is dead is revoked");
  });

  const flaws: Readonly<Record<IdTokenFlaw, string>> = {
    wrong_aud: "aud",
    wrong_iss: "iss",
    expired: "exp",
    missing_sub: "sub",
    wrong_nonce: "nonce",
    alg_none: "form",
    hs256_with_public_key: "alg",
    bad_signature: "signature",
    unknown_kid: "kid",
  };
  for (const [flaw, check] of Object.entries(flaws)) {
    test(`the protocol refuses an ID token with ${flaw} for ${check}, and the next good one is fine`, async (t) => {
      const { standin, protocol, signIn } = await scene(t, { idTokenFlaw: flaw as IdTokenFlaw });
      const nonce = "n-1";
      const verify = async (): Promise<unknown> =>
        protocol.verifyIdToken(idTokenOf(await signIn({ nonce })), { nonce });
      await assert.rejects(
        verify,
        (error) => isOnbehalfError(error, "id_token_invalid") && error.details.check === check,
      );
      standin.settings({ idTokenFlaw: null });
      await verify();
    });
  }

  test("the protocol reads the keys once for all, and again when they were rotated", async (t) => {
    const { standin, protocol, signIn, asked } = await scene(t);
    const tokens = await Promise.all([signIn(), signIn(), signIn()]);
    await Promise.all(tokens.map((each) => protocol.verifyIdToken(idTokenOf(each), {})));
    assert.equal(asked(certs), 1);
    standin.rotateKeys();
    await protocol.verifyIdToken(idTokenOf(await signIn()), {});
    await protocol.verifyIdToken(idTokenOf(await signIn()), {});
    assert.equal(asked(certs), 2);
  });

  const faults: Readonly<Record<string, Fault>> = {
    "an outage": { status: 503 },
    "a page": { html: true },
    "half an answer": { invalidJson: true },
    "a huge answer": { hugeBytes: 1_000_000 },
    "a lost connection": { drop: true },
    "a redirect": { location: "https://accounts.example.net/" },
  };
  for (const [what, fault] of Object.entries(faults)) {
    test(`the protocol knows nothing of a token while the keys are ${what}, and blames nobody`, async (t) => {
      const { standin, protocol, signIn } = await scene(t);
      standin.fault("GET", certs, fault);
      const idToken = idTokenOf(await signIn());
      await assert.rejects(protocol.verifyIdToken(idToken, {}), (error) =>
        isOnbehalfError(error, "provider_unavailable"),
      );
      await protocol.verifyIdToken(idToken, {});
    });
  }
});

describe("the protocol, with a provider that is discovered", () => {
  const path = "/.well-known/openid-configuration";
  const discovered = ({ clientId, issuer }: Standin): Provider =>
    oidc({ name: "id", issuer, clientId, authorizedParties: [phone] });

  test("the protocol of a discovered provider asks where things are once, however many come at the same time", async (t) => {
    const { protocol, signIn, asked } = await scene(t, { issuer: "self" }, discovered);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => signIn()));
    await Promise.all(tokens.map((each) => protocol.verifyIdToken(idTokenOf(each), {})));
    assert.equal(asked(path), 1);
  });

  test("the protocol of a discovered provider takes a failed discovery for a request that never left, and asks again", async (t) => {
    const { standin, protocol, signIn, asked } = await scene(t, { issuer: "self" }, discovered);
    standin.fault("GET", path, { status: 503, times: 2 });
    const unsent = { kind: "silence", sent: false, error: "discovery_failed" };
    assert.deepEqual(await protocol.refresh(new Secret("1//r")), unsent);
    assert.deepEqual(await protocol.exchangeCode({ code: new Secret("4/0A") }), unsent);
    await signIn();
    assert.equal(asked(path), 3);
    assert.equal(asked("/token"), 1);
  });

  test("the protocol of a discovered provider stops at a document of another issuer: nothing is sent anywhere", async (t) => {
    const { protocol, asked } = await scene(t, {}, ({ clientId, url }) => oidc({ name: "id", issuer: url, clientId }));
    await assert.rejects(protocol.refresh(new Secret("1//r")), (error) =>
      isOnbehalfError(error, "configuration_invalid"),
    );
    assert.equal(asked("/token"), 0);
  });
});
