/**
 * The events of a run in the order of their time: a wheel of seconds, and within the second that runs one of milliseconds.
 * Adding and taking an event cost the same however many wait. Events of a fixed size lie in typed arrays, because there
 * are millions of them; timers of work under way are functions.
 */

const none = -1;

export class Calendar {
  /** The first event of each second. */
  readonly #seconds: Int32Array;
  /** The first event of each millisecond of the second that runs. */
  readonly #millis = new Int32Array(1_000).fill(none);
  readonly #timers: (((() => void)[] | undefined)[] | undefined)[] = [];
  #next: Int32Array;
  #grants: Uint32Array;
  /** Five bits of the kind, ten of the millisecond, 17 of the detail. */
  #rest: Uint32Array;
  #free = none;
  #used = 0;
  #count = 0;
  #second = 0;
  #milli = 0;
  readonly #drain: () => Promise<void>;
  /** Whether a promise was resolved, or work with promises begun, in this millisecond. */
  #isTouched = false;

  /**
   * @param seconds how long the run takes; events after it are dropped
   * @param drain lets the promises that were resolved go on
   */
  constructor(seconds: number, drain: () => Promise<void>) {
    this.#seconds = new Int32Array(seconds).fill(none);
    this.#drain = drain;
    const room = 1 << 16;
    this.#next = new Int32Array(room);
    this.#grants = new Uint32Array(room);
    this.#rest = new Uint32Array(room);
  }

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#second * 1_000 + this.#milli;
  }

  /** How many events of a fixed size wait. */
  get waiting(): number {
    return this.#count;
  }

  /** How many bytes the events take. */
  get bytes(): number {
    return this.#next.byteLength + this.#grants.byteLength + this.#rest.byteLength + this.#seconds.byteLength;
  }

  /**
   * Adds an event of a fixed size.
   *
   * @param at milliseconds since the run began; what is past comes at once
   * @param kind up to 31
   * @param detail up to 17 bits that the kind gives a meaning to
   */
  add(at: number, kind: number, grant: number, detail: number): void {
    const time = Math.max(Math.ceil(at), this.now);
    const second = Math.floor(time / 1_000);
    if (second >= this.#seconds.length) return;
    const node = this.#take();
    const milli = time - second * 1_000;
    this.#grants[node] = grant;
    this.#rest[node] = ((kind << 27) | (milli << 17) | detail) >>> 0;
    const list = second === this.#second ? this.#millis : this.#seconds;
    const slot = second === this.#second ? milli : second;
    this.#next[node] = list[slot] ?? none;
    list[slot] = node;
    this.#count += 1;
  }

  /** To be called where work with promises begins: what it does at once is done within this millisecond. */
  touch(): void {
    this.#isTouched = true;
  }

  /** Calls `run` at a time; one after the end of the run never comes. */
  timer(at: number, run: () => void): void {
    const time = Math.max(Math.ceil(at), this.now);
    const second = Math.floor(time / 1_000);
    if (second >= this.#seconds.length) return;
    const milli = time - second * 1_000;
    const slots = (this.#timers[second] ??= []);
    (slots[milli] ??= []).push(run);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.timer(this.now + ms, () => {
        this.#isTouched = true;
        resolve();
      });
    });
  }

  /**
   * Goes through all seconds.
   *
   * @param handle gets each event of a fixed size
   * @param second called when a second has passed
   */
  async run(handle: (kind: number, grant: number, detail: number) => void, second: () => void): Promise<void> {
    for (this.#second = 0; this.#second < this.#seconds.length; this.#second += 1) {
      this.#milli = 0;
      this.#spread();
      for (; this.#milli < 1_000; this.#milli += 1) {
        // What is handled may add events and timers for this very millisecond.
        do {
          this.#events(handle);
          this.#runTimers();
          if (!this.#isTouched) continue;
          this.#isTouched = false;
          await this.#drain();
        } while (this.#isLeft());
      }
      this.#milli = 999;
      this.#timers[this.#second] = undefined;
      second();
    }
    this.#second -= 1;
  }

  #isLeft(): boolean {
    const hasTimers = this.#timers[this.#second]?.[this.#milli] !== undefined;
    return this.#isTouched || hasTimers || this.#millis[this.#milli] !== none;
  }

  #runTimers(): void {
    const slots = this.#timers[this.#second];
    const timers = slots?.[this.#milli];
    if (slots === undefined || timers === undefined) return;
    slots[this.#milli] = undefined;
    for (const run of timers) run();
  }

  /** Handles the events of this millisecond. */
  #events(handle: (kind: number, grant: number, detail: number) => void): void {
    let node = this.#millis[this.#milli] ?? none;
    for (; node !== none; node = this.#millis[this.#milli] ?? none) {
      this.#millis[this.#milli] = this.#next[node] ?? none;
      const rest = this.#rest[node] ?? 0;
      const grant = this.#grants[node] ?? 0;
      this.#give(node);
      handle(rest >>> 27, grant, rest & 0x1ffff);
    }
  }

  /** Spreads the events of the second that begins over its milliseconds. */
  #spread(): void {
    let node = this.#seconds[this.#second] ?? none;
    while (node !== none) {
      const next = this.#next[node] ?? none;
      const milli = ((this.#rest[node] ?? 0) >>> 17) & 0x3ff;
      this.#next[node] = this.#millis[milli] ?? none;
      this.#millis[milli] = node;
      node = next;
    }
    this.#seconds[this.#second] = none;
  }

  #take(): number {
    const free = this.#free;
    if (free !== none) {
      this.#free = this.#next[free] ?? none;
      return free;
    }
    if (this.#used === this.#next.length) {
      this.#next = grown(this.#next, new Int32Array(this.#used * 2));
      this.#grants = grown(this.#grants, new Uint32Array(this.#used * 2));
      this.#rest = grown(this.#rest, new Uint32Array(this.#used * 2));
    }
    this.#used += 1;
    return this.#used - 1;
  }

  #give(node: number): void {
    this.#next[node] = this.#free;
    this.#free = node;
    this.#count -= 1;
  }
}

function grown<A extends Int32Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
