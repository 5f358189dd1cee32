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
}

export const closedBreaker: Breaker = { failures: 0, openUntil: 0 };

/** So many failures in a row may be chance; from then on everybody waits together. */
const patience = 5;

/**
 * After a failure that says nothing about a grant.
 *
 * @param retryAfterMs what the provider asked for
 * @param random in [0, 1)
 */
export function afterFailure({ failures }: Breaker, now: number, random: number, retryAfterMs?: number): Breaker {
  const inARow = failures + 1;
  // Less than full jitter here: a pause of nothing would let the next of thousands straight through.
  const pauseMs = inARow < patience ? 0 : 250 + backOffMs(inARow - patience + 1, 0.5 + random / 2, 1_000, 30_000);
  return { failures: inARow, openUntil: now + Math.max(pauseMs, inARow < patience ? 0 : (retryAfterMs ?? 0)) };
}

/**
 * Whether to ask now.
 *
 * @returns `ask`; or `probe`: ask, and nobody else until the answer is there; or how long to wait, milliseconds
 */
export function mayAsk({ failures, openUntil }: Breaker, now: number): "ask" | "probe" | number {
  if (failures < patience) return "ask";
  return now >= openUntil ? "probe" : openUntil - now;
}
