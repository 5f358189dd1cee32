import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { service } from "../../../src/service/index.ts";
import { assertProblem } from "../../support/problem.ts";
import { testVault, usualScope } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

type Handler = (request: Request) => Promise<Response>;
type Fields = Readonly<Record<string, string>>;

const page = "http://localhost:3000/callback";
const verifier = "v".repeat(43);
const key = "8e03978e-40d5-43e6-bc93-6894a57f9324";

function post(handle: Handler, fields: Fields, headers: Fields = {}): Promise<Response> {
  const body = new URLSearchParams(fields);
  const posted = { "x-requested-with": "XMLHttpRequest", ...headers };
  return handle(new Request("https://vault.example.com/authcode", { method: "POST", body, headers: posted }));
}

async function signedIn(response: Promise<Response>): Promise<Record<string, unknown>> {
  const { status, body } = { status: (await response).status, body: await (await response).text() };
  assert.equal(status, 200, body);
  return JSON.parse(body) as Record<string, unknown>;
}

/** A service, and the same in another process over the same store. */
async function two(fixture: TestVault): Promise<readonly [Handler, Handler]> {
  const [here, elsewhere] = [await fixture.open(), await fixture.open()];
  return [
    service(here, { publicUrl: "https://app.example" }),
    service(elsewhere, { publicUrl: "https://app.example" }),
  ];
}

function without(body: Record<string, unknown>): Record<string, unknown> {
  const { sign_in_assertion: _one, sign_in_assertion_reason: _why, ...rest } = body;
  return rest;
}

/** What each kind of client sends besides the code, by which it is known again. */
const proofs: Readonly<Record<string, { readonly code: object; readonly fields: Fields; readonly headers?: Fields }>> =
  {
    "an Idempotency-Key": { code: { kind: "native" }, fields: {}, headers: { "idempotency-key": key } },
    "an Idempotency-Key in quotes, as the draft has it": {
      code: { kind: "popup" },
      fields: { source: "web-popup" },
      headers: { "idempotency-key": `"${key}"` },
    },
    "PKCE's verifier": {
      code: {
        kind: "redirect",
        redirectUri: page,
        codeChallenge: createHash("sha256").update(verifier).digest("base64url"),
        codeChallengeMethod: "S256",
      },
      fields: { redirect_uri: page, code_verifier: verifier },
    },
    "a nonce": {
      code: { kind: "redirect", redirectUri: page, nonce: "n-1" },
      fields: { redirect_uri: page, nonce: "n-1" },
    },
  };

describe("a code that comes again", () => {
  for (const [source, more] of [
    ["android", { kind: "native" }],
    ["ios", { kind: "native" }],
    ["web-popup", { kind: "popup" }],
  ] as const) {
    test(`a code that comes again with nothing but the code brings no second assertion, and all the rest: ${source}`, async (t) => {
      const fixture = await testVault(t);
      const [here, elsewhere] = await two(fixture);
      const authCode = fixture.standin.code({ ...more, email: "ada@example.com", scope: usualScope });
      const first = await signedIn(post(here, { authCode, source }));
      assert.match(String(first["sign_in_assertion"]), /^ey/);
      assert.ok(!("sign_in_assertion_reason" in first));
      for (const handle of [here, elsewhere, here]) {
        const again = await signedIn(post(handle, { authCode, source }));
        assert.ok(!("sign_in_assertion" in again));
        assert.match(String(again["sign_in_assertion_reason"]), /given to an earlier request.*Idempotency-Key/);
        assert.deepEqual(without(again), without(first));
      }
    });
  }

  for (const [what, { code, fields, headers }] of Object.entries(proofs)) {
    test(`a code that comes again with ${what} brings the same assertion, byte for byte, from any process, and for nobody else`, async (t) => {
      const fixture = await testVault(t);
      const [here, elsewhere] = await two(fixture);
      const authCode = fixture.standin.code({ kind: "native", ...code, email: "ada@example.com", scope: usualScope });
      const first = await signedIn(post(here, { authCode, ...fields }, headers));
      fixture.clock.advance(30_000);
      for (const handle of [here, elsewhere]) {
        assert.deepEqual(await signedIn(post(handle, { authCode, ...fields }, headers)), first);
      }
      const { code_verifier: _verifier, nonce: _nonce, ...rest } = fields;
      const thief = { authCode, ...rest };
      for (const handle of [here, elsewhere]) {
        await assertProblem(await post(handle, thief), "code_rejected");
        await assertProblem(await post(handle, thief, { "idempotency-key": "x".repeat(36) }), "code_rejected");
      }
      // What was kept for the sender has not changed by that.
      assert.deepEqual(await signedIn(post(elsewhere, { authCode, ...fields }, headers)), first);
    });
  }

  for (const [what, headers, expected] of [
    ["with nothing but the code, one request gets an assertion", {}, 1],
    ["with an Idempotency-Key, all get the same one", { "idempotency-key": key }, 40],
  ] as const) {
    test(`a code that comes again forty times at once: ${what}`, async (t) => {
      const fixture = await testVault(t);
      const handles = await two(fixture);
      const authCode = fixture.code("ada@example.com");
      const bodies = await Promise.all(
        Array.from({ length: 40 }, async (_, n) => signedIn(post(handles[n % 2] ?? handles[0], { authCode }, headers))),
      );
      const given = bodies.flatMap((body) => body["sign_in_assertion"] ?? []);
      assert.equal(given.length, expected);
      assert.equal(new Set(given).size, 1);
      assert.equal(new Set(bodies.map((body) => body["grant_id"])).size, 1);
    });
  }

  test("a code that comes again without a key, where the first request had one, is refused: it is a thief's", async (t) => {
    const fixture = await testVault(t);
    const [here] = await two(fixture);
    const authCode = fixture.code("ada@example.com");
    await signedIn(post(here, { authCode }));
    await assertProblem(await post(here, { authCode }, { "idempotency-key": key }), "code_rejected");
  });

  test("a key that could be guessed, or is none, is refused before the code is used", async (t) => {
    const fixture = await testVault(t);
    const [here] = await two(fixture);
    const authCode = fixture.code("ada@example.com");
    for (const odd of ["", "1", "k".repeat(15), "k".repeat(256), `${"k".repeat(20)} k`, "ü".repeat(20)]) {
      const problem = await assertProblem(
        await post(here, { authCode }, { "idempotency-key": odd }),
        "invalid_request",
      );
      assert.equal(problem["parameter"], "Idempotency-Key");
    }
    assert.equal(fixture.newRequests("/token").length, 0);
    await signedIn(post(here, { authCode }, { "idempotency-key": "k".repeat(16) }));
  });

  test("a page of an allowed origin may send the key", async (t) => {
    const vault = await (await testVault(t)).open();
    const handle = vault.authCodeHandler({ allowedOrigins: ["https://app.example"] });
    const headers = { origin: "https://app.example", "access-control-request-method": "POST" };
    const answer = await handle(new Request("https://vault.example.com/authcode", { method: "OPTIONS", headers }));
    assert.match(answer.headers.get("access-control-allow-headers") ?? "", /(?:^|, )idempotency-key(?:,|$)/);
  });
});
