import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { exportJWK, SignJWT } from "jose";
import type { OAuth2Standin } from "../../../src/standin/index.ts";
import { post } from "../talk.ts";
import { Visitor } from "../visitor.ts";
import { callback, challengeOf, provider, verifier } from "./talk.ts";

interface Page {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An app's own web server: what stands at each path may change, and each request is noted. */
async function site(t: TestContext): Promise<{ url: string; pages: Map<string, Page>; seen: string[] }> {
  const pages = new Map<string, Page>();
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    const { status = 200, headers = {}, body } = pages.get(request.url ?? "") ?? { status: 404, body: "{}" };
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, pages, seen };
}

const document = (id: string, more: object = {}): Page => ({
  body: JSON.stringify({
    client_id: id,
    client_name: "Notes",
    redirect_uris: [callback],
    grant_types: ["authorization_code", "refresh_token"],
    ...more,
  }),
});

const open = (): Promise<OAuth2Standin> => provider({ metadataDocuments: true });

async function authorize(standin: OAuth2Standin, clientId: string, redirectUri = callback): Promise<Visitor> {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "read",
    login_hint: "ada@example.com",
    code_challenge: challengeOf(verifier),
    code_challenge_method: "S256",
  });
  const visitor = new Visitor();
  await visitor.open(`${standin.url}/authorize?${query.toString()}`);
  return visitor;
}

describe("a client id that is the URL of the client's metadata", () => {
  test("a client with a metadata document signs people in, under its host's name, and refreshes", async (t) => {
    await using standin = await open();
    const { url, pages, seen } = await site(t);
    const id = `${url}/client.json`;
    pages.set("/client.json", document(id));
    const visitor = await authorize(standin, id);
    assert.match(visitor.page, new RegExp(`Notes \\(${new URL(url).host}\\)`));
    await visitor.submit("/signin/consent", { decision: "allow" });
    const code = new URL(visitor.location ?? "").searchParams.get("code") ?? "";
    const form = { client_id: id, grant_type: "authorization_code", code, redirect_uri: callback };
    const { body } = await post(standin, "/token", { ...form, code_verifier: verifier });
    const again = { client_id: id, grant_type: "refresh_token", refresh_token: String(body["refresh_token"]) };
    const refreshed = await post(standin, "/token", again);
    assert.equal(refreshed.status, 200);
    assert.equal(seen.length, 1, "the document is fetched once, and not for each step");
    standin.advance(301_000);
    const { refresh_token: next } = refreshed.body;
    assert.equal((await post(standin, "/token", { ...again, refresh_token: String(next) })).status, 200);
    assert.equal(seen.length, 2);
  });

  test("a client with a metadata document proves itself with a key from its jwks_uri", async (t) => {
    await using standin = await open();
    const { url, pages } = await site(t);
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const id = `${url}/client.json`;
    const jwksUri = `${url}/jwks.json`;
    pages.set("/client.json", document(id, { token_endpoint_auth_method: "private_key_jwt", jwks_uri: jwksUri }));
    pages.set("/jwks.json", { body: JSON.stringify({ keys: [await exportJWK(publicKey)] }) });
    const at = Math.floor(standin.now() / 1_000);
    const claims = { iss: id, sub: id, aud: standin.url, exp: at + 60, jti: "a" };
    const assertion = await new SignJWT(claims).setProtectedHeader({ alg: "EdDSA" }).sign(privateKey);
    const form = {
      grant_type: "refresh_token",
      refresh_token: "rt-x",
      client_assertion: assertion,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    };
    assert.equal((await post(standin, "/token", form)).body["error"], "invalid_grant");
    const bare = { grant_type: "refresh_token", refresh_token: "rt-x", client_id: id };
    assert.equal((await post(standin, "/token", bare)).body["error"], "invalid_client");
  });

  test("a metadata document that is wrong, large, elsewhere or not there gets a page that says so", async (t) => {
    await using standin = await open();
    const { url, pages } = await site(t);
    const id = `${url}/client.json`;
    const rows: readonly (readonly [Page, RegExp])[] = [
      [document(`${url}/other.json`), /not its own URL/],
      [document(`${id}/`), /not its own URL/],
      [{ body: "{}" }, /no client_id/],
      [{ body: "[]" }, /no client_id/],
      [{ body: "{" }, /cannot be fetched/],
      [{ ...document(id), status: 404 }, /answered with 404/],
      [{ ...document(id), headers: { "content-type": "text/html" } }, /not JSON/],
      [document(id, { client_uri: "x".repeat(20_000) }), /more than 16384 bytes/],
      [{ status: 302, headers: { location: `${url}/real.json` }, body: "" }, /cannot be fetched/],
      [document(id, { token_endpoint_auth_method: "client_secret_basic" }), /cannot have a secret/],
      [document(id, { redirect_uris: [] }), /redirect_uris/],
      [document(id, { jwks_uri: "file:///etc/passwd" }), /jwks_uri must be https/],
    ];
    pages.set("/real.json", document(id));
    for (const [page, says] of rows) {
      pages.set("/client.json", page);
      const visitor = await authorize(standin, id);
      assert.deepEqual([visitor.status, visitor.location], [400, undefined]);
      assert.match(visitor.page, says);
    }
    pages.set("/client.json", document(id));
    assert.equal((await authorize(standin, id)).status, 200, "what was wrong is not remembered");
    assert.equal((await authorize(standin, id, `${callback}/`)).status, 400, "redirect URIs are exact");
  });

  test("a client id that is no proper URL is never fetched, nor any where settings do not say so", async (t) => {
    await using standin = await open();
    const { url, pages, seen } = await site(t);
    pages.set("/client.json", document(`${url}/client.json`));
    const ids = [
      "http://app.example/client.json",
      `${url}/`,
      url,
      `${url}/client.json#a`,
      `${url.replace("http://", "http://user:pass@")}/client.json`,
      `${url}/a/../client.json`,
      `${url.toUpperCase().replace("HTTP", "http")}/%2e/client.json`,
      "file:///etc/passwd",
    ];
    for (const id of ids) {
      const { status, page } = await authorize(standin, id);
      assert.deepEqual([id, status], [id, 400]);
      assert.match(page, /A client_id that is a URL must|No client has this client_id/);
    }
    standin.settings({ metadataDocuments: false });
    assert.equal((await authorize(standin, `${url}/client.json`)).status, 400);
    assert.deepEqual(seen, []);
  });
});
