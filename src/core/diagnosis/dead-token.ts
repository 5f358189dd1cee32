import { isAt, seemsTesting, ageSlackMs } from "./client-lives.ts";
import type { ClientLives } from "./client-lives.ts";
import type { Cause, Evidence } from "./diagnosis.ts";
import type { GrantFacts, ProviderFacts } from "./facts.ts";
import { reasons } from "./reasons.ts";
import type { Reason } from "./reasons.ts";
import { spokenDuration } from "../spoken-duration.ts";
import { dayMs, endsInTesting, hasScopeAmong } from "./token-endings.ts";

/** The reasons that may be behind a refresh token that is dead, the likeliest first, and what speaks for the first. */
export interface Suspicion {
  readonly causes: readonly Cause[];
  readonly evidence: readonly Evidence[];
}

interface Weighed {
  readonly reason: Reason;
  readonly weight: number;
  readonly isLikely?: boolean;
  readonly evidence?: readonly Evidence[];
}

/**
 * What may have ended a refresh token of which the provider says only that it is dead. What the times of this grant rule out
 * is not among it.
 *
 * @param lives what is known of the other grants of its client
 */
export function suspicionOf(grant: GrantFacts, provider: ProviderFacts, lives: ClientLives): Suspicion {
  const weighed = [
    ...announcedEnd(grant),
    ...testing(grant, provider, lives),
    ...unused(grant, provider),
    ...password(grant, provider),
    { reason: "removed_by_person" as const, weight: 4 },
    ...(provider.endings.perPerson === undefined ? [] : [{ reason: "too_many_refresh_tokens" as const, weight: 1 }]),
    ...(provider.rotation === "none" ? [] : [{ reason: "refresh_token_reused" as const, weight: 3 }]),
    ...(provider.endings.testingDays === undefined ? [{ reason: "refresh_token_expired" as const, weight: 2 }] : []),
  ].toSorted((one, other) => other.weight - one.weight);
  const isFirstLikely = (weighed as readonly Weighed[])[0]?.isLikely === true;
  return {
    causes: (weighed as readonly Weighed[]).map(({ reason, isLikely = false }) => ({
      reason,
      certainty: isLikely ? "likely" : "possible",
      tellBy: reasons[reason].tellBy ?? "ask the person",
    })),
    evidence: isFirstLikely ? ((weighed as readonly Weighed[])[0]?.evidence ?? []) : [],
  };
}

/** Between which ages the token died, and when the consent was. Undefined: that is not known. */
export function lifeOfDead(grant: GrantFacts): { consentedAt: number; livedMs: number; deadMs: number } | undefined {
  const { consentedAt, lastRefreshAt, stateSince } = grant;
  if (consentedAt === null) return undefined;
  return {
    consentedAt,
    livedMs: Math.max(0, (lastRefreshAt ?? 0) - consentedAt),
    deadMs: Math.max(0, stateSince - consentedAt),
  };
}

function announcedEnd({ consentExpiresAt, refreshExpiresAt, stateSince }: GrantFacts): Weighed[] {
  const isOver = (end: number | null): end is number => end !== null && end <= stateSince + ageSlackMs;
  if (isOver(consentExpiresAt)) {
    const what = "the provider had announced that the consent ends on this day";
    const evidence = [{ at: new Date(consentExpiresAt), what }];
    return [{ reason: "consent_ended", weight: 20, isLikely: true, evidence }];
  }
  if (!isOver(refreshExpiresAt)) return [];
  const what = "the provider had announced that the refresh token ends on this day";
  return [
    {
      reason: "refresh_token_expired",
      weight: 20,
      isLikely: true,
      evidence: [{ at: new Date(refreshExpiresAt), what }],
    },
  ];
}

function testing(grant: GrantFacts, { endings }: ProviderFacts, lives: ClientLives): Weighed[] {
  const life = lifeOfDead(grant);
  const { testingDays } = endings;
  if (testingDays === undefined || !endsInTesting(grant.scope, endings)) return [];
  if (life === undefined) return [{ reason: "testing_status", weight: 2 }];
  const ageMs = testingDays * dayMs;
  if (!isAt(life, ageMs)) return [];
  const announced = announcedTesting(grant, endings);
  if (announced !== undefined) {
    return [{ reason: "testing_status", weight: 30, isLikely: true, evidence: [announced] }];
  }
  const seems = seemsTesting(lives, endings);
  if (seems !== undefined && life.consentedAt >= seems.from && life.consentedAt < seems.until) {
    const what = diedAtAge(seems.died, seems.outlived, testingDays);
    return [
      { reason: "testing_status", weight: 30, isLikely: true, evidence: [{ at: new Date(grant.stateSince), what }] },
    ];
  }
  // One grant that died on that day is little; one that was last seen alive long before is next to nothing.
  return [{ reason: "testing_status", weight: life.deadMs - life.livedMs <= 2 * dayMs ? 6 : 3 }];
}

/** What was inferred, in words. */
export function diedAtAge(died: number, outlived: number, days: number): string {
  const others = outlived === 0 ? "none" : outlived;
  return `${died} grants of this client died ${days} days after their consent, and ${others} of the same time lived on`;
}

/** What speaks for Testing status where the provider announces the end: so many days after the consent. */
export function announcedTesting(
  { consentedAt, consentExpiresAt, refreshExpiresAt, scope }: GrantFacts,
  endings: GrantEndings,
): Evidence | undefined {
  const end = consentExpiresAt ?? refreshExpiresAt;
  const { testingDays } = endings;
  if (testingDays === undefined || end === null || consentedAt === null || !endsInTesting(scope, endings))
    return undefined;
  const isThatLife = Math.abs(end - consentedAt - testingDays * dayMs) <= ageSlackMs / 6;
  const what = `the provider announced at the consent that it ends after ${testingDays} days, as in Testing status`;
  return isThatLife ? { at: new Date(consentedAt), what } : undefined;
}

type GrantEndings = ProviderFacts["endings"];

function unused(grant: GrantFacts, { endings: { idleDays } }: ProviderFacts): Weighed[] {
  const usedAt = Math.max(grant.lastRefreshAt ?? 0, grant.consentedAt ?? grant.createdAt);
  if (idleDays === undefined || grant.stateSince - usedAt < idleDays * dayMs - dayMs) return [];
  const rested = spokenDuration(grant.stateSince - usedAt);
  const what = `the refresh token was used last, ${rested} before it was refused`;
  return [{ reason: "refresh_token_unused", weight: 25, isLikely: true, evidence: [{ at: new Date(usedAt), what }] }];
}

function password({ scope }: GrantFacts, { endings: { passwordScopes = [] } }: ProviderFacts): Weighed[] {
  return hasScopeAmong(scope, passwordScopes) ? [{ reason: "password_changed", weight: 5 }] : [];
}
