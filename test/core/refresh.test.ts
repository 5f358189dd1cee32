import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { backOffMs, decide, keepAliveAt, standardRefusals, waitAfterMs } from "../../src/core/refresh.ts";
import type { Decision, OAuthError, Refusals, TokenFailure } from "../../src/core/refresh.ts";

const refused = (status: number, error: string, more: Partial<OAuthError> = {}): OAuthError => ({
  kind: "oauth-error",
  status,
  error,
  ...more,
});

const lookAgain = (reason: string, error: string): object => ({ do: "second-look", reason, error });
const alarm = (error: string): object => ({ do: "alert-operator", error });
const unspent = (error: string): object => ({ do: "retry", error, ambiguous: false });
const limited = (error: string): object => ({ do: "retry", error, ambiguous: false, limited: true });
const maybeSpent = (error: string): object => ({ do: "retry", error, ambiguous: true });

/** What a provider may say, and what that says about the grant. RFC 6749 section 5.2 and Google's own codes. */
const answers: readonly (readonly [TokenFailure, object])[] = [
  // About the grant.
  [refused(400, "invalid_grant"), lookAgain("invalid_grant", "invalid_grant")],
  [refused(401, "invalid_grant"), lookAgain("invalid_grant", "invalid_grant")],
  [refused(200, "invalid_grant"), lookAgain("invalid_grant", "invalid_grant")],
  [
    refused(400, "invalid_grant", { errorSubtype: "invalid_rapt" }),
    lookAgain("reauthentication_required", "invalid_grant/invalid_rapt"),
  ],
  [
    refused(400, "invalid_grant", { errorSubtype: "rapt_required" }),
    lookAgain("reauthentication_required", "invalid_grant/rapt_required"),
  ],
  [refused(400, "invalid_grant", { errorSubtype: "never_heard" }), lookAgain("invalid_grant", "invalid_grant")],
  [refused(400, "admin_policy_enforced"), lookAgain("admin_policy_enforced", "admin_policy_enforced")],

  // About our client.
  [refused(401, "invalid_client"), alarm("invalid_client")],
  [refused(400, "invalid_client"), alarm("invalid_client")],
  [refused(401, "deleted_client"), alarm("deleted_client")],
  [refused(401, "disabled_client"), alarm("disabled_client")],
  [refused(401, "unauthorized_client"), alarm("unauthorized_client")],
  [refused(400, "unauthorized_client"), alarm("unauthorized_client")],
  [refused(403, "org_internal"), alarm("org_internal")],

  // About our request.
  [refused(400, "redirect_uri_mismatch"), alarm("redirect_uri_mismatch")],
  [refused(400, "invalid_request"), alarm("invalid_request")],
  [refused(400, "unsupported_grant_type"), alarm("unsupported_grant_type")],
  [refused(400, "invalid_scope"), alarm("invalid_scope")],

  // About nothing but the moment.
  [refused(403, "rate_limit_exceeded"), limited("rate_limit_exceeded")],
  [refused(400, "slow_down"), limited("slow_down")],
  [refused(400, "temporarily_unavailable"), unspent("temporarily_unavailable")],
  [refused(400, "a_code_of_next_year"), unspent("a_code_of_next_year")],
  [refused(403, "access_denied"), unspent("access_denied")],
  [refused(400, "invalid_rapt"), unspent("invalid_rapt")],

  // The status outranks the code: an overloaded server or a proxy wrote it.
  [refused(429, "invalid_grant"), limited("invalid_grant")],
  [refused(503, "slow_down"), maybeSpent("slow_down")],
  [refused(500, "invalid_grant"), maybeSpent("invalid_grant")],
  [refused(503, "invalid_grant", { errorSubtype: "invalid_rapt" }), maybeSpent("invalid_grant")],
  [refused(502, "invalid_client"), maybeSpent("invalid_client")],
  [refused(500, "server_error"), maybeSpent("server_error")],

  // No JSON, no token, or an answer that broke off: the provider may have replaced a rotating token already.
  [{ kind: "unusable", status: 200, error: "no_access_token" }, maybeSpent("no_access_token")],
  [{ kind: "unusable", status: 200, error: "not_json" }, maybeSpent("not_json")],
  [{ kind: "unusable", status: 200, error: "body_too_large" }, maybeSpent("body_too_large")],
  [{ kind: "unusable", status: 302, error: "not_json" }, maybeSpent("not_json")],
  [{ kind: "unusable", status: 502, error: "not_json" }, maybeSpent("not_json")],
  [{ kind: "unusable", status: 404, error: "not_json" }, unspent("not_json")],
  [{ kind: "unusable", status: 429, error: "not_json" }, limited("not_json")],
  [{ kind: "unusable", status: 403, error: "not_json" }, unspent("not_json")],
  [{ kind: "silence", sent: true, error: "timeout" }, maybeSpent("timeout")],
  [{ kind: "silence", sent: false, error: "econnrefused" }, unspent("econnrefused")],
];

