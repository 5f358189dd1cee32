/**
 * When a refresh token or a consent ends, as the provider announced it. Times are milliseconds since the epoch.
 */

/** The ends that are known of a grant. */
export interface AnnouncedEnds {
  /** When the refresh token ends unless it is used before. Null: not announced, or it has no end. */
  readonly refreshExpiresAt: number | null;
  /** When the consent ends, whatever is done. Null: not announced, or it has no end. */
  readonly consentExpiresAt: number | null;
}

/** What a grant's ends were before an answer. */
export interface EndsBefore extends AnnouncedEnds {
  /** When apps are told that it ends; null: they were, or no end is known. */
  readonly announceEndAt?: number | null;
  /** When the last exchange was. */
  readonly exchangedAt: number;
}

/** What an answer says of ends. 0 seconds: there is none. Absent: nothing is said. */
export interface AnnouncedLives {
  readonly receivedAt: number;
  readonly refreshTokenExpiresInSeconds?: number | undefined;
  readonly consentExpiresInSeconds?: number | undefined;
  /** Whether the answer brought a refresh token. */
  readonly hasRefreshToken: boolean;
}

/**
 * The ends that are known after an answer.
 *
 * - What the answer announces counts.
 * - A new refresh token of which nothing is said lives as long as the one before was said to live. It may live longer,
 *   but a grant that nobody uses would be lost if it does not.
 * - The same refresh token keeps its end, unless that has passed: then the token outlived it.
 * - A consent keeps its end in the same way, whatever comes with a refresh.
 *
 * @param before undefined for a new consent: nothing that was said before is about it
 */
export function endsAfter(before: EndsBefore | undefined, answer: AnnouncedLives): AnnouncedEnds {
  const { receivedAt, refreshTokenExpiresInSeconds: refreshLife, consentExpiresInSeconds: consentLife } = answer;
  const unsaid = answer.hasRefreshToken
    ? sameLife(before, receivedAt)
    : stillToCome(before?.refreshExpiresAt, receivedAt);
  return {
    refreshExpiresAt: refreshLife === undefined ? unsaid : endOf(refreshLife, receivedAt),
    consentExpiresAt:
      consentLife === undefined ? stillToCome(before?.consentExpiresAt, receivedAt) : endOf(consentLife, receivedAt),
  };
}

/** When a grant needs a new consent, as far as is known: the earlier of its two ends. */
export function reauthorizeBefore({ refreshExpiresAt, consentExpiresAt }: AnnouncedEnds): number | undefined {
  const end = Math.min(refreshExpiresAt ?? Infinity, consentExpiresAt ?? Infinity);
  return end === Infinity ? undefined : end;
}

function endOf(lifeSeconds: number, receivedAt: number): number | null {
  return lifeSeconds === 0 ? null : receivedAt + lifeSeconds * 1000;
}

function sameLife(before: EndsBefore | undefined, receivedAt: number): number | null {
  if (before === undefined || before.refreshExpiresAt === null) return null;
  const lifeMs = before.refreshExpiresAt - before.exchangedAt;
  return lifeMs > 0 ? receivedAt + lifeMs : null;
}

function stillToCome(end: number | null | undefined, receivedAt: number): number | null {
  return end === null || end === undefined || end <= receivedAt ? null : end;
}
