import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OnbehalfError } from "../../src/core/errors.ts";
import type { ErrorCode, ErrorDetails } from "../../src/core/errors.ts";
import { errorsPage, problemOf, problemResponse } from "../../src/core/problem.ts";
import type { Problem } from "../../src/core/problem.ts";
import { Secret } from "../../src/core/secret.ts";

const since = new Date("2026-11-22T00:00:00Z");

/** Each code, its status as documented, details, and the members and headers that come of them. */
type Row<C extends ErrorCode> = readonly [status: number, details: ErrorDetails[C], members: object, headers?: object];
const table: { readonly [C in ErrorCode]: Row<C> } = {
  unauthorized: [401, {}, {}, { "www-authenticate": 'Bearer realm="onbehalf"' }],
  forbidden: [403, { permission: "token:read" }, { permission: "token:read" }],
  csrf_rejected: [403, { rule: "requested_with" }, { rule: "requested_with" }],
  grant_not_found: [404, {}, {}],
  ambiguous_grant: [
    409,
    {
      accounts: [
        { account: "work", provider: "google", grantId: "g_1" },
        { account: "home", provider: "other", grantId: "g_2" },
      ],
      grantIds: ["g_1", "g_2"],
      providers: ["google", "other"],
    },
    {
      accounts: [
        { account: "work", provider: "google", grant_id: "g_1" },
        { account: "home", provider: "other", grant_id: "g_2" },
      ],
      grant_ids: ["g_1", "g_2"],
      providers: ["google", "other"],
    },
  ],
  external_id_conflict: [
    409,
    { account: "work", grantId: "g_1", heldBy: "g_2" },
    { account: "work", grant_id: "g_1", held_by: "g_2" },
  ],
  reauthorization_required: [
    409,
    { grantId: "g_1", since, reason: "invalid_grant" },
    { grant_id: "g_1", since: "2026-11-22T00:00:00.000Z", reason: "invalid_grant" },
  ],
  deposit_refused: [400, { providerError: "invalid_grant" }, { provider_error: "invalid_grant" }],
  deposit_outcome_unknown: [409, { sentAt: new Date(0) }, { sent_at: "1970-01-01T00:00:00.000Z" }],
  code_rejected: [400, { providerError: "invalid_grant" }, { provider_error: "invalid_grant" }],
  id_token_invalid: [400, { check: "aud" }, { check: "aud" }],
  ticket_invalid: [403, { reason: "expired" }, { reason: "expired" }],
  invalid_request: [400, { parameter: "source" }, { parameter: "source" }],
  host_not_allowed: [403, { host: "example.com", allowed: ["a"] }, { host: "example.com", allowed: ["a"] }],
  request_too_large: [413, { limitBytes: 65_536 }, { limit_bytes: 65_536 }],
  insufficient_scope: [
    403,
    { grantId: "g_1", missingScopes: ["b"], grantedScopes: ["a"] },
    { grant_id: "g_1", missing_scopes: ["b"], granted_scopes: ["a"] },
  ],
  client_misconfigured: [
    502,
    { issuer: "https://a.example", clientId: "c", providerError: "invalid_client" },
    { issuer: "https://a.example", client_id: "c", provider_error: "invalid_client" },
  ],
  provider_unavailable: [
    503,
    { issuer: "https://a.example", retryAfterMs: 1_001 },
    { issuer: "https://a.example" },
    { "retry-after": "2" },
  ],
  store_unavailable: [503, { retryAfterMs: 0 }, {}, { "retry-after": "1" }],
  keeper_unavailable: [503, { retryAfterMs: 500 }, {}, { "retry-after": "1" }],
  service_unavailable: [503, { retryAfterMs: 1_000 }, {}, { "retry-after": "1" }],
  grant_unreadable: [500, { grantId: "g_1" }, { grant_id: "g_1" }],
  configuration_invalid: [500, { problems: ["no key"] }, { problems: ["no key"] }],
  key_invalid: [500, {}, {}],
  store_unusable: [500, {}, {}],
  return_url_not_allowed: [400, {}, {}],
  connect_not_found: [404, {}, {}],
  handle_not_found: [404, {}, {}],
  session_not_found: [404, {}, {}],
  too_many_sessions: [429, { limit: 10 }, { limit: 10 }],
  connect_expired: [410, {}, {}],
  events_missed: [410, { oldest: 5, newest: 9, readOnAfter: 4 }, { oldest: 5, newest: 9, read_on_after: 4 }],
  verifier_mismatch: [400, {}, {}],
  connect_waiting: [409, {}, {}],
  connect_failed: [409, { reason: "access_denied" }, { reason: "access_denied" }],
  not_found: [404, {}, {}],
  method_not_allowed: [405, { allow: ["GET", "POST"] }, { allow: ["GET", "POST"] }, { allow: "GET, POST" }],
  internal_error: [500, {}, {}],
};

