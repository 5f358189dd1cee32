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
  /** By this process's monotonic clock; 0 says at once. */
  readonly #firstAt: number;
  readonly #ends: (() => void)[] = [];
  readonly #working = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  /**
   * @param onError told of what a round failed with: an error in a round must not end the process. Must not throw
   * @param firstAfterMs how long from now on no round begins, milliseconds; 0, the default: the first ones begin at once
   */
  constructor(onError: (error: unknown, task: string) => void, firstAfterMs: number = 0) {
    this.#onError = onError;
    this.#firstAt = firstAfterMs === 0 ? 0 : performance.now() + firstAfterMs;
  }

  /**
   * Runs `work` as soon as rounds may begin, and every `ms` milliseconds. While a round is under way, no other round of the task begins. After a
   * round that failed, the next one comes all the same.
   *
   * @param work its signal aborts when no further round will come: what may be given up, should be
   */
  every(task: string, ms: number, work: (signal: AbortSignal) => Promise<void>): Rounds {
    const begin = (): void => {
      if (this.#working.has(task) || this.#stopping.signal.aborted) return;
      this.#working.set(task, this.#round(task, work));
    };
    const leftMs = this.#firstAt - performance.now();
    if (leftMs <= 0) begin();
    else setTimeout(begin, leftMs).unref();
    const beat = (): void => {
      if (performance.now() >= this.#firstAt) begin();
    };
    let end = onBeat(ms, beat);
    this.#ends.push(() => end());
    return {
      begin,
      pace: (next) => {
        end();
        if (!this.#stopping.signal.aborted) end = onBeat(next, beat);
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
