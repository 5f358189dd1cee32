import { clockLeewayMs, isInFuture } from "./recorded-time.ts";

/**
 * From when to when an access token is handed out. Times are milliseconds since the epoch, by the clock of the machine
 * that reads them; a clock may be wrong and be put right, and two machines may differ.
 */

/** What is known of an access token's life. */
export interface TokenLife {
  /** When the request for it was sent. */
  readonly issuedAt: number;
  /** When it expires; null where the provider did not say. */
  readonly expiresAt: number | null;
  /** Whether there is a refresh token, which gets another one. */
  readonly isRefreshable: boolean;
}

/** The columns of a grant that tell of its access token. Null: it holds none, or nobody knows. */
export interface TokenLifeColumns {
  readonly accessSealed: Uint8Array | null;
  readonly accessIssuedAt: number | null;
  readonly accessExpiresAt: number | null;
  readonly refreshSealed: Uint8Array | null;
}

/** The life of a grant's access token; undefined where it holds none. */
export function lifeOf({
  accessSealed,
  accessIssuedAt,
  accessExpiresAt,
  refreshSealed,
}: TokenLifeColumns): TokenLife | undefined {
  if (accessSealed === null) return undefined;
  return { issuedAt: accessIssuedAt ?? 0, expiresAt: accessExpiresAt, isRefreshable: refreshSealed !== null };
}

/** The life of a grant's access token, where it may be handed out at all. */
export function servedLifeOf(
  row: TokenLifeColumns & { readonly state: string; readonly stateSince: number },
  now: number,
): TokenLife | undefined {
  // A suspect grant's token counts as ended since then. Where that time is yet to come, because a clock was wrong, the
  // token would be served until it comes.
  return row.state === "suspect" && isInFuture(row.stateSince, now) ? undefined : lifeOf(row);
}

/**
 * How old a token becomes whose end nobody said, before another one is got, milliseconds. Most access tokens live for an
 * hour. It is no end: where the refresh fails, the old one is handed out until an API refuses it.
 */
export const unknownEndAgeMs = 3_600_000;

/** A token that can never live as long as was asked is replaced when less than this part of its life is left. */
const lastShare = 0.3;

/** How long a token that had ended when it came is not asked for again, milliseconds. */
const endedAtOnceWaitMs = 30_000;

/**
 * Whether a token can be handed out, as far as is known. One whose end is known and that was issued in our future is
 * not: it may have ended long ago.
 */
export function isLiving({ issuedAt, expiresAt }: TokenLife, now: number): boolean {
  return expiresAt === null || (expiresAt > now && !isInFuture(issuedAt, now));
}

/**
 * Whether a token is handed out as it is, without a refresh before.
 *
 * A token whose whole life is no longer than what is asked for is fresh while 30 % of that life is left: otherwise each
 * call would be a refresh, and none of them would help.
 *
 * @param minTtlMs how long it must still live, milliseconds
 */
export function isFresh(life: TokenLife, now: number, minTtlMs: number): boolean {
  const { issuedAt, expiresAt, isRefreshable } = life;
  if (!isLiving(life, now)) return false;
  if (expiresAt === null) {
    return !isRefreshable || (!isInFuture(issuedAt, now) && now - issuedAt < unknownEndAgeMs);
  }
  const wholeMs = expiresAt - issuedAt;
  return expiresAt - now >= (wholeMs <= minTtlMs ? wholeMs * lastShare : minTtlMs);
}

/** From when to when {@link isFresh} says yes, both included, whole milliseconds since the epoch. */
export function freshBetween(
  { issuedAt, expiresAt, isRefreshable }: TokenLife,
  minTtlMs: number,
): { readonly from: number; readonly until: number } {
  if (expiresAt === null && !isRefreshable) return { from: -Infinity, until: Infinity };
  const from = issuedAt - clockLeewayMs;
  if (expiresAt === null) return { from, until: issuedAt + unknownEndAgeMs - 1 };
  const wholeMs = expiresAt - issuedAt;
  const neededMs = wholeMs <= minTtlMs ? wholeMs * lastShare : minTtlMs;
  return { from, until: expiresAt - Math.max(1, Math.ceil(neededMs)) };
}

/**
 * When a token ends: never further off than the life that the provider announced. Undefined where nobody knows.
 *
 * @returns milliseconds since the epoch
 */
export function endOf({ issuedAt, expiresAt }: TokenLife, now: number): number | undefined {
  return expiresAt === null ? undefined : Math.min(expiresAt, now + Math.max(0, expiresAt - issuedAt));
}

/**
 * When to refresh a token in the background: at 70 to 85 % of its life, so that tokens that came together are not
 * refreshed together. `Infinity` where nothing can be refreshed.
 *
 * @param random in [0, 1): where in that range
 * @returns milliseconds since the epoch
 */
export function refreshAheadAt({ issuedAt, expiresAt, isRefreshable }: TokenLife, random: number): number {
  if (!isRefreshable) return Infinity;
  const wholeMs = expiresAt === null ? unknownEndAgeMs : expiresAt - issuedAt;
  return issuedAt + Math.floor(wholeMs * (0.7 + 0.15 * random));
}

/** When somebody who keeps a copy of a token asks for the next one: later than it is refreshed here, so that it is there. */
const askAgainShare = 0.85;

/**
 * When somebody who keeps a copy of a token should ask again.
 *
 * @param expiresAt when it ends; undefined where nobody knows
 * @returns milliseconds since the epoch; never after the token's end
 */
export function askAgainAt(issuedAt: number, expiresAt: number | undefined): number {
  if (expiresAt === undefined) return issuedAt + Math.floor(unknownEndAgeMs * askAgainShare);
  return Math.min(expiresAt, issuedAt + Math.floor((expiresAt - issuedAt) * askAgainShare));
}

/**
 * How long to wait before the provider is asked again that gave a token which had ended when it came: it would give such
 * a one to each call.
 *
 * @returns milliseconds; 0: the token had a life
 */
export function endedAtOnceMs({ issuedAt, expiresAt }: TokenLife, now: number): number {
  if (expiresAt === null || expiresAt > issuedAt || isInFuture(issuedAt, now)) return 0;
  return Math.max(0, issuedAt + endedAtOnceWaitMs - now);
}
