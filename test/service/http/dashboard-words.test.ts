import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { firstDoerWords, reasons } from "../../../src/core/diagnosis/reasons.ts";
import type { Reason } from "../../../src/core/diagnosis/reasons.ts";
import type { AuditRow, Grant } from "../../../src/dashboard/answers.ts";
import { serviceNow, setServiceTime } from "../../../src/dashboard/service-time.ts";
import {
  afterSteps,
  ago,
  atProvider,
  by,
  grantTitle,
  happened,
  hasNothingToAskWith,
  nextAct,
  pastAgo,
  providerWords,
  setProviderTitles,
} from "../../../src/dashboard/words.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

function grant(changes: Partial<Grant> = {}): Grant {
  const since = "2026-11-22T00:00:00Z";
  return { grant_id: "g_1", provider: "google", external_ids: [], state: "lapsed", since, ...changes };
}

/** A grant with this reason, as the service tells of it. */
function having(reason: Reason, state: Grant["state"] = "lapsed"): Grant {
  const steps = reasons[reason].steps.map(({ by, what, isSignIn, isDoneByLink }) => {
    return { by, what, is_sign_in: isSignIn ?? false, is_done_by_link: isDoneByLink ?? false };
  });
  return grant({ state, reason, steps });
}

describe("the dashboard's words", () => {
  const times: readonly (readonly [ms: number, expected: string])[] = [
    [0, "just now"],
    [-59 * second, "just now"],
    [3 * second, "just now"],
    [30 * second, "in a moment"],
    [-minute, "1 minute ago"],
    [-2 * minute, "2 minutes ago"],
    [-hour, "1 hour ago"],
    [hour, "in 1 hour"],
    [-day, "yesterday"],
    [day, "tomorrow"],
    [6.9 * day, "in 6 days"],
    [-400 * day, "last year"],
    [3_000 * day, "in 8 years"],
    [NaN, "at an unknown time"],
  ];
  for (const [ms, expected] of times) {
    test(`a time ${ms} ms from now is ${expected}`, () => {
      assert.equal(ago(Number.isNaN(ms) ? "never" : new Date(now + ms).toISOString(), now), expected);
    });
  }

  const pasts: readonly (readonly [ms: number, expected: string])[] = [
    [3_600 * second, "just now"],
    [30 * second, "just now"],
    [0.4 * second, "just now"],
    [0, "just now"],
    [-59 * second, "just now"],
    [-2 * minute, "2 minutes ago"],
    [NaN, "at an unknown time"],
  ];
  for (const [ms, expected] of pasts) {
    test(`what has happened, ${ms} ms from now by the page's clock, was ${expected}`, () => {
      assert.equal(pastAgo(Number.isNaN(ms) ? "never" : new Date(now + ms).toISOString(), now), expected);
    });
  }

  test("the service's clock goes on while the page draws what it was told a minute ago", () => {
    const told = new Date(now + hour).toISOString();
    setServiceTime(told, now);
    setServiceTime(told, now + minute);
    assert.equal(serviceNow(now + minute), now + hour + minute);
    setServiceTime(new Date(now + 2 * minute).toISOString(), now + 2 * minute);
    assert.equal(serviceNow(now + 3 * minute), now + 3 * minute);
  });

  const askable: readonly (readonly [changes: Partial<Grant>, expected: boolean])[] = [
    [{ reason: "no_refresh_token", offline: false }, true],
    [{ state: "active", offline: false, access_expires_at: new Date(now).toISOString() }, true],
    [{ state: "active", offline: false, access_expires_at: new Date(now + 1).toISOString() }, false],
    [{ state: "active", offline: false, access_token_end_known: false }, false],
    [{ reason: "invalid_grant", offline: false, access_expires_at: new Date(now - 1).toISOString() }, false],
  ];
  for (const [changes, expected] of askable) {
    test(`the provider ${expected ? "cannot" : "can"} be asked about a grant with ${JSON.stringify(changes)}`, () => {
      assert.equal(hasNothingToAskWith(grant(changes), now), expected);
    });
  }

  const session = "q5W8xZ2rT7yK1mN4";
  const rows: readonly (readonly [row: Partial<AuditRow>, what: string, who: string])[] = [
    [{ action: "grant.probed", outcome: "valid" }, "The provider was asked", "an operator (q5W8xZ2rT7y…)"],
    [
      { action: "grant.probed", outcome: "not_asked", detail: "no_refresh_token" },
      "Nobody was asked: no refresh token",
      "an operator (q5W8xZ2rT7y…)",
    ],
    [
      { action: "grant.probed", outcome: "not_asked", detail: "valid" },
      "Nobody was asked: there is nothing to ask with",
      "an operator (q5W8xZ2rT7y…)",
    ],
    [
      { action: "grant.probed", outcome: "unknown", detail: "store_unavailable" },
      "Nobody could say whether the consent stands",
      "an operator (q5W8xZ2rT7y…)",
    ],
    [{ action: "connect.created", outcome: "waiting" }, "Connect link made", "an operator (q5W8xZ2rT7y…)"],
    [
      { action: "connect.failed", outcome: "other_account" },
      "Connect failed: whoever opened the link chose another account",
      "by a link of an operator (q5W8xZ2rT7y…)",
    ],
    [{ action: "connect.finished" }, "Connected by a connect link", "by a link of an operator (q5W8xZ2rT7y…)"],
    [{ action: "grant.consented" }, "Consent given again", "by a link of an operator (q5W8xZ2rT7y…)"],
    [{ action: "grant.created", detail: "deposit" }, "Consent given, grant stored", "an operator (q5W8xZ2rT7y…)"],
  ];
  for (const [row, what, who] of rows) {
    test(`a row ${row.action} ${row.outcome ?? ""} ${row.detail ?? ""} of the audit log says what was done, and by whom`, () => {
      const whole = { seq: 1, at: "", action: "", outcome: "", caller: "@operator", session_id: session, ...row };
      assert.equal(happened(whole), what);
      assert.equal(by(whole), who);
    });
  }

  test("a caller that brought a code itself is named by its name, and a link of a caller as its link", () => {
    const row = { seq: 1, at: "", action: "grant.created", outcome: "active", caller: "backend" };
    assert.equal(by(row), "backend");
    assert.equal(by({ ...row, action: "connect.begun" }), "by a link of backend");
  });

  const next: readonly (readonly [reason: Reason, act: string | undefined, after: number])[] = [
    ["invalid_grant", "connect", 0],
    ["testing_status", "connect", 1],
    ["admin_policy_enforced", "connect", 1],
    ["refresh_token_reused", "connect", 1],
    // The link itself asks for offline access: nobody has to be waited for.
    ["no_refresh_token", "connect", 0],
    ["scopes_unticked", "connect", 0],
    ["wrong_client_secret", "set-up", 0],
    ["outcome_unknown", "probe", 0],
    ["ended_with_another", "probe", 0],
  ];
  for (const [reason, act, after] of next) {
    test(`what an operator does next about ${reason}`, () => {
      assert.deepEqual(nextAct(having(reason), true), { act, after });
    });
  }

  test("of a provider is said what is true there, by what people call it, and by its name where two are called the same", () => {
    const { fix } = reasons.admin_policy_enforced;
    setProviderTitles([
      { name: "google", title: "Google" },
      { name: "ms", title: "Microsoft" },
      { name: "ms-2", title: "Microsoft" },
    ]);
    assert.match(atProvider(fix, "google"), /^have the person's Google Workspace administrator allow the app, then/);
    assert.match(atProvider(fix, "ms"), /^have the person's administrator allow the app, then/);
    assert.match(
      atProvider(firstDoerWords("admin_policy_enforced"), "google"),
      /^the person's Google Workspace adm\w+$/,
    );
    assert.deepEqual(["google", "ms", "ms-2", "gone"].map(providerWords), ["Google", "ms", "ms-2", "gone"]);
  });

  test("an operator has nothing to do about a grant that is well, or was ended here; of another client's, look at the set-up", () => {
    assert.equal(nextAct(grant({ state: "active" }), true), undefined);
    assert.equal(nextAct(having("revoked", "revoked"), true), undefined);
    assert.deepEqual(nextAct(grant({ state: "active" }), false), { act: "set-up", after: 0 });
    assert.deepEqual([0, 1, 2].map(afterSteps), ["", " (after step 1)", " (after steps 1 to 2)"]);
  });

  test("a window's title tells two grants apart, and holds no whole address of a person", () => {
    const tied = (external_id: string): Grant => grant({ external_ids: [{ external_id, account: "main" }] });
    assert.equal(grantTitle(grant({ email: "anna@example.com" })), "anna@… · lapsed – Onbehalf");
    assert.equal(grantTitle(tied("user-42")), "user-42 · lapsed – Onbehalf");
    assert.equal(grantTitle(tied("anna@example.com")), "anna@… · lapsed – Onbehalf");
    assert.equal(grantTitle(tied("auth0|64f1c0ffee0123456789")), "auth0|64f1c0ffee012… · lapsed – Onbehalf");
    assert.equal(grantTitle(grant({ state: "active" })), "g_1 · active – Onbehalf");
  });
});
