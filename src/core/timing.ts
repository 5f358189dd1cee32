/**
 * How long things may take, in milliseconds. Each limit follows from the one before it: whoever waits for an exchange
 * must wait longer than an exchange may take, or it gives up on an answer that is about to be stored.
 */

/** One exchange with a provider, from the request to the last byte of the answer. */
export const exchangeLimitMs = 30_000;

/** A process that ends waits so long for exchanges that are under way: a spent token must be stored first. */
export const drainLimitMs: number = exchangeLimitMs + 10_000;

/** A request waits so long for another process that is refreshing the same grant, or for the keeper. */
export const holderWaitMs: number = drainLimitMs + 5_000;

/**
 * After so long an attempt is taken over from an owner of whom nothing is known, though its token may be used up: the
 * grant would be stuck for ever otherwise.
 */
export const takeOverLimitMs = 300_000;

/** A request may need so long to reach a provider. So long before a grace period may end, nobody begins a request. */
export const arrivalMs = 5_000;

/** @throws TypeError where a limit is not longer than the one before it */
function assertAscending(...limits: readonly number[]): void {
  for (const [index, limit] of limits.entries()) {
    if (index > 0 && limit <= (limits[index - 1] ?? 0))
      throw new TypeError(`limit ${index} is not longer than the one before it: ${limits.join(", ")}`);
  }
}

assertAscending(arrivalMs, exchangeLimitMs, drainLimitMs, holderWaitMs, takeOverLimitMs);
