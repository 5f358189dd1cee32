/**
 * Runs work once per key at a time: a caller who asks while it runs gets the same promise. No caller can abort the
 * work: other callers, and the stored grant, depend on its end.
 */
export class SingleFlight<K, V> {
  readonly #running = new Map<K, Promise<V>>();

  /** Runs `work` for `key`, or joins the run that is under way. */
  do(key: K, work: () => Promise<V>): Promise<V> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    // The async function turns an error that `work` throws before its first await into a rejection.
    const run = (async () => work())().finally(() => {
      this.#running.delete(key);
    });
    this.#running.set(key, run);
    return run;
  }

  /** For how many keys work is under way. */
  get size(): number {
    return this.#running.size;
  }

  /** Resolves when all work that is under way now has ended, whether it succeeded or failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }
}

/**
 * Waits for `promise`, or until `signal` aborts. The work behind the promise goes on either way.
 *
 * @throws the signal's reason, where it aborts first
 * @throws what the promise rejects with
 */
export async function waitFor<V>(promise: Promise<V>, signal?: AbortSignal): Promise<V> {
  if (signal === undefined) return await promise;
  // After an abort nobody waits for it: a rejection that nobody handles would end the process and all other work in it.
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener("abort", stop);
  }
}
