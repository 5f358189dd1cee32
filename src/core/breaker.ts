import { backOffMs } from "./refresh.ts";

/**
 * Whether one provider, or our client at one provider, is worth asking just now. Plain data: every step makes the
 * next one.
 */
export interface Breaker {
  /** Failures in a row. */
  readonly failures: number;
  /** Nobody is let through before this time, milliseconds since the epoch. */
  readonly openUntil: number;
  /** Why: the provider said that we ask too often, rather than nothing useful. */
  readonly limited: boolean;
}

export const closedBreaker: Breaker = { failures: 0, openUntil: 0, limited: false };

/** An answer that says nothing about a grant. */
export interface ProviderFailure {
  /** What the provider asked for, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** We ask too often: that is about us all, whoever's turn it was. */
  readonly limited?: boolean | undefined;
}

/** So many failures in a row may be chance; from then on everybody waits together. */
const failureThreshold = 5;

/**
 * After a failure that says nothing about a grant. Being told once that we ask too often is enough to stop everybody.
 *
 * @param random in [0, 1)
 * @see RFC 6585 section 4; RFC 9110 section 10.2.3
 */
export function afterFailure(
  { failures }: Breaker,
  now: number,
  random: number,
  { retryAfterMs = 0, limited = false }: ProviderFailure = {},
): Breaker {
  const inARow = limited ? Math.max(failureThreshold, failures + 1) : failures + 1;
  if (inARow < failureThreshold) return { failures: inARow, openUntil: now, limited };
  // Less than full jitter here: a pause of nothing would let the next of thousands straight through.
  const pauseMs = 250 + backOffMs(inARow - failureThreshold + 1, 0.5 + random / 2, 1_000, 30_000);
  return { failures: inARow, openUntil: now + Math.max(pauseMs, retryAfterMs), limited };
}

/**
 * After a failure of a request that was let through before the breaker opened. It is no news that the provider fails;
 * only how long it wants to be left alone may be.
 */
export function afterLateFailure(
  breaker: Breaker,
  now: number,
  { retryAfterMs = 0, limited = false }: ProviderFailure = {},
): Breaker {
  const openUntil = Math.max(breaker.openUntil, now + retryAfterMs);
  return { ...breaker, openUntil, limited: breaker.limited || limited };
}

/**
 * Whether to ask now.
 *
 * @returns `ask`; or `probe`: ask, and nobody else until the answer is there; or how long to wait, milliseconds
 */
export function mayAsk({ failures, openUntil }: Breaker, now: number): "ask" | "probe" | number {
  if (failures < failureThreshold) return "ask";
  return now >= openUntil ? "probe" : openUntil - now;
}
