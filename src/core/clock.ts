/** Where every part of Onbehalf reads the time. Tests and the demo move it; production uses {@link systemClock}. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** A clock that can be moved forward, for tests and the demo. */
export interface MovableClock extends Clock {
  /** Moves the clock by `ms` milliseconds. */
  advance(ms: number): void;
}

/** The machine's own time. Not derived from a monotonic clock: that one stands still while a laptop sleeps. */
export const systemClock: Clock = { now: Date.now };

/** Stands still at `start` until it is moved. */
export function fixedClock(start: string | number | Date): MovableClock {
  let now = new Date(start).getTime();
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

/** Runs with real time, plus what it was moved by. The demo shares one between service and stand-in. */
export function movableClock(base: Clock = systemClock): MovableClock {
  let ahead = 0;
  return {
    now: () => base.now() + ahead,
    advance: (ms) => {
      ahead += ms;
    },
  };
}
