/**
 * One call per key at a time: whoever asks while it runs gets the same promise.
 * The work outlives those who asked for it: a caller who hangs up must not abort a refresh that others, and the
 * stored grant, depend on.
 */
export class SingleFlight<K, V> {
  readonly #running = new Map<K, Promise<V>>();

  /** Runs `work` for `key`, or joins the run that is under way. */
  do(key: K, work: () => Promise<V>): Promise<V> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    // Begun in an async function, so that work that throws before its first await is a rejection like any other.
    const run = (async () => work())().finally(() => {
      this.#running.delete(key);
    });
    this.#running.set(key, run);
    return run;
  }

  /** How many keys have work under way. */
  get size(): number {
    return this.#running.size;
  }

  /** Resolves when all work that is under way now has ended, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }
}

/**
 * Waits for `promise`, or until `signal` aborts; the work behind the promise goes on either way.
 *
 * @throws the signal's reason, when it aborts first
 */
export async function waitFor<V>(promise: Promise<V>, signal?: AbortSignal): Promise<V> {
  if (signal === undefined) return await promise;
  // Nobody may be waiting when it rejects: an unhandled rejection would end the process, and all other work in it.
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
