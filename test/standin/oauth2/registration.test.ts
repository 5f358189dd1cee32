import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { exportJWK } from "jose";
import type { OAuth2Standin } from "../../../src/standin/index.ts";
import { json, post } from "../talk.ts";
import type { Answered } from "../talk.ts";
import { provider } from "./talk.ts";

const uris = { redirect_uris: ["https://app.example/cb"] };

async function register(standin: OAuth2Standin, metadata: unknown): Promise<Answered> {
  const headers = { "content-type": "application/json" };
  return json(await fetch(`${standin.url}/register`, { method: "POST", headers, body: JSON.stringify(metadata) }));
}

const open = (): Promise<OAuth2Standin> => provider({ registration: true });

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const jwks = { keys: [await exportJWK(publicKey)] };
const privateJwks = { keys: [await exportJWK(privateKey)] };

describe("dynamic registration (RFC 7591)", () => {
  test("a client that says little is registered for Basic and for codes alone", async () => {
    await using standin = await open();
    const { status, body, headers } = await register(standin, { ...uris, client_name: "Notes", unknown: true });
    const { client_id: id, client_secret: secret, ...rest } = body;
    assert.equal(status, 201);
    assert.match(headers.get("cache-control") ?? "", /no-store/);
    assert.match(`${String(id)} ${String(secret)}`, /^client-\S+ cs-\S+$/);
    assert.deepEqual(rest, {
      client_id_issued_at: standin.now() / 1_000,
      client_secret_expires_at: 0,
      client_name: "Notes",
      ...uris,
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code"],
      response_types: ["code"],
      application_type: "web",
    });
  });

  test("a client that did not register for refresh_token gets none, and may not use one", async () => {
    await using standin = await open();
    for (const grantTypes of [["authorization_code"], ["authorization_code", "refresh_token"]]) {
      const metadata = { ...uris, grant_types: grantTypes, token_endpoint_auth_method: "none" };
      const { body: client } = await register(standin, metadata);
      const id = String(client["client_id"]);
      const code = standin.code({ email: "ada@example.com", clientId: id });
      const { body } = await post(standin, "/token", { client_id: id, grant_type: "authorization_code", code });
      const mayRefresh = grantTypes.length === 2;
      assert.equal("refresh_token" in body, mayRefresh);
      const form = { client_id: id, grant_type: "refresh_token", refresh_token: String(body["refresh_token"]) };
      const refreshed = await post(standin, "/token", form);
      assert.deepEqual(
        [refreshed.status, refreshed.body["error"]],
        mayRefresh ? [200, undefined] : [400, "unauthorized_client"],
      );
    }
  });

  test("the secret of a client that registered itself ends where settings say so", async () => {
    await using standin = await provider({ registration: true, registrationTtlSeconds: 100 });
    const { body } = await register(standin, { ...uris, token_endpoint_auth_method: "client_secret_post" });
    assert.equal(body["client_secret_expires_at"], standin.now() / 1_000 + 100);
    const form = {
      client_id: String(body["client_id"]),
      client_secret: String(body["client_secret"]),
      grant_type: "x",
    };
    assert.equal((await post(standin, "/token", form)).body["error"], "unsupported_grant_type");
    standin.advance(100_000);
    assert.equal((await post(standin, "/token", form)).body["error"], "invalid_client");
  });

  test("a client that the provider has forgotten is answered as one that never was", async () => {
    await using standin = await open();
    const { body } = await register(standin, { ...uris, token_endpoint_auth_method: "none" });
    const clientId = String(body["client_id"]);
    standin.client({ clientId, state: "deleted" });
    const answer = await post(standin, "/token", { client_id: clientId, grant_type: "refresh_token" });
    assert.deepEqual([answer.status, answer.body["error"]], [401, "invalid_client"]);
    const page = await fetch(`${standin.url}/authorize?client_id=${clientId}`, { redirect: "manual" });
    assert.equal(page.status, 400);
  });

  test("metadata that is wrong is refused with the error of RFC 7591", async () => {
    await using standin = await open();
    const rows: readonly (readonly [unknown, string])[] = [
      [[], "invalid_client_metadata"],
      ["text", "invalid_client_metadata"],
      [{}, "invalid_redirect_uri"],
      [{ redirect_uris: [] }, "invalid_redirect_uri"],
      [{ redirect_uris: "https://app.example/cb" }, "invalid_redirect_uri"],
      [{ redirect_uris: ["/cb"] }, "invalid_redirect_uri"],
      [{ redirect_uris: ["https://app.example/cb#a"] }, "invalid_redirect_uri"],
      [{ redirect_uris: ["http://app.example/cb"] }, "invalid_redirect_uri"],
      [{ redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri"],
      [{ redirect_uris: ["data:text/html,x"] }, "invalid_redirect_uri"],
      [{ ...uris, token_endpoint_auth_method: "client_secret_jwt" }, "invalid_client_metadata"],
      [{ ...uris, token_endpoint_auth_method: "private_key_jwt" }, "invalid_client_metadata"],
      [{ ...uris, token_endpoint_auth_method: "private_key_jwt", jwks: privateJwks }, "invalid_client_metadata"],
      [{ ...uris, jwks, jwks_uri: "https://app.example/jwks" }, "invalid_client_metadata"],
      [{ ...uris, jwks_uri: "https://app.example/jwks" }, "invalid_client_metadata"],
      [{ ...uris, jwks_uri: "http://app.example/jwks" }, "invalid_client_metadata"],
      [{ ...uris, grant_types: ["password"] }, "invalid_client_metadata"],
      [{ ...uris, grant_types: ["refresh_token"] }, "invalid_client_metadata"],
      [{ ...uris, response_types: ["token"] }, "invalid_client_metadata"],
      [{ ...uris, client_name: 1 }, "invalid_client_metadata"],
      [{ ...uris, application_type: "game" }, "invalid_client_metadata"],
      [{ ...uris, software_statement: "x" }, "invalid_client_metadata"],
    ];
    for (const [metadata, error] of rows) {
      const { status, body } = await register(standin, metadata);
      assert.deepEqual([metadata, status, body["error"]], [metadata, 400, error]);
    }
    const good = { ...uris, token_endpoint_auth_method: "private_key_jwt", jwks };
    assert.deepEqual((await register(standin, good)).body["jwks"], jwks);
    assert.equal((await register(standin, { redirect_uris: ["com.example.app:/cb", "http://[::1]/cb"] })).status, 201);
    const form = await post(standin, "/register", { redirect_uris: "https://app.example/cb" });
    assert.deepEqual([form.status, form.body["error"]], [400, "invalid_client_metadata"]);
  });

  test("clients may register themselves only where settings say so", async () => {
    await using standin = await provider();
    const { status, body } = await register(standin, uris);
    assert.deepEqual([status, body["error"]], [403, "access_denied"]);
  });
});
