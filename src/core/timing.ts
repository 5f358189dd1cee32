/**
 * How long things may take, in milliseconds. Each limit follows from the one before it: a process that waits for an
 * exchange must wait longer than an exchange may take. Otherwise it gives up while the answer is about to be stored.
 */

/** One exchange with a provider, from the request to the last byte of the answer. */
export const exchangeLimitMs = 30_000;

/**
 * How long a process that ends waits for exchanges that are under way. What the provider answers must be stored first:
 * the token that was sent may be used up.
 */
export const drainLimitMs: number = exchangeLimitMs + 10_000;

/** How long a request waits for another process that is refreshing the same grant, or for the keeper. */
export const holderWaitMs: number = drainLimitMs + 5_000;

/**
 * How long a keeper may take to end: its background work has begun exchanges of its own, and their answers may have to
 * wait for the store. What is not stored then is in the rescue journal, and the next process commits it.
 */
export const keeperCloseLimitMs: number = 2 * drainLimitMs + 5_000;

/**
 * How old an attempt must be before it is taken over from an owner of whom nothing is known. Its token may be used up,
 * but without this limit the grant would be stuck for ever.
 */
export const takeOverLimitMs = 300_000;

/**
 * How long a request may need to reach a provider. No request is begun closer than this to the end of a grace period:
 * it might arrive too late.
 */
export const arrivalMs = 5_000;

/**
 * How long a request waits for the record of what it is about to be given. Longer than a commit takes on a slow disk, and
 * about as long as SQLite's other writers are waited for.
 */
export const auditWaitMs = 6_000;

/** @throws TypeError where a limit is not longer than the one before it */
function assertAscending(...limits: readonly number[]): void {
  for (const [index, limit] of limits.entries()) {
    if (index > 0 && limit <= (limits[index - 1] ?? 0))
      throw new TypeError(`limit ${index} is not longer than the one before it: ${limits.join(", ")}`);
  }
}

assertAscending(arrivalMs, exchangeLimitMs, drainLimitMs, holderWaitMs, keeperCloseLimitMs, takeOverLimitMs);
