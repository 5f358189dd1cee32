import { onBeat } from "./beat.ts";

/** The rounds of one task. */
export interface Rounds {
  /** Begins a round at once, unless one is under way. */
  readonly begin: () => void;
  /** From now on rounds come so often, milliseconds. */
  readonly pace: (ms: number) => void;
}

/** Runs tasks again and again, one round of each task at a time. */
export class Periodic {
  readonly #onError: (error: unknown, task: string) => void;
  readonly #firstAfterMs: number;
  readonly #ends: (() => void)[] = [];
  readonly #working = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  /**
   * @param onError told of what a round failed with: an error in a round must not end the process. Must not throw
   * @param firstAfterMs when the first rounds begin, milliseconds from now on; 0, the default: at once
   */
  constructor(onError: (error: unknown, task: string) => void, firstAfterMs: number = 0) {
    this.#onError = onError;
    this.#firstAfterMs = firstAfterMs;
  }

  /**
   * Runs `work` when first rounds begin, and every `ms` milliseconds. While a round is under way, no other round of the task begins. After a
   * round that failed, the next one comes all the same.
   *
   * @param work its signal aborts when no further round will come: what may be given up, should be
   */
  every(task: string, ms: number, work: (signal: AbortSignal) => Promise<void>): Rounds {
    const begin = (): void => {
      if (this.#working.has(task) || this.#stopping.signal.aborted) return;
      this.#working.set(task, this.#round(task, work));
    };
    if (this.#firstAfterMs === 0) begin();
    else setTimeout(begin, this.#firstAfterMs).unref();
    let end = onBeat(ms, begin);
    this.#ends.push(() => end());
    return {
      begin,
      pace: (next) => {
        end();
        if (!this.#stopping.signal.aborted) end = onBeat(next, begin);
      },
    };
  }

  /** Never rejects: nobody waits for it, and a rejection that nobody handles ends the process. */
  async #round(task: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      // The inner function turns what `work` throws before its first await into a rejection, so that the round is listed
      // before it ends.
      await (async () => work(this.#stopping.signal))();
    } catch (error) {
      this.#onError(error, task);
    } finally {
      this.#working.delete(task);
    }
  }

  /** Begins nothing new, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const end of this.#ends) end();
    await Promise.all(this.#working.values());
  }
}
