import assert from "node:assert/strict";
import { test } from "node:test";
import { OnbehalfError, problemOf } from "../../src/index.ts";
import type { ErrorCode, ErrorDetails } from "../../src/index.ts";
import { errorOf } from "../../src/client/service-error.ts";
import { retryAfterMs } from "../../src/client/retry.ts";

const at = new Date("2026-11-22T00:00:00Z");
const samples: { readonly [C in ErrorCode]?: ErrorDetails[C] } = {
  unauthorized: {},
  forbidden: { permission: "token" },
  csrf_rejected: { rule: "requested_with" },
  ambiguous_grant: {
    accounts: [{ account: "work", provider: "google", grantId: "g_1" }],
    grantIds: ["g_1"],
    providers: ["google"],
  },
  external_id_conflict: { account: "work", grantId: "g_1", heldBy: "g_2" },
  reauthorization_required: { grantId: "g_1", since: at, reason: "no_refresh_token" },
  code_rejected: { providerError: "invalid_grant" },
  deposit_refused: { providerError: "invalid_grant" },
  deposit_outcome_unknown: { sentAt: at },
  id_token_invalid: { check: "aud" },
  connect_failed: { reason: "access_denied" },
  ticket_invalid: { reason: "used" },
  invalid_request: { parameter: "redirect_uri" },
  host_not_allowed: { host: "evil.example", allowed: ["*.googleapis.com"] },
  request_too_large: { limitBytes: 65_536 },
  insufficient_scope: { grantId: "g_1", missingScopes: ["a"], grantedScopes: ["b"] },
  client_misconfigured: { issuer: "https://a.example", clientId: "1-a", providerError: "invalid_client" },
  provider_unavailable: { issuer: "https://a.example", retryAfterMs: 7_000 },
  store_unavailable: { retryAfterMs: 1_000 },
  keeper_unavailable: { retryAfterMs: 1_000 },
  grant_unreadable: { grantId: "g_1" },
  configuration_invalid: { problems: ["no public URL"] },
  method_not_allowed: { allow: ["GET"] },
  internal_error: {},
};

test("an error that went through the service is the error that it was", () => {
  for (const [code, details] of Object.entries(samples) as [ErrorCode, ErrorDetails[ErrorCode]][]) {
    const error = new OnbehalfError(code, "what was wrong", { hint: "what to do", details });
    const { status, headers, body } = problemOf(error);
    if (code === "internal_error") continue;
    const waitMs = retryAfterMs(new Headers(headers), 0);
    const back = errorOf(JSON.parse(JSON.stringify(body)), { status, retryAfterMs: waitMs, requestId: "r", at });
    assert.ok(back instanceof OnbehalfError, code);
    assert.deepEqual(
      [back.name, back.code, back.message, back.hint, back.status, back.details],
      [error.name, error.code, error.message, error.hint, error.status, error.details],
    );
    assert.deepEqual(problemOf(back), problemOf(error), "and may be passed on as it is");
  }
});

test("details that an older service leaves out, or that are of another kind, are there and empty", () => {
  for (const code of Object.keys(samples) as ErrorCode[]) {
    for (const body of [{ error: code }, { error: code, since: 5, accounts: "x", grant_ids: {}, allowed: null }]) {
      const error = errorOf(body, { status: 400, retryAfterMs: 0, requestId: "r", at });
      assert.ok(error !== undefined);
      const details: Readonly<Record<string, unknown>> = { ...error.details };
      for (const [name, value] of Object.entries(samples[code] ?? {})) {
        if (value instanceof Date) assert.deepEqual(details[name], at, code);
        if (Array.isArray(value)) assert.ok(Array.isArray(details[name]), code);
      }
    }
  }
  for (const body of [
    null,
    5,
    [],
    {},
    { error: 5 },
    { error: "" },
    { error: "Not_A_Code" },
    { error: "x".repeat(70) },
  ]) {
    assert.equal(errorOf(body, { status: 400, retryAfterMs: 0, requestId: "r", at }), undefined, JSON.stringify(body));
  }
});
