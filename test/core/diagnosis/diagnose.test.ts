import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { ClientLives } from "../../../src/core/diagnosis/client-lives.ts";
import { diagnose } from "../../../src/core/diagnosis/diagnose.ts";
import type { GrantFacts, ProviderFacts } from "../../../src/core/diagnosis/facts.ts";
import { endingsOf } from "../../../src/core/diagnosis/known-endings.ts";
import { reasons } from "../../../src/core/diagnosis/reasons.ts";
import type { Reason } from "../../../src/core/diagnosis/reasons.ts";
import { grantStates } from "../../../src/core/grant-state.ts";
import { standardRefusals } from "../../../src/core/refresh.ts";

const day = 86_400_000;
const now = Date.parse("2026-11-22T00:00:00Z");
const drive = "openid https://www.googleapis.com/auth/drive.file";

const google: ProviderFacts = {
  name: "google",
  refusals: standardRefusals,
  rotation: "none",
  endings: endingsOf("https://accounts.google.com"),
};
const rotating: ProviderFacts = { ...google, name: "strict", rotation: "strict", endings: {} };

/** A grant that is well: consented a month ago, refreshed an hour ago. */
const well: GrantFacts = {
  state: "active",
  reason: null,
  stateSince: now - 30 * day,
  generation: 7,
  scope: drive,
  lostScope: "",
  withheldScope: "",
  refreshSealed: "sealed",
  accessSealed: "sealed",
  accessExpiresAt: now + 1_000_000,
  createdAt: now - 30 * day,
  consentedAt: now - 30 * day,
  lastRefreshAt: now - 3_600_000,
  refreshExpiresAt: null,
  consentExpiresAt: null,
  lastError: null,
  lastErrorSays: null,
  lastErrorAt: null,
  doubt: null,
  failures: 0,
  lookAt: null,
};

function lapsed(changes: Partial<GrantFacts> = {}): GrantFacts {
  const refused = { lastError: "invalid_grant", lastErrorSays: "Bad Request", lastErrorAt: now };
  return { ...well, state: "lapsed", reason: "invalid_grant", stateSince: now, ...refused, ...changes };
}

/** A grant that died when it was so old. */
function diedAt(days: number, changes: Partial<GrantFacts> = {}): GrantFacts {
  return lapsed({ consentedAt: now - days * day, lastRefreshAt: now - 0.2 * day, ...changes });
}

/** So many grants that died seven days after their consent, and so many that lived for a month. */
function lives(dead: number, living: number): ClientLives {
  const ended = Array.from({ length: dead }, (_, n) => ({
    grantId: `g_dead${n}`,
    scope: drive,
    lapsedAt: now - n * day,
    livedMs: 6.9 * day,
    deadMs: 7.02 * day,
  }));
  const going = Array.from({ length: living }, (_, n) => ({
    grantId: `g_living${n}`,
    scope: drive,
    consentedAt: now - (8 + n / 10) * day,
    exchangedAt: now - 0.1 * day,
  }));
  return { ended, going };
}

/** A provider's answer that is about the consent ends a grant; one about our client leaves it active. */
const failing = (error: string, says = ""): GrantFacts => ({
  ...well,
  failures: 3,
  lastError: error,
  lastErrorSays: says,
  lastErrorAt: now,
});

type Case = readonly [
  what: string,
  reason: Reason | undefined,
  grant: GrantFacts,
  provider?: ProviderFacts,
  lives?: ClientLives,
];

