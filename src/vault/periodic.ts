import { isOnbehalfError } from "../core/errors.ts";

/** Work that comes round by itself, one round of each task at a time. */
export class Periodic {
  readonly #onFailure: (task: string, message: string) => void;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #working = new Map<string, Promise<void>>();

  /** @param onFailure told of errors of ours, such as a store that is away; any other error is a bug and not caught */
  constructor(onFailure: (task: string, message: string) => void) {
    this.#onFailure = onFailure;
  }

  /**
   * Runs `work` now and every `ms` milliseconds; a round that takes longer is not joined by the next.
   *
   * @returns runs a round at once
   */
  every(task: string, ms: number, work: () => Promise<void>): () => void {
    const round = (): void => {
      if (this.#working.has(task)) return;
      const done = work()
        .catch((error: unknown) => {
          if (!isOnbehalfError(error)) throw error;
          this.#onFailure(task, error.message);
        })
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
