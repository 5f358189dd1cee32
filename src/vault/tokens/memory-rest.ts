/** How long nobody has asked for a token before memory rests, milliseconds. */
export const restAfterMs = 5_000;

/** What memory needs of what looks for changes by other processes. */
export interface Looks {
  /** Begins a look, unless one is under way. */
  begin(): void;
  /** Makes looks come so often: milliseconds from one to the next. */
  pace(ms: number): void;
}

/** How often it is looked for changes, milliseconds. */
export interface LookPaces {
  /** While memory answers. */
  readonly awakeMs: number;
  /** While it rests. */
  readonly restingMs: number;
}

/**
 * While nobody asks for tokens, nobody can be given one that another process has ended meanwhile. So memory rests after a
 * while: it answers nothing, and changes are looked for seldom. The first who asks wakes it, and reads the store itself
 * meanwhile.
 */
export class MemoryRest {
  #looks: (Looks & LookPaces) | undefined;
  /** Whether somebody has asked since the last look: whoever asks memory sets it. */
  isAskedFor = false;
  /** Whether memory answers nothing now. A field like the one above: each read looks at it. */
  isResting = false;
  #askedAt = performance.now();
  #waking: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Until this is called, memory never rests. */
  watch(looks: Looks & LookPaces): void {
    this.#looks = looks;
  }

  /** Whoever finds that memory rests begins the look after which it answers again, and finds nothing now. */
  wake(): undefined {
    if (!this.isResting || this.#waking !== undefined || this.#looks === undefined) return undefined;
    this.#waking = Promise.withResolvers();
    this.#timer = setTimeout(() => this.#answerAgain(), this.#looks.awakeMs).unref();
    this.#looks.begin();
    return undefined;
  }

  /** Resolves once memory answers again. A store that does not answer keeps nobody longer than between two looks. */
  async awake(): Promise<void> {
    this.wake();
    await this.#waking?.promise;
  }

  /** A look has ended. */
  looked(isDone: boolean): void {
    if (this.#waking !== undefined || (this.isResting && !isDone)) return this.#answerAgain();
    if (this.isResting) return;
    const now = performance.now();
    if (this.isAskedFor) this.#askedAt = now;
    this.isAskedFor = false;
    // While the store fails, what is in memory may be all that there is.
    if (!isDone || now - this.#askedAt < restAfterMs || this.#looks === undefined) return;
    this.isResting = true;
    this.#looks.pace(this.#looks.restingMs);
  }

  #answerAgain(): void {
    clearTimeout(this.#timer);
    this.isResting = false;
    this.#looks?.pace(this.#looks.awakeMs);
    this.#askedAt = performance.now();
    this.#waking?.resolve();
    this.#waking = undefined;
  }
}
