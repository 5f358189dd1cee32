/** The clock that a stand-in reads. One with `advance` is moved together with the stand-in's. */
export interface StandinClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Moves the clock forward by `ms` milliseconds. */
  advance?(ms: number): void;
}

/** The stand-in's own time: every expiry in it is a comparison with this, never a timer. */
export interface OwnClock {
  now(): number;
  advance(ms: number): void;
}

// oxlint-disable-next-line eslint/no-restricted-properties -- the stand-in imports nothing of the rest, so it has its own way to the machine's time
const machine: StandinClock = { now: () => Date.now() };

/** A clock that can be moved: the given one where it has `advance`, else that one with an offset of our own. */
export function ownClock(base: StandinClock = machine): OwnClock {
  if (base.advance !== undefined) return base as OwnClock;
  let ahead = 0;
  return {
    now: () => base.now() + ahead,
    advance: (ms) => {
      ahead += ms;
    },
  };
}

/** Whole seconds since the epoch, as OAuth and JWT count. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

export const hourMs = 3_600_000;
export const dayMs: number = 24 * hourMs;
