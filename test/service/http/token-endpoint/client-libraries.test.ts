import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { OAuth2Client } from "google-auth-library";
import { startServer } from "../../../../src/service/index.ts";
import { tokenEndpointFor } from "../../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../../support/token-endpoint.ts";

interface Here extends TokenEndpoint {
  readonly url: string;
}

async function here(t: TestContext): Promise<Here> {
  const endpoint = await tokenEndpointFor(t);
  const server = await startServer(endpoint.vault, { port: 0 });
  t.after(() => server.close());
  return { ...endpoint, url: server.url };
}

const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
const handleType = "urn:onbehalf:params:token-type:grant-handle";

for (const [how, authentication] of [
  ["HTTP Basic", (secret: string) => client.ClientSecretBasic(secret)],
  ["the body", (secret: string) => client.ClientSecretPost(secret)],
] as const) {
  test(`openid-client finds the token endpoint by its metadata, and gets tokens with its client in ${how}`, async (t) => {
    const { url, client: caller, secret, vault, grantId } = await here(t);
    const config = await client.discovery(new URL(url), caller.name, undefined, authentication(caller.key), {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests],
    });
    const tokens = await client.refreshTokenGrant(config, secret);
    assert.equal(tokens.access_token, (await vault.getAccessToken({ grantId })).token);
    assert.equal(tokens.refresh_token, undefined);
    assert.equal(tokens.expires_in, 3_599);
    const exchanged = await client.genericGrantRequest(config, exchangeGrant, {
      subject_token: secret,
      subject_token_type: handleType,
    });
    assert.equal(exchanged["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    await vault.revoke({ grantId });
    await assert.rejects(client.refreshTokenGrant(config, secret), (error: unknown) => {
      assert.ok(error instanceof client.ResponseBodyError);
      assert.equal(error.error, "invalid_grant");
      return /consent is needed again/.test(error.error_description ?? "");
    });
  });
}

test("oauth4webapi understands the token endpoint's answers and refusals", async (t) => {
  const { url, client: caller, secret } = await here(t);
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(url);
  const found = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const ask = async (key: string): Promise<oauth.TokenEndpointResponse> =>
    oauth.processRefreshTokenResponse(
      server,
      { client_id: caller.name },
      await oauth.refreshTokenGrantRequest(
        server,
        { client_id: caller.name },
        oauth.ClientSecretBasic(key),
        secret,
        insecure,
      ),
    );
  assert.match((await ask(caller.key)).access_token, /^ya29\./);
  // A 401 names its scheme, which this library reads before anything else.
  await assert.rejects(ask(`${caller.key}0`), oauth.WWWAuthenticateChallengeError);
});

test("google-auth-library's OAuth2Client gets tokens by endpoints of ours, and understands a revoked grant", async (t) => {
  const { url, client: caller, secret, vault, grantId } = await here(t);
  const google = new OAuth2Client({
    clientId: caller.name,
    clientSecret: caller.key,
    endpoints: { oauth2TokenUrl: `${url}/oauth/token` },
  });
  google.setCredentials({ refresh_token: secret });
  const { token } = await google.getAccessToken();
  assert.equal(token, (await vault.getAccessToken({ grantId })).token);
  await vault.revoke({ grantId });
  google.setCredentials({ refresh_token: secret });
  await assert.rejects(google.getAccessToken(), /invalid_grant/);
});
