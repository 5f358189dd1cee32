import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { OnbehalfError } from "../../src/index.ts";
import type { ErrorCode, ErrorDetails } from "../../src/index.ts";
import { reasons } from "../../src/core/diagnosis/reasons.ts";
import { errorsPage, problemOf } from "../../src/core/problem.ts";

/** One of each, with every member that it can carry. The compiler sees to it that none is missing. */
const samples: { readonly [C in ErrorCode]: Required<ErrorDetails[C]> } = {
  unauthorized: {},
  forbidden: { permission: "token" },
  csrf_rejected: { rule: "origin" },
  grant_not_found: {},
  ambiguous_grant: {
    accounts: [{ account: "work", provider: "google", grantId: "g_1" }],
    grantIds: ["g_1", "g_2"],
    providers: ["google"],
  },
  external_id_conflict: { account: "work", grantId: "g_1", heldBy: "g_2" },
  reauthorization_required: {
    grantId: "g_1",
    since: new Date(0),
    reason: "invalid_grant",
    certainty: "certain",
    evidence: [{ at: new Date(0), what: "it was refused" }],
    dependsOn: "person",
    fix: "ask",
    causes: [{ reason: "removed_by_person", certainty: "possible", tellBy: "look" }],
  },
  deposit_refused: { providerError: "invalid_grant" },
  deposit_outcome_unknown: { sentAt: new Date(0) },
  code_rejected: { providerError: "invalid_grant" },
  id_token_invalid: { check: "aud" },
  ticket_invalid: { reason: "expired" },
  invalid_request: { parameter: "code" },
  host_not_allowed: { host: "example.com", allowed: [] },
  request_too_large: { limitBytes: 1 },
  insufficient_scope: { grantId: "g_1", missingScopes: [], grantedScopes: [] },
  client_misconfigured: { issuer: "i", clientId: "c", providerError: "invalid_client" },
  provider_unavailable: { issuer: "i", retryAfterMs: 1 },
  store_unavailable: { retryAfterMs: 1 },
  keeper_unavailable: { retryAfterMs: 1 },
  service_unavailable: { retryAfterMs: 1 },
  grant_unreadable: { grantId: "g_1" },
  configuration_invalid: { problems: [] },
  key_invalid: {},
  store_unusable: {},
  return_url_not_allowed: {},
  connect_not_found: {},
  handle_not_found: {},
  session_not_found: {},
  too_many_sessions: { limit: 10_000 },
  connect_expired: {},
  events_missed: { oldest: 5, newest: 9, readOnAfter: 4 },
  verifier_mismatch: {},
  connect_waiting: {},
  connect_failed: { reason: "access_denied" },
  not_found: {},
  method_not_allowed: { allow: ["GET"] },
  internal_error: {},
};
const codes = Object.keys(samples) as ErrorCode[];

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section] as const),
);

/** What every problem has (RFC 9457, and the members that OAuth's errors have). */
const common = new Set(["type", "title", "status", "detail", "error", "error_description", "hint", "error_uri"]);

describe("docs/errors.md", () => {
  test("docs/errors.md has one section for each code, one for the reasons of grants, and one for the words of providers", () => {
    assert.deepEqual([...sections.keys()].sort(), [...codes, "What a provider says", "Why a grant is not well"].sort());
  });

  for (const code of codes) {
    const section = sections.get(code) ?? "";
    // **409** with `Retry-After`, `member`, `member`
    const form = /\n\n\*\*(\d{3})\.?\*\*(?: \([^)]*\))?( with `Retry-After`)?((?:, `[a-z_]+`)*)/;
    const [, documented, retryAfter, members = ""] = form.exec(section) ?? [];
    const { status, headers, body } = problemOf(
      new OnbehalfError(code, "what", { hint: "do", details: samples[code] }),
    );

    test(`docs/errors.md: ${code}: status, members and Retry-After are what the service sends`, () => {
      assert.equal(Number(documented), status);
      assert.equal(retryAfter !== undefined, "retry-after" in headers);
      assert.deepEqual(
        [...members.matchAll(/`(.*?)`/g)].map(([, name = ""]) => name).sort(),
        Object.keys(body)
          .filter((member) => !common.has(member))
          .sort(),
      );
      assert.equal(body["error_uri"], `${errorsPage}#${code}`);
    });
  }

  test("docs/errors.md: each reason for which a grant is not well is told in the words of the one table", () => {
    const rows = (sections.get("Why a grant is not well") ?? "")
      .split("\n")
      .filter((line) => /^\| `[a-z_]+` /.test(line));
    const told = rows.map((line) => line.split("|").map((cell) => cell.trim()));
    const expected = Object.entries(reasons).map(([code, { dependsOn, means, fix, tellBy = "" }]) => {
      return ["", `\`${code}\``, dependsOn, means, fix, tellBy, ""];
    });
    assert.deepEqual(told, expected);
  });
});
