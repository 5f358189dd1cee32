/**
 * Times that were written down, read by a clock that may have been wrong then, or be wrong now: a machine's clock is put
 * right, and two machines differ. All are milliseconds since the epoch.
 */

/**
 * How far two clocks may differ before one of them counts as wrong, milliseconds. Machines that keep time by NTP differ
 * by much less.
 */
export const clockLeewayMs = 10_000;

/**
 * Whether something was written down at a time that has not come yet. Then the clock was wrong when it was written, or
 * is wrong now, and the difference of the two times says nothing.
 */
export function isInFuture(at: number, now: number): boolean {
  return at > now + clockLeewayMs;
}

/** Whether something happened less than `ms` ago. What happened in our future did not, or nobody knows when. */
export function isRecent(at: number, now: number, ms: number): boolean {
  return !isInFuture(at, now) && now - at < ms;
}

/**
 * How long to wait still: never longer than the wait was when it was set, and not at all where it was set in our future.
 * Otherwise a clock that was a day ahead for a moment would stop everything for a day.
 *
 * @param until when the wait ends; null or undefined: there is none
 * @param setAt when it was set; null or undefined: not known
 * @returns milliseconds; 0: no longer
 */
export function remainingMs(until: number | null | undefined, setAt: number | null | undefined, now: number): number {
  if (until === null || until === undefined) return 0;
  if (setAt === null || setAt === undefined) return Math.max(0, until - now);
  return isInFuture(setAt, now) ? 0 : Math.max(0, Math.min(until - now, until - setAt));
}
