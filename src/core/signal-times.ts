/** How old a security event may be, and for how long it is remembered. One must be longer than the other. */

/**
 * How old a token may be, milliseconds: two weeks. It may be delivered again after this service was away, and has no end of
 * its own.
 */
export const oldestSignalMs = 1_209_600_000;
/** How far it may seem to come from the future, milliseconds. A wrong clock here must not lose it: nobody sends it again. */
export const futureLeewayMs = 600_000;
/**
 * How long it is remembered that one came, milliseconds: as long as the same one could come again and be accepted, and a day
 * more, since clocks differ.
 */
export const signalKeptMs: number = oldestSignalMs + futureLeewayMs + 86_400_000;