const cases: readonly Case[] = [
  ["that works", undefined, well],
  [
    "that works in an app in Testing status, and covers sign-in alone",
    undefined,
    { ...well, scope: "openid email" },
    google,
    lives(5, 0),
  ],
  ["that died a month after its consent", "invalid_grant", diedAt(30)],
  ["that died after seven days, alone", "invalid_grant", diedAt(7)],
  ["that died after seven days, as others of its client", "testing_status", diedAt(7.02), google, lives(3, 0)],
  ["that died after seven days, while many of its client lived on", "invalid_grant", diedAt(7.02), google, lives(3, 5)],
  [
    "that died after seven days with sign-in alone",
    "invalid_grant",
    diedAt(7.02, { scope: "openid email" }),
    google,
    lives(3, 0),
  ],
  [
    "that died after twenty days, in a client whose grants die after seven",
    "invalid_grant",
    diedAt(20),
    google,
    lives(3, 0),
  ],
  [
    "whose provider announced seven days",
    "testing_status",
    { ...well, consentedAt: now, consentExpiresAt: now + 7 * day },
  ],
  [
    "that is two days old, in a client whose grants die after seven",
    "testing_status",
    { ...well, consentedAt: now - 2 * day },
    google,
    lives(4, 0),
  ],
  ["whose consent ends on a known day", "consent_ends", { ...well, consentExpiresAt: now + 40 * day }],
  ["whose consent has ended on the day that was known", "consent_ended", diedAt(30, { consentExpiresAt: now - 1_000 })],
  [
    "whose refresh token came to its announced end",
    "refresh_token_expired",
    diedAt(30, { refreshExpiresAt: now - 1_000 }),
    rotating,
  ],
  [
    "that was not used for six months",
    "refresh_token_unused",
    lapsed({ consentedAt: now - 400 * day, lastRefreshAt: now - 190 * day }),
  ],
  [
    "whose provider says that it was not used",
    "refresh_token_unused",
    lapsed({ lastErrorSays: "AADSTS700082: The refresh token has expired due to inactivity." }),
  ],
  [
    "whose provider says that the password changed",
    "password_changed",
    lapsed({ lastErrorSays: "AADSTS50173: The provided grant has expired." }),
  ],
  [
    "whose provider says that it was revoked by the user",
    "removed_by_person",
    lapsed({ lastErrorSays: "The user revoked access." }),
  ],
  [
    "whose provider says that it was sent again",
    "refresh_token_reused",
    lapsed({ lastErrorSays: "refresh token was already used" }),
    rotating,
  ],
  [
    "whose provider says Google's one sentence",
    "invalid_grant",
    lapsed({ lastErrorSays: "Token has been expired or revoked." }),
  ],
  [
    "whose person must sign in again by a session rule",
    "session_control",
    lapsed({ reason: "reauthentication_required", lastError: "invalid_grant/invalid_rapt" }),
  ],
  [
    "whose person needs a second factor",
    "second_factor_required",
    lapsed({
      reason: "reauthentication_required",
      lastError: "interaction_required",
      lastErrorSays: "AADSTS50076: multi-factor",
    }),
  ],
  [
    "of which an administrator restricted a scope",
    "admin_policy_enforced",
    lapsed({ reason: "admin_policy_enforced", lastError: "admin_policy_enforced" }),
  ],
  ["of an internal app", "org_internal", lapsed({ reason: "admin_policy_enforced", lastError: "org_internal" })],
  [
    "whose account is disabled",
    "account_disabled",
    lapsed({ lastErrorSays: "AADSTS50057: The user account is disabled." }),
  ],
  [
    "that a signed event has ended",
    "ended_by_provider",
    lapsed({ reason: "ended_by_provider", lastError: "tokens-revoked", lastErrorSays: null }),
  ],
  [
    "whose replacement was lost in a crash",
    "crash_ambiguous_rotation",
    lapsed({ reason: "crash_ambiguous_rotation" }),
    rotating,
  ],
  [
    "whose refresh token came back with a restored backup",
    "restored_from_backup",
    lapsed({ reason: "restored_from_backup" }),
    rotating,
  ],
  ["without a refresh token, while its token lives", "no_refresh_token", { ...well, refreshSealed: null }],
  [
    "without a refresh token, after its token's end",
    "no_refresh_token",
    { ...well, refreshSealed: null, accessExpiresAt: now - 1 },
  ],
  ["with boxes unticked", "scopes_unticked", { ...well, withheldScope: "https://www.googleapis.com/auth/drive.file" }],
  ["that covers less than before", "scopes_lost", { ...well, lostScope: "https://www.googleapis.com/auth/drive.file" }],
  [
    "while our secret is wrong",
    "wrong_client_secret",
    failing("invalid_client", "The provided client secret is invalid."),
  ],
  ["while our client is deleted", "deleted_client", failing("deleted_client")],
  ["while our client is disabled", "disabled_client", failing("disabled_client")],
  ["while our client is another one", "wrong_client", failing("unauthorized_client")],
  ["while our request is refused", "request_refused", failing("invalid_request")],
  ["while the provider answers an unknown word", "unknown_refusal", failing("moon_is_full")],
  ["while the provider is down", "provider_unavailable", { ...failing("server_error"), lastErrorSays: null }],
  ["while the network is down", "provider_unavailable", { ...failing("ECONNREFUSED"), lastErrorSays: null }],
  ["that was refused once", "refused_once", { ...failing("invalid_grant"), lookAt: now + 60_000 }],
  [
    "whose last exchange has no known end",
    "outcome_unknown",
    { ...well, state: "suspect", stateSince: now, doubt: "outcome_unknown" },
  ],
  [
    "whose sibling was ended",
    "ended_with_another",
    { ...well, state: "suspect", stateSince: now, doubt: "ended_with_another" },
  ],
  [
    "whose account an event was about",
    "signalled",
    { ...well, state: "suspect", stateSince: now, doubt: "signalled/sessions-revoked" },
  ],
  ["that was revoked here", "revoked", { ...well, state: "revoked", reason: "revoked", refreshSealed: null }],
  [
    "whose revocation nobody confirmed",
    "revoked_unconfirmed",
    { ...well, state: "revoked", reason: "revoked_unconfirmed", refreshSealed: null },
  ],
];

