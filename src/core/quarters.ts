/** The quarter of an hour: how exactly it is known when refreshes ended. Milliseconds. */
export const quarterMs: number = 900_000;

/** How long counts are kept, milliseconds: eight days, so that a week can be seen whole. */
export const countsKeptMs: number = 8 * 86_400_000;

/** When the quarter of an hour began in which this time is. */
export function quarterOf(at: number): number {
  return at - (at % quarterMs);
}
