import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Standin } from "../../../../src/standin/index.ts";
import { hashOfCode, proofMaker } from "../../../support/dpop-proofs.ts";
import { testStandin } from "../../../support/test-standin.ts";
import { appData, json, stillClock } from "../../talk.ts";
import type { Answered } from "../../talk.ts";

const clock = stillClock();
const seconds = (): number => clock.now() / 1_000;
const [ours, other] = [proofMaker(), proofMaker()];

async function ask(standin: Standin, form: Record<string, string>, proof?: string): Promise<Answered> {
  const { clientId, clientSecret, url } = standin;
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form });
  const headers: Record<string, string> = proof === undefined ? {} : { dpop: proof };
  return json(await fetch(`${url}/token`, { method: "POST", body, headers }));
}

function refresh(standin: Standin, token: string, proof?: string): Promise<Answered> {
  return ask(standin, { grant_type: "refresh_token", refresh_token: token }, proof);
}

function exchange(standin: Standin, code: string, proof?: string): Promise<Answered> {
  return ask(standin, { grant_type: "authorization_code", code, redirect_uri: "" }, proof);
}

/** A refresh token that is bound to our key. */
async function bound(t: TestContext, settings: object = {}): Promise<{ standin: Standin; token: string }> {
  const standin = await testStandin({ clock, ...settings });
  t.after(() => standin.close());
  const code = standin.code({ email: "ada@example.com", scope: appData, force: true });
  const { body, status } = await exchange(standin, code, ours.proof(standin.url, seconds(), { jti: hashOfCode(code) }));
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body["token_type"], "Bearer");
  return { standin, token: String(body["refresh_token"]) };
}

describe("a refresh token that came with a DPoP proof", () => {
  test("a refresh token that came with a DPoP proof works with a proof of its key, and with no other", async (t) => {
    const { standin, token } = await bound(t);
    assert.equal((await refresh(standin, token, ours.proof(standin.url, seconds()))).status, 200);
    for (const proof of [undefined, other.proof(standin.url, seconds())]) {
      const { status, body } = await refresh(standin, token, proof);
      assert.deepEqual([status, body["error"]], [400, "invalid_dpop_proof"]);
    }
    assert.equal((await refresh(standin, token, ours.proof(standin.url, seconds()))).status, 200, "and lives on");
  });

  test("a refresh token that came without a proof works with one and without", async (t) => {
    const standin = await testStandin({ clock });
    t.after(() => standin.close());
    const code = standin.code({ email: "ada@example.com", scope: appData, force: true });
    const token = String((await exchange(standin, code)).body["refresh_token"]);
    assert.equal((await refresh(standin, token, ours.proof(standin.url, seconds()))).status, 200);
    assert.equal((await refresh(standin, token, other.proof(standin.url, seconds()))).status, 200);
    assert.equal((await refresh(standin, token)).status, 200);
  });

  const wrong: readonly (readonly [what: string, claims: object, header?: object])[] = [
    ["another method", { htm: "GET" }],
    ["no method", { htm: undefined }],
    ["another address", { htu: "https://oauth2.googleapis.com/token" }],
    ["an address with a query", { htu: "http://127.0.0.1/token?x" }],
    ["an old time", { iat: seconds() - 61 }],
    ["a time in the future", { iat: seconds() + 61 }],
    ["a time in digits", { iat: String(seconds()) }],
    ["no time", { iat: undefined }],
    ["no jti", { jti: undefined }],
    ["an empty jti", { jti: "" }],
    ["another type", {}, { typ: "JWT" }],
    ["no type", {}, { typ: undefined }],
    ["another algorithm", {}, { alg: "RS256" }],
    ["no algorithm", {}, { alg: "none" }],
    ["no key", {}, { jwk: undefined }],
    ["a private key", {}, { jwk: { kty: "EC", crv: "P-256", x: "AA", y: "AA", d: "AA" } }],
    ["a key that is none", {}, { jwk: { kty: "EC", crv: "P-256", x: "AA", y: "AA" } }],
  ];
  for (const [what, claims, header] of wrong) {
    test(`a refresh token that came with a DPoP proof is refused with one that has ${what}`, async (t) => {
      const { standin, token } = await bound(t);
      const { status, body } = await refresh(standin, token, ours.proof(standin.url, seconds(), claims, header));
      assert.deepEqual([status, body["error"]], [400, "invalid_dpop_proof"]);
    });
  }

  test("a refresh token that came with a DPoP proof is refused with a proof that was used, changed, doubled or cut", async (t) => {
    const { standin, token } = await bound(t);
    const proof = ours.proof(standin.url, seconds());
    assert.equal((await refresh(standin, token, proof)).status, 200);
    const fresh = ours.proof(standin.url, seconds());
    const strange = other.proof(standin.url, seconds());
    const mixed = [...fresh.split(".").slice(0, 2), strange.split(".")[2]].join(".");
    for (const bad of [proof, mixed, `${fresh}, ${fresh}`, fresh.slice(0, -4), "", "a.b.c"]) {
      const { status, body } = await refresh(standin, token, bad);
      assert.deepEqual([status, body["error"]], [400, "invalid_dpop_proof"], bad);
    }
  });

  test("a code is refused with a proof whose jti is not the code's hash, and is not used up by it", async (t) => {
    const { standin } = await bound(t);
    const code = standin.code({ email: "carl@example.com", scope: appData });
    const wrongOne = await exchange(standin, code, ours.proof(standin.url, seconds()));
    assert.equal(wrongOne.body["error"], "invalid_dpop_proof");
    assert.equal((await exchange(standin, code)).status, 200);
  });

  test("where a nonce is asked for, a proof works with the newest one, and the answer names it", async (t) => {
    const { standin, token } = await bound(t);
    standin.settings({ dpopNonceSeconds: 60 });
    const first = await refresh(standin, token, ours.proof(standin.url, seconds()));
    assert.deepEqual([first.status, first.body["error"]], [400, "use_dpop_nonce"]);
    const nonce = first.headers.get("dpop-nonce");
    const second = await refresh(standin, token, ours.proof(standin.url, seconds(), { nonce }));
    assert.equal(second.status, 200);
    assert.equal(second.headers.get("dpop-nonce"), nonce);
    clock.advance(60_000);
    const third = await refresh(standin, token, ours.proof(standin.url, seconds(), { nonce }));
    assert.equal(third.body["error"], "use_dpop_nonce");
    assert.notEqual(third.headers.get("dpop-nonce"), nonce);
  });
});
