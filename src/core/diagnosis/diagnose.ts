import { asItStands } from "../grant-state.ts";
import { meaningOf } from "../refresh.ts";
import { seemsTesting } from "./client-lives.ts";
import type { ClientLives } from "./client-lives.ts";
import { announcedTesting, diedAtAge, lifeOfDead, suspicionOf } from "./dead-token.ts";
import type { Diagnosis, Evidence } from "./diagnosis.ts";
import { at, doubtOf, evidenceOfState, inOrder, quoted } from "./evidence.ts";
import type { GrantFacts, ProviderFacts } from "./facts.ts";
import { reasonByCode, reasonInWords } from "./provider-words.ts";
import { reasons } from "./reasons.ts";
import type { Reason } from "./reasons.ts";
import { spokenDuration } from "../spoken-duration.ts";
import { dayMs, endsInTesting } from "./token-endings.ts";

const nobody: ClientLives = { ended: [], going: [] };

/**
 * Says why a grant is lapsed, suspect or weak, what speaks for it, whom it depends on, and what to do.
 *
 * @param lives what is known of the grants of its client; nothing by default
 * @param now milliseconds since the epoch
 * @returns undefined: the grant is well
 */
export function diagnose(
  written: GrantFacts,
  provider: ProviderFacts,
  now: number,
  lives: ClientLives = nobody,
): Diagnosis | undefined {
  const grant = asItStands(written, now);
  switch (grant.state) {
    case "revoking":
      return undefined;
    case "revoked":
      return certain(grant.reason ?? "revoked", evidenceOfState(grant));
    case "lapsed":
      return whyLapsed(grant, provider, lives);
    case "active":
    case "suspect":
      break;
  }
  const found = [
    ...whySuspect(grant),
    ...whyFailing(grant, provider),
    ...willEnd(grant, provider, lives),
    ...withoutRefreshToken(grant),
    ...isNarrow(grant),
  ];
  const [first, ...others] = found;
  if (first === undefined) return undefined;
  const also = others
    .filter(({ reason }, index) => others.findIndex((other) => other.reason === reason) === index)
    .filter(({ reason }) => reason !== first.reason)
    .map(({ reason, dependsOn, fix }) => ({ reason, dependsOn, fix }));
  return also.length === 0 ? first : { ...first, also };
}

function whyLapsed(grant: GrantFacts, provider: ProviderFacts, lives: ClientLives): Diagnosis {
  const kept = grant.reason ?? "invalid_grant";
  const known = evidenceOfState(grant);
  if (kept === "crash_ambiguous_rotation") return certain(kept, known);
  if (kept === "no_refresh_token") {
    return certain(kept, [
      at(grant.stateSince, "the access token has ended, and there is no refresh token to get another one with"),
    ]);
  }
  if (kept === "restored_from_backup") return certain(kept, [cameBack(grant), ...known]);
  const [error, says] = [grant.lastError ?? "", grant.lastErrorSays ?? ""];
  const named = reasonInWords(error, says);
  if (named !== undefined && named !== "invalid_grant") {
    return reasonByCode(error, says) === named ? certain(named, known) : weak(named, known);
  }
  if (kept !== "invalid_grant") return certain(kept, known);
  const { causes, evidence } = suspicionOf(grant, provider, lives);
  const all = inOrder([...evidence, ...ageOf(grant), ...known]);
  const [first] = causes;
  const reason = first?.certainty === "likely" ? first.reason : "invalid_grant";
  const { dependsOn, fix, steps } = reasons[reason];
  return {
    reason,
    certainty: reason === "invalid_grant" ? "certain" : "likely",
    evidence: all,
    dependsOn,
    fix,
    steps,
    causes,
  };
}

function cameBack({ lastRefreshAt, createdAt }: GrantFacts): Evidence {
  const what = "the last exchange that is known here; the store was restored from a backup that was made after it";
  return at(lastRefreshAt ?? createdAt, what);
}

/** How old the consent was, which is what tells most causes apart. */
function ageOf(grant: GrantFacts): Evidence[] {
  const life = lifeOfDead(grant);
  if (life === undefined) return [];
  const used =
    life.livedMs === 0 ? "its refresh token was never used" : `it worked ${spokenDuration(life.livedMs)} later`;
  const dead = life.deadMs < 60_000 ? "within a minute of" : `${spokenDuration(life.deadMs)} after`;
  return [at(life.consentedAt, `the person consented; ${used}, and was dead ${dead} the consent`)];
}

