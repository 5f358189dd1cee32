import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { exportJWK } from "jose";
import * as openid from "openid-client";
import { startStandin } from "../../../src/standin/index.ts";
import type { AuthenticationMethod } from "../../../src/standin/index.ts";
import { Visitor } from "../visitor.ts";
import { callback } from "./talk.ts";

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const privateKey = await crypto.subtle.importKey(
  "pkcs8",
  pair.privateKey.export({ format: "der", type: "pkcs8" }),
  { name: "ECDSA", namedCurve: "P-256" },
  false,
  ["sign"],
);
const jwks = { keys: [await exportJWK(pair.publicKey)] };

const ways: Readonly<Record<AuthenticationMethod, (secret: string) => openid.ClientAuth>> = {
  client_secret_post: (secret) => openid.ClientSecretPost(secret),
  client_secret_basic: (secret) => openid.ClientSecretBasic(secret),
  private_key_jwt: () => openid.PrivateKeyJwt(privateKey),
  none: () => openid.None(),
};

for (const method of Object.keys(ways) as AuthenticationMethod[]) {
  test(`openid-client with ${method} finds the kind oauth2 by RFC 8414, connects, refreshes, introspects and revokes`, async () => {
    await using standin = await startStandin({ kind: "oauth2", redirectIss: "right" });
    const client = standin.client({ tokenEndpointAuthMethod: method, jwks, redirectUris: [callback] });
    const config = await openid.discovery(
      new URL(standin.url),
      client.clientId,
      undefined,
      ways[method](client.clientSecret ?? ""),
      { algorithm: "oauth2", execute: [openid.allowInsecureRequests] },
    );
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: "profile read",
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: "s-1",
    });
    const visitor = new Visitor();
    await visitor.open(url.href);
    await visitor.submit("/signin/account", { email: "ada@example.com" });
    await visitor.submit("/signin/consent", { decision: "allow" });
    const landed = new URL(visitor.location ?? "");
    const tokens = await openid.authorizationCodeGrant(config, landed, { pkceCodeVerifier, expectedState: "s-1" });
    assert.deepEqual([tokens.scope, tokens.expires_in, tokens.id_token], ["profile read", 3_600, undefined]);

    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
    const who = await openid.fetchProtectedResource(
      config,
      refreshed.access_token,
      new URL(`${standin.url}/user`),
      "GET",
    );
    assert.equal(((await who.json()) as { login: string }).login, "ada");
    if (method !== "none") {
      const { active, username } = await openid.tokenIntrospection(config, refreshed.access_token);
      assert.deepEqual([active, username], [true, "ada"]);
    }
    await openid.tokenRevocation(config, refreshed.refresh_token ?? "");
    await assert.rejects(openid.refreshTokenGrant(config, refreshed.refresh_token ?? ""), { error: "invalid_grant" });
  });
}