const always = { "content-type": "application/problem+json", "cache-control": "no-store" };

/** A problem, and its body as the wire carries it. */
function shown(error: unknown): Problem {
  const { status, headers, body } = problemOf(error);
  return { status, headers, body: JSON.parse(JSON.stringify(body)) as Record<string, unknown> };
}

describe("problemOf", () => {
  for (const [code, [status, details, members, headers = {}]] of Object.entries(table) as [
    ErrorCode,
    Row<ErrorCode>,
  ][]) {
    test(`problemOf shows ${code} as ${status}`, () => {
      const message = `it was ${code}`;
      const problem = shown(new OnbehalfError(code, message, { hint: "try this", details }));
      assert.deepEqual(problem, {
        status,
        headers: { ...always, ...headers },
        body: {
          type: `${errorsPage}#${code}`,
          title: code.replaceAll("_", " "),
          status,
          detail: message,
          error: code,
          error_description: message,
          hint: "try this",
          error_uri: `${errorsPage}#${code}`,
          ...members,
        },
      });
    });
  }

  test("problemOf never shows a cause, a stack or a secret", () => {
    const cause = Object.assign(new Error("canary in the cause"), { token: "canary beside it" });
    const details = { grantId: "g_1", token: new Secret("canary wrapped") };
    const problem = problemOf(new OnbehalfError("grant_unreadable", "no", { hint: "none", details, cause }));
    const text = JSON.stringify(problem);
    assert.ok(!text.includes("canary"), text);
    assert.ok(!/\.ts|at Test|node:/.test(text), text);
  });

  test("problemOf tells nothing of what is not ours", async () => {
    const strangers = [
      new TypeError("canary"),
      "canary",
      null,
      undefined,
      { code: "forbidden", message: "canary", details: {} },
    ];
    for (const stranger of strangers) {
      const response = problemResponse(stranger);
      const text = await response.text();
      assert.equal(response.status, 500);
      assert.equal((JSON.parse(text) as { error: string }).error, "internal_error");
      assert.ok(!text.includes("canary"), text);
    }
  });

  test("problemOf asks for whole seconds, one at least", () => {
    const waits = [0, 1, 999, 1_000, 1_001, 3_600_000].map((retryAfterMs) => {
      const error = new OnbehalfError("store_unavailable", "no", { hint: "wait", details: { retryAfterMs } });
      return problemOf(error).headers["retry-after"];
    });
    assert.deepEqual(waits, ["1", "1", "1", "1", "2", "3600"]);
  });
});

describe("problemResponse", () => {
  test("problemResponse is the same problem, as a response", async () => {
    const error = new OnbehalfError("unauthorized", "no key", { hint: "send one", details: {} });
    const response = problemResponse(error);
    const { status, headers, body } = problemOf(error);
    assert.equal(response.status, status);
    assert.deepEqual(Object.fromEntries(response.headers), headers);
    assert.deepEqual(await response.json(), body);
  });
});
