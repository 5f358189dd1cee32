import assert from "node:assert/strict";
import { test } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import { boundedFetchDefaults } from "../../src/oauth/bounded-fetch.ts";
import { registerClient } from "../../src/oauth/client-registration.ts";
import type { RegisteredClient } from "../../src/oauth/client-registration.ts";
import { outboundFetch } from "../../src/outbound/outbound-fetch.ts";
import { testMcpServer } from "../support/mcp-server.ts";
import type { Answer, TestMcpServer } from "../support/mcp-server.ts";

const http = { ...boundedFetchDefaults, fetch: outboundFetch({}) };
const redirectUri = "https://app.example/connect/callback";

async function register(mcp: TestMcpServer, changes: Record<string, unknown> = {}): Promise<RegisteredClient> {
  const document = mcp.metadata(changes).body as Record<string, unknown>;
  const request = { clientName: "Notes", redirectUri, scopes: ["tools"] };
  return registerClient("tools", { issuer: mcp.issuer, document }, request, http);
}

/** The code of the error, and the server's own word for it. */
async function refusalOf(work: Promise<unknown>): Promise<readonly [code: string, word: unknown, hint: string]> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(isOnbehalfError(error), `it should have failed, and gave ${String(error)}`);
  return [error.code, "providerError" in error.details ? error.details.providerError : undefined, error.hint];
}

test("a client is registered for codes and refresh tokens, with a secret where the server takes one", async (t) => {
  const mcp = await testMcpServer(t);
  for (const [listed, method] of [
    [undefined, "client_secret_basic"],
    [["client_secret_post", "client_secret_basic"], "client_secret_basic"],
    [["private_key_jwt", "client_secret_post"], "client_secret_post"],
    [["none"], "none"],
    [["private_key_jwt"], "none"],
  ] as const) {
    const { client, authentication } = await register(mcp, { token_endpoint_auth_methods_supported: listed });
    const sent = JSON.parse(mcp.to("/register").at(-1)?.body ?? "") as Record<string, unknown>;
    assert.deepEqual(sent, {
      client_name: "Notes",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: method,
      application_type: "web",
      scope: "tools",
    });
    assert.deepEqual([authentication, client.clientSecret !== undefined], [method, method !== "none"]);
  }
});

const made = { client_id: "c-1", client_id_issued_at: 1 };

for (const [title, answer, expected] of [
  ["without a secret is a public client", { ...made }, ["none", undefined, undefined]],
  [
    "with a secret and no method has the one that was asked for",
    { ...made, client_secret: "s" },
    ["client_secret_basic", "s", undefined],
  ],
  [
    "with another method uses that",
    { ...made, client_secret: "s", token_endpoint_auth_method: "client_secret_post" },
    ["client_secret_post", "s", undefined],
  ],
  [
    "that the server made public uses no secret",
    { ...made, client_secret: "s", token_endpoint_auth_method: "none" },
    ["none", undefined, undefined],
  ],
  [
    "with an end has it in milliseconds",
    { ...made, client_secret: "s", client_secret_expires_at: 1_800_000_000 },
    ["client_secret_basic", "s", 1_800_000_000_000],
  ],
  [
    "with the end 0 has none",
    { ...made, client_secret: "s", client_secret_expires_at: 0 },
    ["client_secret_basic", "s", undefined],
  ],
] as const) {
  test(`a registration ${title}`, async (t) => {
    const mcp = await testMcpServer(t);
    mcp.answers.set("/register", { status: 201, body: answer });
    const { client, authentication, secretExpiresAt } = await register(mcp);
    assert.deepEqual([authentication, client.clientSecret?.expose(), secretExpiresAt], expected);
  });
}

for (const [title, answer, word] of [
  ["that refuses the redirect URI", { status: 400, body: { error: "invalid_redirect_uri" } }, "invalid_redirect_uri"],
  [
    "that refuses the metadata",
    { status: 400, body: { error: "invalid_client_metadata", error_description: "<b>" } },
    "invalid_client_metadata",
  ],
  [
    "that wants a software statement",
    { status: 400, body: { error: "unapproved_software_statement" } },
    "unapproved_software_statement",
  ],
  ["that wants a token first", { status: 401, body: { error: "invalid_token" } }, "invalid_token"],
  ["that says nothing but no", { status: 403, body: "<p>no</p>" }, "http_403"],
  ["that redirects", { status: 307, headers: { location: "http://127.0.0.1:1/" } }, "http_307"],
  ["whose word is none", { status: 400, body: { error: "<script>" } }, "http_400"],
  ["that gives no client_id", { status: 201, body: { client_secret: "s" } }, "no_client_id"],
  [
    "that wants another way to authenticate",
    { status: 201, body: { ...made, token_endpoint_auth_method: "private_key_jwt" } },
    "auth_method_changed",
  ],
  [
    "that promises a secret and gives none",
    { status: 201, body: { ...made, token_endpoint_auth_method: "client_secret_basic" } },
    "no_client_secret",
  ],
  [
    "that changes the redirect URI",
    { status: 201, body: { ...made, redirect_uris: ["https://x.example/"] } },
    "redirect_uri_changed",
  ],
] as const satisfies readonly (readonly [string, Answer, string])[]) {
  test(`a server ${title} is told of, with what to do`, async (t) => {
    const mcp = await testMcpServer(t);
    mcp.answers.set("/register", answer);
    const [code, providerError, hint] = await refusalOf(register(mcp));
    assert.deepEqual([code, providerError], ["client_misconfigured", word]);
    assert.match(hint, /client_id/);
  });
}

test("a server without registration is told of, and one in trouble is asked again later", async (t) => {
  const mcp = await testMcpServer(t);
  const [code, word] = await refusalOf(register(mcp, { registration_endpoint: undefined }));
  assert.deepEqual([code, word], ["client_misconfigured", "no_registration"]);
  for (const answer of [{ status: 500 }, { status: 429 }, { status: 201, body: "<p>made</p>" }]) {
    mcp.answers.set("/register", answer);
    assert.equal((await refusalOf(register(mcp)))[0], "provider_unavailable");
  }
});
