const lateMs = 100;

/** When the next token may be sent: no faster than the rate, and not while the provider or the store needs a pause. */
export class Pace {
  readonly #everyMs: number;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #now: () => number;
  #nextAt: number;
  #pausedUntil = 0;
  /** When something last came back that was no pause. */
  #answeredAt: number;
  /** Counts such answers: whoever waits sees whether the others fare better. */
  #answers = 0;

  /** @param perSecond more than 0 */
  constructor(perSecond: number, sleep: (ms: number) => Promise<void>, now: () => number = () => performance.now()) {
    this.#everyMs = 1_000 / perSecond;
    this.#sleep = sleep;
    this.#now = now;
    this.#answeredAt = now();
    this.#nextAt = now();
  }

  get answers(): number {
    return this.#answers;
  }

  /** How long nothing but pauses has come back, milliseconds. */
  get silentForMs(): number {
    return this.#now() - this.#answeredAt;
  }

  /** Waits for a turn. */
  async turn(): Promise<void> {
    for (;;) {
      const now = this.#now();
      const at = Math.max(now, this.#pausedUntil, this.#nextAt);
      if (at > now) {
        // Whoever waits takes no turn: a pause may begin meanwhile, and then all would go at once at its end.
        await this.#sleep(Math.min(at - now, 1_000));
        continue;
      }
      // Timers are late by some milliseconds, which are caught up on.
      this.#nextAt = Math.max(now - lateMs, this.#nextAt) + this.#everyMs;
      return;
    }
  }

  /** Everybody waits for so long. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#now() + ms);
  }

  answered(): void {
    this.#answers += 1;
    this.#answeredAt = this.#now();
  }
}
