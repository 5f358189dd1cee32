/** The longest pause, in rounds. For tasks that run every 5 or 15 seconds it is 20 minutes or an hour. */
const longestPause = 240;

/**
 * Back-off of a periodic task: what fails again is left out for ever more rounds. Kept in memory, because a new process
 * may well try each once; and counted in rounds, so that no clock that is put forward or back can end or prolong it.
 */
export class RoundBackOff {
  readonly #waiting = new Map<string, { readonly failures: number; readonly dueAt: number }>();
  #round = 0;

  /** Begins a round. */
  nextRound(): void {
    this.#round += 1;
    // What is over fails no more, and is forgotten some rounds after it was due.
    for (const [key, { dueAt }] of this.#waiting) {
      if (dueAt + longestPause < this.#round) this.#waiting.delete(key);
    }
  }

  /** Whether this round should try it. */
  isDue(key: string): boolean {
    return (this.#waiting.get(key)?.dueAt ?? 0) <= this.#round;
  }

  /** It failed in this round. The first time it is due again in the next round, then in 2, 4, 8 and so on. */
  failed(key: string): void {
    const failures = (this.#waiting.get(key)?.failures ?? 0) + 1;
    this.#waiting.set(key, { failures, dueAt: this.#round + Math.min(longestPause, 2 ** (failures - 1)) });
  }
}
