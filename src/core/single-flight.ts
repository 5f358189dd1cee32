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
 * Reads that many ask for at once: one runs, and all who ask meanwhile share the one after it. What anybody is given was
 * read after they asked, so that nobody is given what had ended by then.
 */
export class SharedReads<K, V> {
  readonly #running = new Map<K, Promise<V>>();
  readonly #next = new Map<K, Promise<V>>();

  /** Reads at once where no read of `key` runs, and otherwise when that one has ended. */
  do(key: K, read: () => Promise<V>): Promise<V> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key, read);
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const start = (): Promise<V> => {
      this.#next.delete(key);
      return this.#start(key, read);
    };
    const next = running.then(start, start);
    this.#next.set(key, next);
    return next;
  }

  #start(key: K, read: () => Promise<V>): Promise<V> {
    const run = (async () => read())();
    this.#running.set(key, run);
    const end = (): void => {
      // Another one may have begun since.
      if (this.#running.get(key) === run) this.#running.delete(key);
    };
    run.then(end, end);
    return run;
  }
}

/** What was made for `key` before, or what `make` makes of it now. */
export function once<K extends object, V>(made: WeakMap<K, V>, key: K, make: () => V): V {
  const known = made.get(key);
  if (known !== undefined) return known;
  const value = make();
  made.set(key, value);
  return value;
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
