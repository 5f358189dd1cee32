/** When a grant that nobody uses is refreshed all the same. Times are milliseconds since the epoch. */
import { isInFuture } from "./recorded-time.ts";

const dayMs = 86_400_000;

/** How long a refresh token may be unused where the provider's record does not say it, days. */
export const defaultKeepAliveDays = 30;

/** From this part of the allowed time on, a grant is refreshed, and at the whole of it at the latest. */
const firstShare = 0.8;

/** In so many parts the times are divided at which idle grants are refreshed: as many as there are characters in base64url. */
export const keepAliveSlots = 64;

/**
 * A refresh token's announced life is counted in parts of this number. From half of them on it is used, and at
 * 160 + {@link keepAliveSlots} of them, 70 %, at the latest. Indexes of the stores hold both numbers.
 */
const partsOfLife = 320;

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** In which part a grant is refreshed, from 0: every process, and the store, must come to the same. Its id is random. */
export function keepAliveSlot(grantId: string): number {
  return Math.max(0, base64url.indexOf(grantId.charAt(2)));
}

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
 * @param slot where in these spans: {@link keepAliveSlot}
 */
export function keepAliveAt({ exchangedAt, refreshExpiresAt }: IdleGrant, keepAliveDays: number, slot: number): number {
  const byRecord = exchangedAt + idleSpan(keepAliveDays, slot);
  if (refreshExpiresAt === null) return byRecord;
  return Math.min(byRecord, Math.floor(announcedAt({ exchangedAt, refreshExpiresAt }, slot)));
}

/**
 * Whether an idle grant is refreshed now. One whose last exchange was in our future is: a clock was wrong, and nobody
 * knows how long it has been idle.
 */
export function isKeepAliveDue(grant: IdleGrant, keepAliveDays: number, slot: number, now: number): boolean {
  return isInFuture(grant.exchangedAt, now) || keepAliveAt(grant, keepAliveDays, slot) <= now;
}

/** The grants of a slot that are due by the provider's record are those whose last exchange was before this time. */
export function idleBefore(keepAliveDays: number, slot: number, now: number): number {
  return now - idleSpan(keepAliveDays, slot) + 1;
}

/**
 * Bounds by which a store finds the slots that may have grants due by the provider's record: those with an exchange before
 * `before`, less the slot's number times `stepMs`. They are at most {@link keepAliveSlots} milliseconds later than
 * {@link idleBefore}, so that none is missed.
 */
export function idleBounds(keepAliveDays: number, now: number): { readonly before: number; readonly stepMs: number } {
  const stepMs = Math.floor((keepAliveDays * dayMs * (1 - firstShare)) / keepAliveSlots);
  return { before: idleBefore(keepAliveDays, 0, now), stepMs };
}

/** When a grant is refreshed because its refresh token has an announced end; a fraction of a millisecond and all. */
export function announcedAt(
  { exchangedAt, refreshExpiresAt }: { readonly exchangedAt: number; readonly refreshExpiresAt: number },
  slot: number,
): number {
  const half = partsOfLife / 2;
  return (exchangedAt * (half - slot) + refreshExpiresAt * (half + slot)) / partsOfLife;
}

/** A time of {@link announcedAt} as the stores have it in their index: a whole number. */
export function inPartsOfLife(time: number): number {
  return Math.round(time * partsOfLife);
}

function idleSpan(keepAliveDays: number, slot: number): number {
  return Math.floor(keepAliveDays * dayMs * (firstShare + ((1 - firstShare) * slot) / keepAliveSlots));
}