/** Reasons that no single grant has as its first: they stand among the causes of one that does. */
const amongCauses: readonly Reason[] = ["too_many_refresh_tokens"];
const elsewhere: readonly Reason[] = ["reauthentication_required", "consent_required"];

describe("why a grant is not well", () => {
  for (const [what, reason, grant, provider = google, known] of cases) {
    test(`why a grant is not well: one ${what}: ${reason ?? "it is well"}`, () => {
      const found = diagnose(grant, provider, now, known);
      assert.equal(found?.reason, reason);
      if (reason === undefined) return;
      assert.deepEqual([found?.dependsOn, found?.fix], [reasons[reason].dependsOn, reasons[reason].fix]);
      assert.ok((found?.evidence.length ?? 0) > 0, "nothing speaks for it");
    });
  }

  test("why a grant is not well: the table has every reason that a grant can have", () => {
    const tried = new Set<Reason>([...cases.flatMap(([, reason]) => reason ?? []), ...amongCauses, ...elsewhere]);
    assert.deepEqual(
      (Object.keys(reasons) as Reason[]).filter((reason) => !tried.has(reason)),
      [],
    );
    const causes = diagnose(diedAt(30), google, now)?.causes?.map((cause) => cause.reason) ?? [];
    for (const reason of amongCauses) assert.ok(causes.includes(reason), reason);
  });

  test("why a grant is not well: what its times rule out is not among what it may be", () => {
    const causes = (days: number): readonly Reason[] =>
      diagnose(diedAt(days), google, now)?.causes?.map(({ reason }) => reason) ?? [];
    assert.ok(causes(7).includes("testing_status"));
    assert.ok(!causes(20).includes("testing_status"), "it was alive after seven days");
    assert.ok(!causes(20).includes("refresh_token_unused"), "it was used this morning");
    assert.ok(!causes(20).includes("password_changed"), "no scope of Gmail");
    const mail = diagnose(diedAt(20, { scope: "openid https://mail.google.com/" }), google, now);
    assert.equal(mail?.causes?.[0]?.reason, "password_changed");
  });

  test("why a grant is not well: what else is weak stands beside the first, each once", () => {
    const grant = { ...well, consentExpiresAt: now + day * 40, withheldScope: "a", lostScope: "b" };
    const found = diagnose(grant, google, now);
    assert.equal(found?.reason, "consent_ends");
    assert.deepEqual(
      found?.also?.map(({ reason }) => reason),
      ["scopes_lost", "scopes_unticked"],
    );
  });
});

