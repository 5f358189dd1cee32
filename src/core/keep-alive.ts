/** When a grant that nobody uses is refreshed all the same. Times are milliseconds since the epoch. */
import { isInFuture } from "./recorded-time.ts";

const dayMs = 86_400_000;

/** How long a refresh token may be unused where the provider's record does not say it, days. */
export const defaultKeepAliveDays = 30;

/** From this part of the allowed time on, a grant is refreshed, and at the whole of it at the latest. */
const firstShare = 0.8;

/** From this part of a refresh token's announced life on, it is used, and at {@link lastOfLife} at the latest. */
const firstOfLife = 0.5;
const lastOfLife = 0.7;

/** What is known of a grant that nobody uses. */
export interface IdleGrant {
  /** When the last exchange was. */
  readonly exchangedAt: number;
  /** When the refresh token ends unless it is used before; null where nobody said. */
  readonly refreshExpiresAt: number | null;
}

/**
 * When an idle grant is refreshed: after 80 to 100 % of the days that the provider's record allows, 24 to 30 by default,
 * and where the provider announced when the refresh token ends, after 50 to 70 % of that life.
 *
 * @param keepAliveDays how long a refresh token may be unused, days
 * @param share where in these spans, in [0, 1); always the same for a grant, and different between grants
 */
export function keepAliveAt(
  { exchangedAt, refreshExpiresAt }: IdleGrant,
  keepAliveDays: number,
  share: number,
): number {
  const byRecord = exchangedAt + Math.floor(keepAliveDays * dayMs * (firstShare + (1 - firstShare) * share));
  if (refreshExpiresAt === null) return byRecord;
  const part = firstOfLife + (lastOfLife - firstOfLife) * share;
  return Math.min(byRecord, exchangedAt + Math.floor((refreshExpiresAt - exchangedAt) * part));
}

/**
 * Whether an idle grant is refreshed now. One whose last exchange was in our future is: a clock was wrong, and nobody
 * knows how long it has been idle.
 */
export function isKeepAliveDue(grant: IdleGrant, keepAliveDays: number, share: number, now: number): boolean {
  return isInFuture(grant.exchangedAt, now) || keepAliveAt(grant, keepAliveDays, share) <= now;
}

/** No grant whose last exchange was after this time is due by the provider's record. */
export function idleBefore(keepAliveDays: number, now: number): number {
  return now - Math.floor(keepAliveDays * dayMs * firstShare);
}