describe("decide", () => {
  for (const [answer, expected] of answers) {
    test(`decide takes ${JSON.stringify(answer)} for ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(decide(answer), expected);
    });
  }

  test("decide passes on how long the provider wants to be left alone", () => {
    const retryAfterMs = 7_000;
    for (const answer of [
      refused(429, "rate_limit_exceeded", { retryAfterMs }),
      refused(503, "invalid_grant", { retryAfterMs }),
      refused(400, "slow_down", { retryAfterMs }),
      { kind: "unusable", status: 503, error: "not_json", retryAfterMs } as const,
    ]) {
      assert.equal((decide(answer) as { afterMs?: number }).afterMs, retryAfterMs, JSON.stringify(answer));
    }
  });

  test("decide reads an odd provider by its own table", () => {
    const refusals: Refusals = {
      ...standardRefusals,
      // A dead token as HTTP 200, a wrong client as invalid_grant, a dead token as invalid_request.
      bad_refresh_token: "dead",
      invalid_grant: "misconfigured",
      invalid_request: "dead",
      interaction_required: "reauthenticate",
      "invalid_grant/maintenance": "transient",
      consent_restricted: "restricted",
      unsupported_grant_type: "transient",
      too_many_today: "limited",
    };
    const verdicts: readonly (readonly [OAuthError, object])[] = [
      [refused(200, "bad_refresh_token"), lookAgain("invalid_grant", "bad_refresh_token")],
      [refused(400, "invalid_grant"), alarm("invalid_grant")],
      [refused(400, "invalid_request"), lookAgain("invalid_grant", "invalid_request")],
      [refused(400, "interaction_required"), lookAgain("reauthentication_required", "interaction_required")],
      [refused(400, "invalid_grant", { errorSubtype: "maintenance" }), unspent("invalid_grant")],
      [refused(400, "consent_restricted"), lookAgain("admin_policy_enforced", "consent_restricted")],
      [refused(400, "unsupported_grant_type"), unspent("unsupported_grant_type")],
      [refused(400, "too_many_today"), limited("too_many_today")],
      [refused(500, "bad_refresh_token"), maybeSpent("bad_refresh_token")],
    ];
    for (const [answer, expected] of verdicts) assert.deepEqual(decide(answer, refusals), expected);
  });

  test("decide takes words that every JavaScript object knows for unknown codes", () => {
    for (const word of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
      assert.deepEqual(decide(refused(400, word)), unspent(word));
      const subtle = refused(400, "invalid_grant", { errorSubtype: word });
      assert.deepEqual(decide(subtle), lookAgain("invalid_grant", "invalid_grant"));
    }
  });
});

const code = fc.oneof(fc.constantFrom(...Object.keys(standardRefusals)), fc.string());
const meaning = fc.constantFrom<Refusals[string]>("dead", "reauthenticate", "restricted", "misconfigured", "ours");
const anyRefusals = fc.dictionary(code, meaning).map((own): Refusals => Object.assign({}, standardRefusals, own));

describe("decide, whatever comes", () => {
  test("decide blames no grant for an overload, an outage, silence or garbage, whatever the provider's table says", () => {
    const saysNothing: fc.Arbitrary<TokenFailure> = fc.oneof(
      fc.record({
        kind: fc.constant("oauth-error" as const),
        status: fc.oneof(fc.constant(429), fc.integer({ min: 500, max: 599 })),
        error: code,
      }),
      fc.record({
        kind: fc.constant("unusable" as const),
        status: fc.integer({ min: 200, max: 599 }),
        error: fc.string(),
      }),
      fc.record({ kind: fc.constant("silence" as const), sent: fc.boolean(), error: fc.string() }),
    );
    fc.assert(
      fc.property(saysNothing, anyRefusals, (answer, refusals) => {
        assert.equal(decide(answer, refusals).do, "retry");
      }),
    );
  });

  test("decide has a verdict on every refusal, and calls a token dead only where the table says so", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 499 }),
        code,
        fc.option(code, { nil: undefined }),
        anyRefusals,
        (status, error, errorSubtype, refusals) => {
          const answer = refused(status, error, errorSubtype === undefined ? {} : { errorSubtype });
          const verdict: Decision = decide(answer, refusals);
          const said = new Map(Object.entries(refusals));
          const meant = said.get(`${error}/${String(errorSubtype)}`) ?? said.get(error);
          const aboutTheGrant = meant === "dead" || meant === "reauthenticate" || meant === "restricted";
          assert.equal(verdict.do === "second-look", aboutTheGrant && status !== 429);
          if (meant === undefined) assert.equal(verdict.do, "retry");
        },
      ),
    );
  });

  test("decide calls an outcome ambiguous exactly where the token may have been spent", () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), fc.boolean(), (status, sent) => {
        const unusable = decide({ kind: "unusable", status, error: "not_json" });
        const silence = decide({ kind: "silence", sent, error: "timeout" });
        const refusal = decide(refused(status, "a_code_of_next_year"));
        const ambiguous = [unusable, silence, refusal].map((verdict) => verdict.do === "retry" && verdict.ambiguous);
        assert.deepEqual(ambiguous, [status < 400 || status >= 500, sent, status >= 500]);
      }),
    );
  });
});

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("backOffMs", () => {
  test("backOffMs doubles its bound with each failure up to the cap, and uses all of it", () => {
    const almostOne = 1 - Number.EPSILON;
    const bounds = [1, 2, 3, 7, 8, 100, 10_000].map((failures) => Math.ceil(backOffMs(failures, almostOne)));
    assert.deepEqual(bounds, [499, 999, 1_999, 31_999, 59_999, 59_999, 59_999]);
    assert.equal(backOffMs(5, 0), 0, "full jitter begins at nothing");
  });

  test("backOffMs is a whole number within its bound, and grows with the random number and with the failures", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), random, random, (failures, one, two) => {
        const [less, more] = [Math.min(one, two), Math.max(one, two)];
        const wait = backOffMs(failures, less);
        assert.ok(Number.isSafeInteger(wait) && wait >= 0 && wait < Math.min(60_000, 500 * 2 ** (failures - 1)));
        assert.ok(wait <= backOffMs(failures, more));
        assert.ok(wait <= backOffMs(failures + 1, less));
      }),
    );
  });
});

describe("waitAfterMs", () => {
  test("waitAfterMs is never shorter than the provider asked for, nor than our own back-off", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), random, fc.nat(3_600_000), (failures, share, retryAfterMs) => {
        const own = backOffMs(failures, share);
        assert.equal(waitAfterMs(failures, share), own);
        assert.equal(waitAfterMs(failures, share, retryAfterMs), Math.max(own, retryAfterMs));
      }),
    );
  });
});

describe("keepAliveAt", () => {
  test("keepAliveAt spreads the idle over the last days of a month, long before six months of disuse", () => {
    const day = 86_400_000;
    fc.assert(
      fc.property(fc.nat(2 ** 45), random, (lastExchangeAt, share) => {
        const idle = keepAliveAt(lastExchangeAt, share) - lastExchangeAt;
        assert.ok(Number.isSafeInteger(idle) && idle >= 24 * day && idle <= 30 * day);
      }),
    );
    assert.equal(keepAliveAt(0, 0.5), 27 * day);
  });
});
