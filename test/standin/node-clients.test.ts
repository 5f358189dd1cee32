import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { drive as driveClient } from "@googleapis/drive";
import { OAuth2Client } from "google-auth-library";
import * as openid from "openid-client";
import { type Standin } from "../../src/standin/index.ts";
import { testStandin } from "../support/test-standin.ts";
import { appData } from "./talk.ts";
import { Visitor } from "./visitor.ts";

const callback = "http://127.0.0.1:8787/oauth2callback";

/** Ada chooses her account and agrees; answers with where the browser was sent. */
async function agree(url: string): Promise<URL> {
  const visitor = new Visitor();
  await visitor.open(url);
  await visitor.submit("/signin/account", { email: "ada@example.com" });
  await visitor.submit("/signin/consent", { decision: "allow" });
  return new URL(visitor.location ?? "");
}

const outcomes = (standin: Standin): Record<string, number> => ({ ...standin.log().counts });

describe("google-auth-library and @googleapis/drive", () => {
  const libraryClient = ({ url, clientId, clientSecret }: Standin): OAuth2Client =>
    new OAuth2Client({
      clientId,
      clientSecret,
      redirectUri: callback,
      forceRefreshOnFailure: true,
      endpoints: {
        oauth2AuthBaseUrl: `${url}/o/oauth2/v2/auth`,
        oauth2TokenUrl: `${url}/token`,
        oauth2RevokeUrl: `${url}/revoke`,
        tokenInfoUrl: `${url}/tokeninfo`,
        oauth2FederatedSignonPemCertsUrl: `${url}/oauth2/v1/certs`,
        oauth2FederatedSignonJwkCertsUrl: `${url}/oauth2/v3/certs`,
      },
    });

  test("google-auth-library and @googleapis/drive sign in, verify, keep a file, refresh, and revoke", async () => {
    await using standin = await testStandin();
    const auth = libraryClient(standin);
    const request = auth.generateAuthUrl({
      access_type: "offline",
      scope: ["openid", "email", "profile", appData],
      state: "s-1",
      include_granted_scopes: true,
    });
    const answer = (await agree(request)).searchParams;
    assert.equal(answer.get("state"), "s-1");
    const { tokens } = await auth.getToken(answer.get("code") ?? "");
    assert.equal(typeof tokens.refresh_token, "string");
    auth.setCredentials(tokens);

    const ticket = await auth.verifyIdToken({ idToken: tokens.id_token ?? "", audience: standin.clientId });
    assert.deepEqual(
      [ticket.getPayload()?.email, ticket.getPayload()?.email_verified, ticket.getPayload()?.name],
      ["ada@example.com", true, "Ada Lovelace"],
    );
    const info = await auth.getTokenInfo(tokens.access_token ?? "");
    assert.deepEqual(
      [info.aud, info.email, info.scopes.includes(appData)],
      [standin.clientId, "ada@example.com", true],
    );

    const drive = driveClient({ version: "v3", auth, rootUrl: `${standin.url}/` });
    // Uploads go to Google whatever the constructor was told, so the base is named per call.
    const made = await drive.files.create(
      {
        requestBody: { name: "a.json", parents: ["appDataFolder"] },
        media: { mimeType: "application/json", body: '{"a":1}' },
      },
      { rootUrl: `${standin.url}/` },
    );
    const fileId = made.data.id ?? "";
    assert.deepEqual(
      [made.data.kind, made.data.name, made.data.mimeType],
      ["drive#file", "a.json", "application/json"],
    );
    const listed = await drive.files.list({ spaces: "appDataFolder", fields: "nextPageToken, files(id, name)" });
    assert.deepEqual(listed.data, { files: [{ id: fileId, name: "a.json" }] });

    standin.advance(3_700_000);
    const read = await drive.files.get({ fileId, alt: "media" });
    assert.deepEqual(read.data, { a: 1 });
    assert.equal(outcomes(standin)["refreshed"], 1, "the expired bearer got 401, one refresh, one repeat");
    const folder = await drive.files.get({ fileId: "appfolder" });
    assert.equal(folder.data.mimeType, "application/vnd.google-apps.folder");
    assert.equal((await drive.files.delete({ fileId })).status, 204);
    await assert.rejects(drive.files.get({ fileId }), (error: { status?: number }) => error.status === 404);

    const { refresh_token: refreshToken } = auth.credentials;
    await auth.revokeCredentials();
    const other = libraryClient(standin);
    other.setCredentials({ refresh_token: refreshToken ?? "" });
    await assert.rejects(other.getAccessToken(), /invalid_grant/);
  });

  test("google-auth-library loses an empty redirect_uri, and exchanges a phone's code without one or with the client's own", async () => {
    await using standin = await testStandin();
    const auth = libraryClient(standin);
    const code = standin.code({ email: "ada@example.com" });
    await assert.rejects(auth.getToken({ code, redirect_uri: "postmessage" }), /redirect_uri_mismatch/);
    const phone = new OAuth2Client({
      clientId: standin.clientId,
      clientSecret: standin.clientSecret,
      endpoints: { oauth2TokenUrl: `${standin.url}/token` },
    });
    assert.ok((await phone.getToken({ code, redirect_uri: "" })).tokens.refresh_token);
    assert.equal(standin.log().entries.at(-1)?.parameters["redirect_uri"], undefined);
    const own = standin.code({ email: "carl@example.com" });
    assert.ok((await auth.getToken({ code: own, redirect_uri: "http://localhost/cb" })).tokens.refresh_token);
    const foreign = standin.code({ email: "carl@example.com" });
    await assert.rejects(auth.getToken({ code: foreign, redirect_uri: "https://other.example/cb" }), /mismatch/);
  });
});

