import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { backOffMs, decide, standardRefusals, waitAfterMs, waitAfterRefusalMs } from "../../src/core/refresh.ts";
import type { Decision, OAuthError, Refusals, TokenFailure } from "../../src/core/refresh.ts";

const refused = (status: number, error: string, more: Partial<OAuthError> = {}): OAuthError => ({
  kind: "oauth-error",
  status,
  error,
  ...more,
});

const lookAgain = (reason: string, error: string): object => ({ do: "second-look", reason, error });
const alarm = (error: string): object => ({ do: "alert-operator", error });
const comeBack = (error: string): object => lookAgain("reauthentication_required", error);
const ours = (error: string): object => ({ do: "back-off", error, isOurs: true });
const unheardOf = (error: string): object => ({ do: "back-off", error, isOurs: false });
const unspent = (error: string): object => ({ do: "retry", error, ambiguous: false });
const limited = (error: string): object => ({ do: "retry", error, ambiguous: false, limited: true });
const blocked = (error: string): object => ({ do: "retry", error, ambiguous: false, blocked: true });
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

  [refused(401, "invalid_token"), lookAgain("invalid_grant", "invalid_token")],

  // The person must come back, in the words of OpenID Connect and of some providers, at any status that is a refusal.
  ...[
    "interaction_required",
    "login_required",
    "consent_required",
    "account_selection_required",
    "unmet_authentication_requirements",
    "insufficient_user_authentication",
    "mfa_required",
    "mfa_enrollment_required",
    "mfa_registration_required",
  ].flatMap((error) =>
    [200, 400, 401, 403, 409, 422].map((status) => [refused(status, error), comeBack(error)] as const),
  ),
  [refused(400, "invalid_grant", { errorSubtype: "consent_required" }), comeBack("invalid_grant/consent_required")],
  [refused(400, "invalid_grant", { errorSubtype: "bad_token" }), lookAgain("invalid_grant", "invalid_grant")],
  [
    refused(400, "interaction_required", { errorSubtype: "basic_action" }),
    comeBack("interaction_required/basic_action"),
  ],
  [refused(401, "invalid_client", { errorSubtype: "consent_required" }), alarm("invalid_client")],

  // About our client.
  [refused(401, "invalid_client"), alarm("invalid_client")],
  [refused(400, "invalid_client"), alarm("invalid_client")],
  [refused(401, "deleted_client"), alarm("deleted_client")],
  [refused(401, "disabled_client"), alarm("disabled_client")],
  [refused(401, "unauthorized_client"), ours("unauthorized_client")],
  [refused(400, "unauthorized_client"), ours("unauthorized_client")],
  [refused(403, "org_internal"), alarm("org_internal")],

  // About our request.
  [refused(400, "redirect_uri_mismatch"), ours("redirect_uri_mismatch")],
  [refused(400, "invalid_request"), ours("invalid_request")],
  [refused(400, "unsupported_grant_type"), ours("unsupported_grant_type")],
  [refused(400, "invalid_scope"), ours("invalid_scope")],

  // About nothing but the moment.
  [refused(403, "rate_limit_exceeded"), limited("rate_limit_exceeded")],
  [refused(400, "slow_down"), limited("slow_down")],
  [refused(400, "temporarily_unavailable"), { ...unspent("temporarily_unavailable"), isUp: true }],
  [refused(403, "server_error"), { ...unspent("server_error"), isUp: true }],
  [refused(200, "server_error"), unspent("server_error")],
  [refused(400, "a_code_of_next_year"), unheardOf("a_code_of_next_year")],
  [refused(403, "access_denied"), unheardOf("access_denied")],
  [refused(400, "invalid_rapt"), unheardOf("invalid_rapt")],

  // The status outranks the code: an overloaded server or a proxy wrote it.
  [refused(429, "invalid_grant"), limited("invalid_grant")],
  [refused(408, "invalid_grant"), unspent("invalid_grant")],
  [refused(425, "invalid_client"), unspent("invalid_client")],
  [refused(408, "interaction_required"), unspent("interaction_required")],
  [{ kind: "unusable", status: 408, error: "not_json" }, unspent("not_json")],
  [{ kind: "unusable", status: 425, error: "not_json" }, unspent("not_json")],
  [refused(503, "login_required"), maybeSpent("login_required")],
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
  [{ kind: "unusable", status: 404, error: "not_json" }, blocked("not_json")],
  [{ kind: "unusable", status: 429, error: "not_json" }, limited("not_json")],
  [{ kind: "unusable", status: 403, error: "not_json" }, blocked("not_json")],
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
      please_sign_in: "reauthenticate",
      "invalid_grant/maintenance": "transient",
      consent_restricted: "restricted",
      unsupported_grant_type: "transient",
      too_many_today: "limited",
    };
    const verdicts: readonly (readonly [OAuthError, object])[] = [
      [refused(200, "bad_refresh_token"), lookAgain("invalid_grant", "bad_refresh_token")],
      [refused(400, "invalid_grant"), alarm("invalid_grant")],
      [refused(400, "invalid_request"), lookAgain("invalid_grant", "invalid_request")],
      [refused(400, "please_sign_in"), lookAgain("reauthentication_required", "please_sign_in")],
      [refused(400, "invalid_grant", { errorSubtype: "maintenance" }), unspent("invalid_grant")],
      [refused(400, "consent_restricted"), lookAgain("admin_policy_enforced", "consent_restricted")],
      [refused(400, "unsupported_grant_type"), unspent("unsupported_grant_type")],
      [refused(400, "too_many_today"), limited("too_many_today")],
      [refused(500, "bad_refresh_token"), maybeSpent("bad_refresh_token")],
    ];
    for (const [answer, expected] of verdicts) assert.deepEqual(decide(answer, refusals), expected);
  });

  test("decide takes a word in capitals for the same word, unless the provider's table has that very spelling", () => {
    assert.deepEqual(decide(refused(400, "INVALID_GRANT")), lookAgain("invalid_grant", "INVALID_GRANT"));
    const subtle = refused(400, "Invalid_Grant", { errorSubtype: "INVALID_RAPT" });
    assert.deepEqual(decide(subtle), lookAgain("reauthentication_required", "Invalid_Grant/INVALID_RAPT"));
    assert.deepEqual(decide(refused(400, "SLOW_DOWN")), limited("SLOW_DOWN"));
    const refusals: Refusals = { ...standardRefusals, INVALID_GRANT: "transient" };
    assert.deepEqual(decide(refused(400, "INVALID_GRANT"), refusals), unspent("INVALID_GRANT"));
    assert.deepEqual(decide(refused(400, "invalid_grant"), refusals), lookAgain("invalid_grant", "invalid_grant"));
  });

  test("decide lets a number that the provider's table knows narrow an error, and no other number", () => {
    const refusals: Refusals = {
      ...standardRefusals,
      "50076": "reauthenticate",
      "53003": "restricted",
      "90033": "transient",
      "90055": "limited",
      "7000215": "misconfigured",
      "650057": "ours",
      "invalid_client/650052": "restricted",
    };
    const said = (error: string, errorNumbers: readonly string[], more = {}): object =>
      decide(refused(400, error, { errorNumbers, ...more }), refusals);
    assert.deepEqual(said("invalid_grant", ["50076"]), comeBack("invalid_grant/50076"));
    assert.deepEqual(said("invalid_grant", ["53003"]), lookAgain("admin_policy_enforced", "invalid_grant/53003"));
    assert.deepEqual(said("invalid_grant", ["90033"]), { ...unspent("invalid_grant"), isUp: true });
    assert.deepEqual(said("invalid_grant", ["90055"]), limited("invalid_grant"));
    assert.deepEqual(said("invalid_request", ["7000215"]), alarm("invalid_request"));
    assert.deepEqual(said("invalid_grant", ["650057"]), ours("invalid_grant"));
    assert.deepEqual(said("invalid_client", ["650052"]), lookAgain("admin_policy_enforced", "invalid_client/650052"));
    // One that is not in the table, one of another error's entry, and one after one that is not in the table.
    assert.deepEqual(said("invalid_grant", ["50173"]), lookAgain("invalid_grant", "invalid_grant"));
    assert.deepEqual(said("invalid_grant", ["650052"]), lookAgain("invalid_grant", "invalid_grant"));
    assert.deepEqual(said("invalid_grant", ["1", "53003"]), lookAgain("admin_policy_enforced", "invalid_grant/53003"));
    // A number is more precise than a subtype, and a status that says "later" is more than both.
    const consent = { errorSubtype: "consent_required" };
    assert.deepEqual(
      said("invalid_grant", ["53003"], consent),
      lookAgain("admin_policy_enforced", "invalid_grant/53003"),
    );
    assert.deepEqual(said("invalid_grant", ["50173"], consent), comeBack("invalid_grant/consent_required"));
    const busy = decide(refused(503, "invalid_grant", { errorNumbers: ["50076"] }), refusals);
    assert.deepEqual(busy, maybeSpent("invalid_grant"));
  });

  test("decide takes words that every JavaScript object knows for unknown codes", () => {
    for (const word of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
      assert.deepEqual(decide(refused(400, word)), unheardOf(word));
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
          const exact = said.get(`${error}/${String(errorSubtype)}`);
          const asksForPerson = said.get(error) === "dead" && said.get(String(errorSubtype)) === "reauthenticate";
          const meant = exact ?? (asksForPerson ? "reauthenticate" : said.get(error));
          const saysLater = [408, 425, 429].includes(status);
          const aboutTheGrant = meant === "dead" || meant === "reauthenticate" || meant === "restricted";
          assert.equal(verdict.do === "second-look", aboutTheGrant && !saysLater);
          if (meant === undefined) assert.equal(verdict.do, saysLater ? "retry" : "back-off");
          // A refusal in the form of RFC 6749 never counts as an outage, unless the provider calls it one.
          if (verdict.do === "retry" && !saysLater) assert.ok(meant === "transient" || meant === "limited");
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

describe("waitAfterRefusalMs", () => {
  test("waitAfterRefusalMs begins at a quarter of a minute and grows to an hour, and never is shorter than asked", () => {
    const shortest = [1, 2, 3, 4, 8, 100].map((failures) => waitAfterRefusalMs(failures, 0));
    assert.deepEqual(shortest, [15_000, 30_000, 60_000, 120_000, 1_800_000, 1_800_000]);
    assert.ok(waitAfterRefusalMs(100, 0.999) <= 3_600_000);
    assert.equal(waitAfterRefusalMs(1, 0, 90_000), 90_000);
  });
});
