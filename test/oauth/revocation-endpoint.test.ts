import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestRevocation } from "../../src/oauth/revocation-endpoint.ts";
import type { RevocationResponse } from "../../src/oauth/revocation-endpoint.ts";
import { google } from "../../src/providers/google.ts";
import type { Client } from "../../src/providers/provider.ts";
import { Secret } from "../../src/core/secret.ts";
import { deadPort, membersOf, recorder, wireWith } from "./servers.ts";
import type { Reply } from "./servers.ts";

const token = new Secret("1//r +&=ü");
const client: Client = { clientId: "c-1", clientSecret: new Secret("s-1") };

function revoke(baseUrl: string, basic = false): Promise<RevocationResponse> {
  const provider = google({ clientId: "unused", baseUrl });
  assert.ok(provider.endpoints !== "discover");
  return requestRevocation(
    {
      provider: basic ? { ...provider, clientAuthentication: "client_secret_basic" } : provider,
      client,
      endpoints: provider.endpoints,
      http: wireWith(),
      now: Date.UTC(2026, 10, 22),
    },
    token,
  );
}

describe("a revocation, on the wire", () => {
  test("a revocation request is a POST of the token and the client, in the body and never in the address", async (t) => {
    const { url, requests } = await recorder(t, () => ({}));
    assert.deepEqual(await revoke(url), { kind: "done" });
    const [request] = requests;
    assert.deepEqual([requests.length, request?.method, request?.path], [1, "POST", "/revoke"]);
    assert.deepEqual(membersOf(request?.body), [
      ["client_id", "c-1"],
      ["client_secret", "s-1"],
      ["token", "1//r +&=ü"],
    ]);
  });

  test("a revocation request authenticates as the provider wants it", async (t) => {
    const { url, requests } = await recorder(t, () => ({}));
    await revoke(url, true);
    assert.equal(requests[0]?.headers.authorization, `Basic ${btoa("c-1:s-1")}`);
    assert.deepEqual(membersOf(requests[0]?.body), [["token", "1//r +&=ü"]]);
  });

  test("a revocation request follows no redirect", async (t) => {
    const elsewhere = await recorder(t, () => ({}));
    const { url } = await recorder(t, () => ({ status: 307, headers: { location: elsewhere.url } }));
    assert.deepEqual(await revoke(url), { kind: "failed", error: "http_307" });
    assert.equal(elsewhere.requests.length, 0);
  });
});

describe("a revocation's end", () => {
  const page = "<html>";
  const ends: readonly (readonly [string, Reply, RevocationResponse])[] = [
    ["Google's success", { status: 200, body: {} }, { kind: "done" }],
    ["success without a body", { status: 200, body: "" }, { kind: "done" }],
    ["success that has nothing to say", { status: 204, body: "" }, { kind: "done" }],
    ["a token that was dead already", { status: 400, body: { error: "invalid_token" } }, { kind: "done" }],
    ["the same, as a success", { status: 200, body: { error: "invalid_token" } }, { kind: "done" }],
    ["the same, in capitals", { status: 400, body: { error: "INVALID_TOKEN" } }, { kind: "done" }],
    [
      "a failure as a success, with an object for an error",
      { body: { error: { code: 5, message: "not revoked" } } },
      { kind: "refused", error: "http_200" },
    ],
    ["a failure as a success, without a word", { body: { ok: false } }, { kind: "refused", error: "http_200" }],
    ["a success that says so", { body: { ok: true, success: true, error: null } }, { kind: "done" }],
    [
      "a token that cannot be revoked there",
      { status: 400, body: { error: "unsupported_token_type" } },
      { kind: "unsupported" },
    ],
    [
      "our client refused",
      { status: 401, body: { error: "invalid_client" } },
      { kind: "failed", error: "invalid_client" },
    ],
    [
      "our client refused, as a success",
      { body: { error: "invalid_client" } },
      { kind: "failed", error: "invalid_client" },
    ],
    [
      "an error with odd letters",
      { status: 400, body: { error: "<b>" } },
      { kind: "refused", error: "unreadable_error" },
    ],
    ["a refusal without a reason", { status: 400, body: {} }, { kind: "refused", error: "http_400" }],
    [
      "a refusal in other words",
      { body: { ok: false, error: "not_authed" } },
      { kind: "refused", error: "not_authed" },
    ],
    [
      "a dead token, in another word",
      { status: 400, body: { error: "invalid_grant" } },
      { kind: "refused", error: "invalid_grant" },
    ],
    [
      "a request it does not like",
      { status: 400, body: { error: "invalid_request" } },
      { kind: "refused", error: "invalid_request" },
    ],
    [
      "a request it may like later",
      { status: 400, body: { error: "temporarily_unavailable" } },
      { kind: "failed", error: "temporarily_unavailable" },
    ],
    ["no such method", { status: 405, body: "" }, { kind: "refused", error: "http_405" }],
    ["forbidden, by the provider", { status: 403, body: {} }, { kind: "refused", error: "http_403" }],
    ["forbidden, by a firewall's page", { status: 403, body: page }, { kind: "failed", error: "http_403" }],
    ["our client refused, without a word", { status: 401, body: "" }, { kind: "failed", error: "http_401" }],
    [
      "our client may not revoke",
      { status: 403, body: { error: "unauthorized_client" } },
      { kind: "failed", error: "unauthorized_client" },
    ],
    ["too slow a request", { status: 408, body: {} }, { kind: "failed", error: "http_408" }],
    [
      "too early a request",
      { status: 425, body: { error: "invalid_request" } },
      { kind: "failed", error: "invalid_request" },
    ],
    ["a page instead of an answer", { status: 404, body: page }, { kind: "refused", error: "http_404" }],
    ["an outage", { status: 502, body: page }, { kind: "failed", error: "http_502" }],
    [
      "an outage that calls the token dead",
      { status: 503, body: { error: "invalid_token" } },
      { kind: "failed", error: "invalid_token" },
    ],
    [
      "too many",
      { status: 429, body: {}, headers: { "retry-after": "8" } },
      { kind: "failed", error: "http_429", retryAfterMs: 8_000 },
    ],
    ["too much", { status: 500, body: "x".repeat(70_000) }, { kind: "failed", error: "http_500" }],
  ];
  for (const [what, answer, expected] of ends) {
    test(`the answer to a revocation request is read: ${what}`, async (t) => {
      const { url } = await recorder(t, () => answer);
      assert.deepEqual(await revoke(url), expected);
    });
  }

  test("a revocation stays open where nobody answers", async () => {
    assert.deepEqual(await revoke(await deadPort()), { kind: "failed", error: "econnrefused" });
  });

  test("a revocation is done at once where the provider has no endpoint for it", async () => {
    const provider = google({ clientId: "unused" });
    assert.ok(provider.endpoints !== "discover");
    const { revocationEndpoint: _, ...endpoints } = provider.endpoints;
    const http = wireWith({ fetch: () => assert.fail("asked all the same") });
    assert.deepEqual(await requestRevocation({ provider, client, endpoints, http, now: 0 }, token), {
      kind: "unsupported",
    });
  });
});
