import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { Reason } from "../../src/core/diagnosis/reasons.ts";
import { github, google, microsoft, slack } from "../../src/index.ts";
import type { Provider } from "../../src/index.ts";
import { bodyOf, dashboardService } from "../support/dashboard.ts";
import { assertExplained, assertSaidOfLapsed, causeOf } from "../support/same-words.ts";
import { sharedStandin } from "../support/test-vault.ts";
import type { SharedStandin } from "../support/test-vault.ts";

const client = { clientId: "c", clientSecret: "s" };
/** How a provider's own words are read, of the records that we ship. */
const refusals = {
  any: {},
  microsoft: microsoft(client).refusals ?? {},
  github: github(client).refusals ?? {},
  slack: slack(client).refusals ?? {},
} satisfies Record<string, Provider["refusals"]>;

interface Mistake {
  readonly what: string;
  readonly at: keyof typeof refusals;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly reason: Reason;
}

/** An answer of Entra with a number of its catalogue. */
function entra(error: string, number: number, says: string): Pick<Mistake, "at" | "status" | "body"> {
  return { at: "microsoft", status: 400, body: { error, error_description: `AADSTS${number}: ${says} Trace ID: 00` } };
}

/** The ten commonest, as docs/errors.md has them. */
const mistakes: readonly Mistake[] = [
  {
    what: "a replaced refresh token came again",
    at: "any",
    status: 400,
    body: { error: "invalid_grant", error_description: "The refresh token was replaced, and used again." },
    reason: "refresh_token_reused",
  },
  {
    what: "the provider wants to see the person",
    at: "any",
    status: 400,
    body: { error: "interaction_required", error_description: "Sign in again." },
    reason: "reauthentication_required",
  },
  {
    what: "consent is missing",
    ...entra("invalid_grant", 65001, "The user or administrator has not consented to use the application."),
    reason: "consent_required",
  },
  {
    what: "a second factor is asked for",
    at: "any",
    status: 403,
    body: { error: "mfa_required", error_description: "Multifactor authentication required" },
    reason: "second_factor_required",
  },
  {
    what: "the token rested for ninety days",
    ...entra("invalid_grant", 700082, "The refresh token has expired due to inactivity."),
    reason: "refresh_token_unused",
  },
  {
    what: "the password changed",
    ...entra("invalid_grant", 50173, "The provided grant has expired due to it being revoked."),
    reason: "password_changed",
  },
  {
    what: "a policy keeps the app out",
    ...entra("invalid_grant", 53003, "Access has been blocked by Conditional Access policies."),
    reason: "admin_policy_enforced",
  },
  {
    what: "GitHub's refresh token is dead",
    at: "github",
    status: 200,
    body: { error: "bad_refresh_token", error_description: "The refresh token passed is incorrect or expired." },
    reason: "invalid_grant",
  },
  {
    what: "the app was removed from Slack",
    at: "slack",
    status: 200,
    body: { ok: false, error: "token_revoked" },
    reason: "removed_by_person",
  },
  {
    what: "the account at Slack is deactivated",
    at: "slack",
    status: 200,
    body: { ok: false, error: "account_inactive" },
    reason: "account_disabled",
  },
];

describe("the ten commonest refusals of other providers than Google", () => {
  let shared: SharedStandin;
  before(async () => {
    shared = await sharedStandin();
  });
  after(() => shared.standin.close());

  test("the page on errors has each of them", () => {
    const errors = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
    const section = errors.split("**Ten of other providers.**")[1]?.split("\n## ")[0] ?? "";
    for (const { what, reason } of mistakes) assert.ok(section.includes(`\`${reason}\``), what);
  });

  for (const { what, at, status, body, reason } of mistakes) {
    test(`${what}: the API, the dashboard, the command line, the event, the log and explain say ${reason}`, async (t) => {
      const { standin, clock } = shared;
      const { clientId, clientSecret, url } = standin;
      const service = await dashboardService(t, {
        shared,
        vault: { provider: { ...google({ clientId, clientSecret, baseUrl: url }), refusals: refusals[at] } },
      });
      const grant = await service.grant();
      clock.advance(3_700_000);
      standin.fault("POST", "/token", { status, body, times: "always" });
      t.after(() => {
        standin.clearFaults();
      });
      await assertSaidOfLapsed(service, grant, reason);
      const probed = await bodyOf(await service.ask(`/v1/grants/${grant.grantId}/probe`, { method: "POST" }));
      assert.deepEqual([probed["result"], probed["reason"]], ["invalid", reason], "the probe");
      assertExplained(body, causeOf(reason), "the provider's answer");
      assert.deepEqual(service.faults, []);
    });
  }
});