describe("openid-client", () => {
  test("openid-client discovers, signs in with PKCE and nonce, checks signatures, refreshes, reads userinfo, and revokes", async () => {
    await using standin = await testStandin({ issuer: "self" });
    const config = await openid.discovery(new URL(standin.url), standin.clientId, standin.clientSecret, undefined, {
      execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
    });
    const verifier = openid.randomPKCECodeVerifier();
    const [state, nonce] = [openid.randomState(), openid.randomNonce()];
    const request = openid.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: `openid email profile ${appData}`,
      access_type: "offline",
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
    const tokens = await openid.authorizationCodeGrant(config, await agree(request.href), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    assert.deepEqual([claims?.iss, claims?.["email"]], [standin.url, "ada@example.com"]);

    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
    assert.notEqual(refreshed.access_token, tokens.access_token);
    const userinfo = await openid.fetchUserInfo(config, refreshed.access_token, claims?.sub ?? "");
    assert.equal(userinfo.email, "ada@example.com");
    const folder = await openid.fetchProtectedResource(
      config,
      refreshed.access_token,
      new URL(`${standin.url}/drive/v3/files/appfolder`),
      "GET",
    );
    assert.equal(folder.status, 200);

    await openid.tokenRevocation(config, tokens.refresh_token ?? "");
    await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token ?? ""), { error: "invalid_grant" });
    await assert.rejects(openid.fetchUserInfo(config, refreshed.access_token, claims?.sub ?? ""));
  });

  test("openid-client takes the stand-in for Google itself where it is told Google's issuer", async () => {
    await using standin = await testStandin();
    const { url } = standin;
    const metadata = (await (await fetch(`${url}/.well-known/openid-configuration`)).json()) as openid.ServerMetadata;
    const config = new openid.Configuration(metadata, standin.clientId, standin.clientSecret);
    openid.allowInsecureRequests(config);
    const request = openid.buildAuthorizationUrl(config, { redirect_uri: callback, scope: "openid", state: "s" });
    const tokens = await openid.authorizationCodeGrant(config, await agree(request.href), { expectedState: "s" });
    assert.equal(tokens.claims()?.iss, "https://accounts.google.com");
  });
});
