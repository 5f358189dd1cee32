/** Work that comes round by itself, one round of each task at a time. */
export class Periodic {
  readonly #onError: (error: unknown, task: string) => void;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #working = new Map<string, Promise<void>>();

  /** @param onError told of whatever a round failed with: a round must not end the process it runs in */
  constructor(onError: (error: unknown, task: string) => void) {
    this.#onError = onError;
  }

  /**
   * Runs `work` now and every `ms` milliseconds. A round that takes longer is not joined by the next, and after one that
   * failed the next comes all the same.
   *
   * @returns runs a round at once
   */
  every(task: string, ms: number, work: () => Promise<void>): () => void {
    const round = (): void => {
      if (this.#working.has(task)) return;
      const done = work()
        .catch((error: unknown) => this.#onError(error, task))
        .finally(() => this.#working.delete(task));
      this.#working.set(task, done);
    };
    round();
    this.#timers.push(setInterval(round, ms).unref());
    return round;
  }

  /** Begins nothing new, and waits for what is under way. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#working.values());
  }
}
