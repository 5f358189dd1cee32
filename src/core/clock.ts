/**
 * Where every part of Onbehalf reads the time. Production uses the machine's own; tests and the demo use one that they
 * can move, made by {@link fixedClock} or {@link movableClock}.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * The time of the people who sit before it, which nobody moves: how long an operator may be signed in is measured by it. Default:
   * {@link now}.
   */
  peoplesTime?(): number;
}

/** A clock that can be moved forward, for tests and the demo. */
export interface MovableClock extends Clock {
  /** Moves the clock forward by `ms` milliseconds. */
  advance(ms: number): void;
}

/** The machine's own time. A monotonic clock would not do: it stands still while a laptop sleeps. */
export const systemClock: Clock = { now: Date.now };

/**
 * Makes a clock that stands still until it is moved.
 *
 * @param start milliseconds since the Unix epoch, a date, or its ISO 8601 text
 */
export function fixedClock(start: string | number | Date): MovableClock {
  let now = new Date(start).getTime();
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

/**
 * Makes a clock that runs with another one and can be moved ahead of it. The demo shares one between service and
 * stand-in.
 *
 * @param base the clock to run with; the machine's own time by default
 */
export function movableClock(base: Clock = systemClock): MovableClock {
  let ahead = 0;
  return {
    now: () => base.now() + ahead,
    peoplesTime: () => base.now(),
    advance: (ms) => {
      ahead += ms;
    },
  };
}
