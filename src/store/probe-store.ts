/* Looks at the provider that callers ask for, one row a grant. Times are milliseconds since the epoch. */

/** The last look at the provider for one grant. */
export interface ProbeRow {
  readonly grantId: string;
  readonly begunAt: number;
  /** The grant's generation when the answer was there. Null while the look is under way. */
  readonly generation: number | null;
  /** When the answer was there. Null while the look is under way. */
  readonly checkedAt: number | null;
  /** What was found, as whoever wrote it has put it. Null while the look is under way. */
  readonly answer: string | null;
}

/** Which looks are too old to stand in the way of another one. */
export interface ProbeLimits {
  /** Those that began and ended at this time or before. */
  readonly upTo: number;
  /** Those that began after this time, by a clock that was wrong. */
  readonly notAfter: number;
}

export interface ProbeStore {
  /** @returns undefined where nobody has looked yet */
  probeOf(grantId: string): Promise<ProbeRow | undefined>;
  /**
   * Makes this process the one that looks now. What was found before is gone.
   *
   * @returns true: it may look; false: nothing was changed, since another look has not grown old
   */
  beginProbe(grantId: string, at: number, limits: ProbeLimits): Promise<boolean>;
  /**
   * Keeps what a look has found.
   *
   * @param found.begunAt as `beginProbe` was given it
   * @returns true: kept; false: nothing was changed, since another look has begun meanwhile
   */
  endProbe(found: {
    readonly grantId: string;
    readonly begunAt: number;
    readonly generation: number;
    readonly checkedAt: number;
    readonly answer: string;
  }): Promise<boolean>;
}
