/**
 * How long ago something was, on a machine whose clock may be put right at any time and which may sleep. The wall clock jumps;
 * the monotonic one stands still while a laptop sleeps. Of two ways to be wrong, a token that counts as older than it is
 * costs one question, and one that counts as younger is handed out after its end.
 */
import type { Clock } from "../core/clock.ts";

/** A moment, by both clocks. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds since the process began. */
  readonly ticks: number;
}

/** Reads both clocks. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #ticks: () => number;

  /** @param ticks the monotonic clock, milliseconds */
  constructor(clock: Clock, ticks: () => number) {
    this.#clock = clock;
    this.#ticks = ticks;
  }

  now(): Moment {
    return { at: this.#clock.now(), ticks: this.#ticks() };
  }

  /** Milliseconds since a moment, by the clock that has moved further. Never below 0. */
  since({ at, ticks }: Moment): number {
    return Math.max(0, this.#clock.now() - at, this.#ticks() - ticks);
  }
}
