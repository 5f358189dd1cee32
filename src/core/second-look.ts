import type { GrantState } from "./grant-state.ts";
import { clockLeewayMs, remainingMs } from "./recorded-time.ts";

/**
 * When a provider that does not rotate is asked a second time about a token that it refused, milliseconds. Asking again
 * does no harm there, and some providers refuse tokens that live during their bad minutes: two answers within
 * milliseconds say no more than one.
 */
export const lookAgainMs = {
  /** Where nobody has to wait for it: because the access token still lives, or because no caller asks. */
  spaced: 60_000,
  /** Where a caller waits, who has no token that works. */
  whileWaiting: 1_500,
  /** After the grant has lapsed, once. */
  afterLapse: 21_600_000,
} as const;

/** What decides about a look: columns of a grant. Times are milliseconds since the epoch. */
export interface LookedAt {
  readonly state: GrantState;
  /** When the next look is due. Null: none is. */
  readonly lookAt: number | null;
}

/** What decides when a grant is refreshed after a failure. Null or absent: there was none. */
export interface RetryTimes {
  readonly retryAt?: number | null | undefined;
  readonly lookAt?: number | null | undefined;
  readonly lastErrorAt?: number | null | undefined;
}

/** What follows from a refusal. */
export type AfterRefusal =
  /** Leave the grant as it is, and look again at `lookAt`. */
  | { readonly do: "look-later"; readonly lookAt: number }
  /** Wait for so long, and ask again. */
  | { readonly do: "look-now"; readonly waitMs: number }
  /** The evidence is enough. `lookAt`: when the lapsed grant is looked at once more; null: never. */
  | { readonly do: "lapse"; readonly lookAt: number | null }
  /** The grant had lapsed, and the last look has found the same. */
  | { readonly do: "stay-lapsed" };

/**
 * Decides what follows when the provider has refused a grant's token.
 *
 * @param grant as it stood when the token was sent
 * @param mayAskAgain whether the provider does not rotate. Elsewhere a token that is sent again can end its whole family
 * @param needsToken whether a caller waits and has no token that works
 * @param now milliseconds since the epoch
 */
export function afterRefusal(
  { state, lookAt }: LookedAt,
  mayAskAgain: boolean,
  needsToken: boolean,
  now: number,
): AfterRefusal {
  if (state === "lapsed") return { do: "stay-lapsed" };
  if (!mayAskAgain) return { do: "lapse", lookAt: null };
  // This was the second look.
  if (lookAt !== null) return { do: "lapse", lookAt: now + lookAgainMs.afterLapse };
  // What made it suspect is evidence of its own: there is no reason to let hours or minutes pass.
  return needsToken || state === "suspect"
    ? { do: "look-now", waitMs: lookAgainMs.whileWaiting }
    : { do: "look-later", lookAt: now + lookAgainMs.spaced };
}

/**
 * How long a refresh waits before it begins. A caller without a token does not wait for a second look that was put off
 * because nobody needed it: some time has passed since the refusal, and the rest of the short wait is enough.
 *
 * @param grant.retryAt the provider is not asked before this time, milliseconds since the epoch; null: at any time
 * @param grant.lastErrorAt when that was written, milliseconds since the epoch
 * @param needsToken whether a caller waits and has no token that works
 * @param now milliseconds since the epoch
 * @returns milliseconds; 0 or less: begin at once
 */
export function waitBeforeMs({ retryAt, lookAt, lastErrorAt }: RetryTimes, needsToken: boolean, now: number): number {
  const waitMs = remainingMs(retryAt, lastErrorAt, now);
  // Another time than that of the look: a try has failed since, and the provider must be left alone.
  if (!needsToken || lookAt === null || lookAt === undefined || lookAt !== retryAt) return waitMs;
  const refusedAt = lookAt - lookAgainMs.spaced;
  return Math.min(waitMs, refusedAt + lookAgainMs.whileWaiting - now);
}

/**
 * Whether a grant has lapsed and is due for its last look. Then its refresh token may be sent, as that of a usable one.
 *
 * @param now milliseconds since the epoch
 */
export function isDueForLastLook({ state, lookAt }: LookedAt, now: number): boolean {
  return state === "lapsed" && lookAt !== null && (lookAt <= now || lookAt > latestLook(now));
}

/** No look is put off beyond this time. One that seems to be was written by a clock that was ahead, and is due. */
export function latestLook(now: number): number {
  return now + lookAgainMs.afterLapse + clockLeewayMs;
}
