import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OAuth2Standin } from "../../../src/standin/index.ts";
import { json, post } from "../talk.ts";
import type { Answered } from "../talk.ts";
import { asClient, granted, lastOutcome, provider, refresh, user } from "./talk.ts";

/** `POST /revoke` answers without a body. */
async function revoke(standin: OAuth2Standin, form: Readonly<Record<string, string>>): Promise<number> {
  const { clientId, clientSecret } = standin;
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form });
  return (await fetch(`${standin.url}/revoke`, { method: "POST", body })).status;
}

const introspect = (standin: OAuth2Standin, token: unknown): Promise<Answered> =>
  asClient(standin, "/introspect", { token: String(token) });

describe("revocation of the kind oauth2", () => {
  test("a revoked refresh token ends its family with its access tokens, whatever the hint says", async () => {
    await using standin = await provider();
    const first = await granted(standin);
    const sibling = await granted(standin);
    const { body: second } = await refresh(standin, first["refresh_token"]);
    const token = String(second["refresh_token"]);
    assert.equal(await revoke(standin, { token, token_type_hint: "access_token" }), 200);
    for (const bearer of [first, second]) assert.equal((await user(standin, bearer["access_token"])).status, 401);
    assert.equal((await refresh(standin, token)).body["error"], "invalid_grant");
    assert.equal((await user(standin, sibling["access_token"])).status, 200);
  });

  test("a revoked access token ends alone, and everything of the account where settings say so", async () => {
    await using standin = await provider();
    const first = await granted(standin);
    assert.equal(await revoke(standin, { token: String(first["access_token"]) }), 200);
    assert.equal((await user(standin, first["access_token"])).status, 401);
    const { status, body } = await refresh(standin, first["refresh_token"]);
    assert.equal(status, 200);
    const sibling = await granted(standin);
    standin.settings({ revocationEnds: "account" });
    assert.equal(await revoke(standin, { token: String(body["access_token"]) }), 200);
    assert.equal((await user(standin, sibling["access_token"])).status, 401);
    assert.equal((await refresh(standin, sibling["refresh_token"])).body["error"], "invalid_grant");
  });

  test("a token that is unknown or replaced is answered as revoked, and one of another client is refused", async () => {
    await using standin = await provider();
    const first = await granted(standin);
    const { body: second } = await refresh(standin, first["refresh_token"]);
    for (const token of ["rt-x", String(first["refresh_token"])]) assert.equal(await revoke(standin, { token }), 200);
    assert.equal(lastOutcome(standin), "revoked_nothing");
    const basic = standin.client({ redirectUris: [] });
    const foreign = { client_id: basic.clientId, client_secret: basic.clientSecret ?? "" };
    const refused = await post(standin, "/revoke", { ...foreign, token: String(second["refresh_token"]) });
    assert.deepEqual([refused.status, refused.body["error"]], [400, "unauthorized_client"]);
    assert.equal((await refresh(standin, second["refresh_token"])).status, 200);
    assert.equal(await revoke(standin, { token: "x", client_secret: "wrong" }), 401);
    assert.equal(await revoke(standin, {}), 400);
  });

  test("POST /standin/revoke ends all that a person allowed, as the account page does", async () => {
    await using standin = await provider();
    const first = await granted(standin);
    standin.revoke("ada@example.com");
    assert.equal((await user(standin, first["access_token"])).status, 401);
    assert.equal((await refresh(standin, first["refresh_token"])).body["error"], "invalid_grant");
  });
});

describe("introspection of the kind oauth2", () => {
  test("introspection tells a confidential client about good tokens, and of others only that they are not", async () => {
    await using standin = await provider();
    const first = await granted(standin);
    const now = standin.now() / 1_000;
    assert.deepEqual((await introspect(standin, first["access_token"])).body, {
      active: true,
      scope: "profile read",
      client_id: standin.clientId,
      username: "ada",
      sub: "583231",
      iss: standin.url,
      token_type: "Bearer",
      iat: now,
      exp: now + 3_600,
    });
    assert.equal((await introspect(standin, first["refresh_token"])).body["active"], true);
    await refresh(standin, first["refresh_token"]);
    assert.deepEqual((await introspect(standin, first["refresh_token"])).body, { active: false });
    standin.advance(3_600_000);
    assert.deepEqual((await introspect(standin, first["access_token"])).body, { active: false });
    const open = await post(standin, "/introspect", { client_id: "standin-native", token: "at-x" });
    assert.deepEqual([open.status, open.body["error"]], [401, "invalid_client"]);
  });
});

describe("GET /user of the kind oauth2", () => {
  test("GET /user challenges whoever has no token or a bad one", async () => {
    await using standin = await provider();
    const bare = await json(await fetch(`${standin.url}/user`));
    assert.deepEqual([bare.status, bare.headers.get("www-authenticate")], [401, "Bearer"]);
    const bad = await user(standin, "at-x");
    assert.deepEqual([bad.status, bad.headers.get("www-authenticate")], [401, 'Bearer error="invalid_token"']);
  });

  test("everybody has an account number of their own, the same in every stand-in", async () => {
    await using one = await provider();
    await using other = await provider();
    const numbers = new Set<number>();
    for (let count = 0; count < 2_000; count += 1) numbers.add(one.person({ email: `p${String(count)}@a.example` }).id);
    assert.equal(numbers.size, 2_000);
    assert.ok([...numbers].every(Number.isSafeInteger));
    const email = "grace@navy.example";
    assert.deepEqual(one.person({ email }), other.person({ email, name: "Grace" }));
    assert.equal(one.person({ email }).login, "grace-navy-example");
  });
});
