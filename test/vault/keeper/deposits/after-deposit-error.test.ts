import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Rotation, TokenFailure } from "../../../../src/core/refresh.ts";
import { afterDepositError, maySendAgain } from "../../../../src/vault/keeper/deposits/after-deposit-error.ts";

const refusal = (error: string, status = 400): TokenFailure => ({ kind: "oauth-error", status, error });
const page = (status: number, error = `http_${status}`): TokenFailure => ({ kind: "unusable", status, error });
const grace = { graceSeconds: 60 };

describe("what becomes of a deposited token that brought no tokens", () => {
  const rows: readonly [TokenFailure, Rotation, string][] = [
    [refusal("invalid_grant"), "none", "refuse"],
    [refusal("invalid_grant"), "strict", "refuse"],
    [refusal("login_required"), "none", "refuse"],
    [refusal("admin_policy_enforced"), "none", "refuse"],
    [refusal("unauthorized_client"), "none", "refuse"],
    [refusal("invalid_request"), "none", "refuse"],
    [refusal("a_word_that_nobody_knows"), "strict", "refuse"],
    [refusal("unsupported_grant_type"), "none", "wrong-request"],
    [refusal("invalid_dpop_proof"), "strict", "wrong-request"],
    [refusal("invalid_client", 401), "strict", "alert-operator"],
    [refusal("temporarily_unavailable"), "strict", "retry"],
    [refusal("slow_down"), "strict", "retry"],
    [refusal("invalid_grant", 429), "strict", "retry"],
    [page(429), "strict", "retry"],
    [page(403), "strict", "retry"],
    [page(503), "strict", "retry"],
    [page(502), "none", "retry"],
    [page(502), "strict", "retry, lost"],
    [page(502), grace, "retry, lost"],
    [refusal("server_error", 500), "strict", "retry, lost"],
    [refusal("invalid_grant", 503), "strict", "retry"],
    [page(200, "broken_json"), "none", "retry"],
    [page(200, "broken_json"), "strict", "retry, lost"],
    [page(200, "no_access_token"), "none", "refuse"],
    [page(200, "no_access_token"), "strict", "retry, lost"],
    [{ kind: "silence", sent: false, error: "econnrefused" }, "strict", "retry"],
    [{ kind: "silence", sent: true, error: "timeout" }, "none", "retry"],
    [{ kind: "silence", sent: true, error: "timeout" }, "strict", "retry, lost"],
  ];
  for (const [failure, rotation, expected] of rows) {
    const { kind, error } = failure;
    const status = kind === "silence" ? (failure.sent ? "sent" : "not sent") : failure.status;
    test(`${kind} ${error} ${status}, rotation ${JSON.stringify(rotation)}: ${expected}`, () => {
      const decision = afterDepositError(failure, rotation);
      const lost = decision.do === "retry" && decision.isLost ? ", lost" : "";
      assert.equal(`${decision.do}${lost}`, expected);
    });
  }
});

describe("whether a token whose answer is lost may be sent again", () => {
  const rows: readonly [Rotation, number, boolean][] = [
    ["none", 0, true],
    ["none", 10 ** 9, true],
    ["strict", 0, false],
    ["strict", 10 ** 9, false],
    [grace, 0, true],
    [grace, 55_000, true],
    [grace, 55_001, false],
    [grace, -20_000, false],
  ];
  for (const [rotation, age, expected] of rows) {
    test(`rotation ${JSON.stringify(rotation)}, sent ${age} ms ago: ${expected}`, () => {
      assert.equal(maySendAgain(rotation, 1_000_000, 1_000_000 + age), expected);
    });
  }
});
