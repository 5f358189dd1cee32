/** What gathers in front of a database, and how it is taken. */
export interface Gathering<Item> {
  /** How many takings may be under way. */
  readonly places: number;
  /**
   * How long a taking may be under way before another one begins beside it, milliseconds; 0 by default. Until then what comes
   * gathers: takings that follow one another are larger, and cost less, than takings beside one another.
   */
  readonly besideAfterMs?: number;
  /** So few are not shared out among the places that are free: 1 by default. */
  readonly together?: number;
  /** The largest number of items in one taking. */
  readonly most: number;
  /** How long an item may wait to be taken, milliseconds. */
  readonly patienceMs: number;
  /** What an item must have for itself while it is under way. */
  readonly keysOf: (item: Item) => readonly string[];
  /** Works on items that were taken. Never throws: what comes of them is told to whoever waits. */
  readonly work: (items: readonly Item[]) => Promise<void>;
  /** Tells an item that it has waited for too long. */
  readonly giveUp: (item: Item) => void;
}

interface Waiting<Item> {
  readonly item: Item;
  /** By this process's monotonic clock. */
  readonly since: number;
}

/**
 * Lets things gather while others are under way, and takes them together: the more there is to do, the less each costs, and
 * who comes alone waits for nobody.
 */
export class Gatherer<Item> {
  readonly #gathering: Gathering<Item>;
  readonly #busyKeys = new Set<string>();
  #waiting: Waiting<Item>[] = [];
  #busy = 0;
  #isScheduled = false;
  /** When the latest taking began, by this process's monotonic clock. */
  #tookAt = 0;
  #isTimed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(gathering: Gathering<Item>) {
    this.#gathering = gathering;
  }

  add(item: Item): void {
    this.#waiting.push({ item, since: performance.now() });
    this.#takeSoon();
  }

  #takeSoon(): void {
    if (this.#isScheduled) return;
    if (this.#mustWait()) return this.#watch();
    this.#isScheduled = true;
    // After all that has come from sockets by now: requests that came together are taken together.
    setImmediate(() => {
      this.#isScheduled = false;
      while (!this.#mustWait() && this.#take());
      this.#watch();
    });
  }

  /** Whether those under way must end first, or be under way for longer: then it is looked at again when they are. */
  #mustWait(): boolean {
    const { places, besideAfterMs = 0 } = this.#gathering;
    if (this.#busy >= places) return true;
    const leftMs = this.#busy === 0 ? 0 : this.#tookAt + besideAfterMs - performance.now();
    if (leftMs <= 0) return false;
    if (this.#isTimed) return true;
    this.#isTimed = true;
    setTimeout(() => {
      this.#isTimed = false;
      if (this.#waiting.length > 0) this.#takeSoon();
    }, leftMs).unref();
    return true;
  }

  /** @returns whether there was anything to take */
  #take(): boolean {
    const { most, together = 1, places, besideAfterMs = 0, keysOf, work } = this.#gathering;
    const sharers = besideAfterMs > 0 ? 1 : places - this.#busy;
    const share = Math.min(most, Math.max(together, Math.ceil(this.#waiting.length / sharers)));
    const taken: Item[] = [];
    const left: Waiting<Item>[] = [];
    for (const waiting of this.#waiting) {
      const keys = taken.length < share ? keysOf(waiting.item) : undefined;
      if (keys === undefined || keys.some((key) => this.#busyKeys.has(key))) left.push(waiting);
      else {
        for (const key of keys) this.#busyKeys.add(key);
        taken.push(waiting.item);
      }
    }
    if (taken.length === 0) return false;
    this.#waiting = left;
    this.#busy += 1;
    this.#tookAt = performance.now();
    void work(taken).finally(() => {
      for (const item of taken) for (const key of keysOf(item)) this.#busyKeys.delete(key);
      this.#busy -= 1;
      if (this.#waiting.length > 0) this.#takeSoon();
    });
    return true;
  }

  /** While something waits, sees to it that it does not wait for ever: those before it may never end. */
  #watch(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const { patienceMs, giveUp } = this.#gathering;
    const waitedMs = performance.now() - (this.#waiting[0]?.since ?? 0);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const oldest = performance.now() - patienceMs;
      const late = this.#waiting.filter(({ since }) => since <= oldest);
      this.#waiting = this.#waiting.filter(({ since }) => since > oldest);
      for (const { item } of late) giveUp(item);
      this.#watch();
    }, patienceMs - waitedMs).unref();
  }
}