function whySuspect(grant: GrantFacts): Diagnosis[] {
  if (grant.state !== "suspect") return [];
  const { reason, evidence } = doubtOf(grant);
  return [certain(reason, [evidence])];
}

/** Why the last refreshes brought no token. */
function whyFailing(grant: GrantFacts, { refusals }: ProviderFacts): Diagnosis[] {
  const { lastError, lastErrorSays, lastErrorAt, failures, lookAt } = grant;
  if (failures === 0 || lastError === null || lastErrorAt === null) return [];
  const reason = failingBy();
  const what =
    reason === "provider_unavailable"
      ? `a refresh failed (${lastError})${failures === 1 ? "" : `, ${failures} in a row`}`
      : `the provider answered ${lastError}${quoted(lastErrorSays)}`;
  return [certain(reason, [at(lastErrorAt, what)])];

  function failingBy(): Reason {
    const [word = ""] = (lastError ?? "").split("/");
    switch (meaningOf(refusals, word)) {
      case "misconfigured":
        return reasonInWords(lastError ?? "", lastErrorSays ?? "") ?? "wrong_client_secret";
      case "ours":
        return reasonByCode(lastError ?? "", lastErrorSays ?? "") ?? "request_refused";
      case "dead":
      case "reauthenticate":
      case "restricted":
        return lookAt === null ? "provider_unavailable" : "refused_once";
      case "transient":
      case "limited":
        return "provider_unavailable";
      case undefined:
        return lastErrorSays === null ? "provider_unavailable" : "unknown_refusal";
    }
  }
}

/** What is known of the end of a grant that works. */
function willEnd(grant: GrantFacts, { endings }: ProviderFacts, lives: ClientLives): Diagnosis[] {
  if (grant.refreshSealed === null) return [];
  const { testingDays } = endings;
  const announced = announcedTesting(grant, endings);
  if (announced !== undefined) return [weak("testing_status", [announced])];
  const { consentedAt, consentExpiresAt } = grant;
  const seems = testingDays === undefined || consentedAt === null ? undefined : seemsTesting(lives, endings);
  if (
    seems !== undefined &&
    consentedAt !== null &&
    testingDays !== undefined &&
    endsInTesting(grant.scope, endings) &&
    consentedAt >= seems.from &&
    consentedAt < seems.until &&
    // It has outlived that age itself.
    (grant.lastRefreshAt ?? 0) - consentedAt <= (testingDays + 0.25) * dayMs
  ) {
    const end = at(consentedAt + testingDays * dayMs, `this grant is ${testingDays} days old, and may end`);
    return [weak("testing_status", [at(consentedAt, diedAtAge(seems.died, seems.outlived, testingDays)), end])];
  }
  if (consentExpiresAt === null) return [];
  return [certain("consent_ends", [at(consentExpiresAt, "the provider announced that the consent ends on this day")])];
}

function withoutRefreshToken(grant: GrantFacts): Diagnosis[] {
  // A token without an end that is known, as at GitHub, is as good as it gets there.
  if (grant.refreshSealed !== null || grant.accessSealed === null || grant.accessExpiresAt === null) return [];
  const what = "the access token ends on this day, and no refresh token came with any sign-in";
  return [certain("no_refresh_token", [at(grant.accessExpiresAt, what)])];
}

function isNarrow({ lostScope, withheldScope, consentedAt, createdAt }: GrantFacts): Diagnosis[] {
  const since = consentedAt ?? createdAt;
  return [
    ...(lostScope === ""
      ? []
      : [certain("scopes_lost", [at(since, `it covered before, and does not now: ${lostScope}`)])]),
    ...(withheldScope === ""
      ? []
      : [certain("scopes_unticked", [at(since, `it was asked for, and not granted: ${withheldScope}`)])]),
  ];
}

function certain(reason: Reason, evidence: readonly Evidence[]): Diagnosis {
  const { dependsOn, fix, steps } = reasons[reason];
  return { reason, certainty: "certain", evidence: inOrder(evidence), dependsOn, fix, steps };
}

function weak(reason: Reason, evidence: readonly Evidence[]): Diagnosis {
  return { ...certain(reason, evidence), certainty: "likely" };
}
