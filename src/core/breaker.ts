import { remainingMs } from "./recorded-time.ts";
import { backOffMs } from "./refresh.ts";

/**
 * What is known of a provider that fails, or that refuses our client. It decides whether a request is sent now. Plain
 * data: each step returns the next state.
 */
export interface Breaker {
  /** Failures in a row. */
  readonly failures: number;
  /** No request is sent before this time, milliseconds since the epoch. */
  readonly openUntil: number;
  /** When `openUntil` was set, milliseconds since the epoch. */
  readonly setAt: number;
  /** True: the provider said that we send too many requests. False: its answers were of no use, or none came. */
  readonly limited: boolean;
}

export const closedBreaker: Breaker = { failures: 0, openUntil: 0, setAt: 0, limited: false };

/** A failed request that says nothing about a grant. */
export interface ProviderFailure {
  /** How long the provider asks us to wait, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The provider says that we send too many requests. That concerns every grant, not only the one in this request. */
  readonly limited?: boolean | undefined;
  /**
   * The same failure of the same grant was counted before. A firewall may block some grants for what stands in their
   * requests, again and again: they must not keep the provider closed for all others.
   */
  readonly repeated?: boolean | undefined;
}

/** Fewer failures in a row than this may be chance. From this number on, no request is sent for a while. */
const failureThreshold = 5;

/** Whether it has failed so often in a row that it counts as down; not where it only says that we ask too often. */
export function isDown({ failures, limited }: Breaker): boolean {
  return !limited && failures >= failureThreshold;
}

/** How long no request is sent after a probe whose grant has failed in the same way before, milliseconds. */
const repeatedPauseMs = 1_000;

/**
 * The breaker after a failure that says nothing about a grant. Where the provider says that we send too many requests,
 * the first such answer is enough to stop all requests.
 *
 * @param now milliseconds since the epoch
 * @param random in [0, 1)
 * @see https://www.rfc-editor.org/rfc/rfc6585#section-4
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function afterFailure(
  breaker: Breaker,
  now: number,
  random: number,
  { retryAfterMs = 0, limited = false, repeated = false }: ProviderFailure = {},
): Breaker {
  const { failures } = breaker;
  if (repeated && !limited && failures < failureThreshold) return breaker;
  if (repeated && !limited) return { ...breaker, openUntil: now + repeatedPauseMs, setAt: now };
  const inARow = limited ? Math.max(failureThreshold, failures + 1) : failures + 1;
  if (inARow < failureThreshold) return { failures: inARow, openUntil: now, setAt: now, limited };
  // Not full jitter: that may give a pause of 0 ms, and the requests of thousands of waiting grants would go out at
  // once.
  const pauseMs = 250 + backOffMs(inARow - failureThreshold + 1, 0.5 + random / 2, 1_000, 30_000);
  return { failures: inARow, openUntil: now + Math.max(pauseMs, retryAfterMs), setAt: now, limited };
}

/**
 * The breaker after the failure of a request that was sent before the breaker opened. That the provider fails is known
 * already, so the failure is not counted again. The provider may ask for a longer wait, which does count.
 */
export function afterLateFailure(
  breaker: Breaker,
  now: number,
  { retryAfterMs = 0, limited = false }: ProviderFailure = {},
): Breaker {
  const openUntil = now + Math.max(remainingMs(breaker.openUntil, breaker.setAt, now), retryAfterMs);
  return { ...breaker, openUntil, setAt: now, limited: breaker.limited || limited };
}

/**
 * Whether to send a request now.
 *
 * @param now milliseconds since the epoch
 * @returns `ask`: go ahead. `probe`: go ahead, alone. A number: milliseconds to wait
 */
export function mayAsk({ failures, openUntil, setAt }: Breaker, now: number): "ask" | "probe" | number {
  if (failures < failureThreshold) return "ask";
  const waitMs = remainingMs(openUntil, setAt, now);
  return waitMs === 0 ? "probe" : waitMs;
}