const time = fc.option(fc.integer({ min: now - 500 * day, max: now + 500 * day }), { nil: null });
const word = fc.constantFrom(
  "invalid_grant",
  "invalid_client",
  "invalid_grant/invalid_rapt",
  "deleted_client",
  "server_error",
  "ECONNRESET",
  "unauthorized_client",
  "temporarily_unavailable",
  "admin_policy_enforced",
  "x",
  "",
  "/",
  "tokens-revoked",
);
const anyGrant: fc.Arbitrary<GrantFacts> = fc.record({
  state: fc.constantFrom(...grantStates),
  reason: fc.constantFrom(null, "invalid_grant", "reauthentication_required", "no_refresh_token", "ended_by_provider"),
  stateSince: fc.integer({ min: now - 500 * day, max: now }),
  generation: fc.nat(),
  scope: fc.constantFrom("", "openid", drive),
  lostScope: fc.constantFrom("", "a b"),
  withheldScope: fc.constantFrom("", "c"),
  refreshSealed: fc.constantFrom(null, "sealed"),
  accessSealed: fc.constantFrom(null, "sealed"),
  accessExpiresAt: time,
  createdAt: fc.integer({ min: now - 500 * day, max: now }),
  consentedAt: time,
  lastRefreshAt: time,
  refreshExpiresAt: time,
  consentExpiresAt: time,
  lastError: fc.option(word, { nil: null }),
  lastErrorSays: fc.option(fc.oneof(fc.string(), fc.constant("AADSTS50173: x")), { nil: null }),
  lastErrorAt: time,
  doubt: fc.constantFrom(null, "outcome_unknown", "signalled/sessions-revoked", "signalled", "", "/"),
  failures: fc.nat(5),
  lookAt: time,
});
const anyLives = fc.tuple(fc.nat(6), fc.nat(6)).map(([dead, living]) => lives(dead, living));
const anyProvider = fc.constantFrom(google, rotating);

test("whatever is known of a grant, a reason is in the table, and each has evidence with a time, in order", () => {
  fc.assert(
    fc.property(anyGrant, anyProvider, anyLives, (grant, provider, known) => {
      const found = diagnose(grant, provider, now, known);
      if (grant.state === "lapsed" || grant.state === "suspect" || grant.state === "revoked") assert.ok(found);
      if (found === undefined) return;
      assert.ok(Object.hasOwn(reasons, found.reason));
      assert.ok(found.evidence.length > 0);
      const times = found.evidence.map(({ at }) => at.getTime());
      assert.ok(times.every((each) => Number.isFinite(each)));
      assert.deepEqual(
        times,
        times.toSorted((one, other) => one - other),
      );
      for (const { what } of found.evidence) assert.notEqual(what, "");
    }),
  );
});

test("whatever else is known, a grant that works is not laid to its person while the provider refuses our client", () => {
  const ours = fc.constantFrom("invalid_client", "unauthorized_client", "deleted_client", "disabled_client");
  fc.assert(
    fc.property(anyGrant, ours, anyProvider, anyLives, (grant, error, provider, known) => {
      const kept = { ...grant, state: "active", refreshSealed: "sealed", failures: 1, lookAt: null } as const;
      const refused = { ...kept, lastError: error, lastErrorSays: "", lastErrorAt: now };
      assert.equal(diagnose(refused, provider, now, known)?.dependsOn, "operator");
    }),
  );
});
