import { afterFailure, afterLateFailure, closedBreaker, mayAsk } from "../../../core/breaker.ts";
import type { Breaker, ProviderFailure } from "../../../core/breaker.ts";
import type { Clock } from "../../../core/clock.ts";
import { SlidingWindow, fullBucket, take } from "../../../core/token-bucket.ts";
import type { BucketSize, TokenBucket } from "../../../core/token-bucket.ts";

/** Who wants an exchange: somebody who waits for the token, or we ourselves, ahead of time. */
export type Priority = "interactive" | "background";

/** Leave to ask the provider, or how long there will be none, milliseconds. */
export type Admission =
  | { readonly kind: "ask"; readonly pass: Permit }
  | { readonly kind: "wait"; readonly waitMs: number; readonly error: string };

/** Leave to ask once. Whoever holds it says how that went, or that nothing was asked after all. */
export interface Permit {
  /** The provider answered sensibly, whatever it said about a grant. */
  success(): void;
  /** No useful answer. Returns how long nobody is let through now, milliseconds; 0: others may go on. */
  failure(trouble: ProviderFailure): number;
  /** Our client was refused. Returns whether this is news, to be told aloud. */
  clientRefused(error: string): boolean;
  /** Nothing was asked, or not yet: somebody else may find out how the provider is. Changes nothing after the others. */
  release(): void;
}

interface Seams {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** The one request that finds out whether a provider is back; everybody else waits for how it ends. */
interface Probe {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** A sweep that meets a probe comes back after this, milliseconds. */
const sweepsReturnMs = 1_000;

/**
 * Stands before one provider's token endpoint: a rate that is never exceeded, callers before sweeps, and a pause for
 * all when the provider is down, says that we ask too often, or refuses our client. Our own misconfiguration is told
 * once, not once per grant.
 */
export class Gate {
  readonly #seams: Seams;
  readonly #size: BucketSize;
  readonly #lastSecond: SlidingWindow;
  #bucket: TokenBucket;
  #breaker: Breaker = closedBreaker;
  #probe: Probe | undefined;
  #refusedWith: string | undefined;
  readonly #waiting: Record<Priority, (() => void)[]> = { interactive: [], background: [] };
  #pumping = false;

  constructor(seams: Seams, size: BucketSize) {
    this.#seams = seams;
    this.#size = size;
    this.#lastSecond = new SlidingWindow(size.perSecond);
    this.#bucket = fullBucket(size, seams.clock.now());
  }

  /** The error with which the provider refuses our client, while it does. */
  get refusedWith(): string | undefined {
    return this.#refusedWith;
  }

  /** How many wait for their turn. */
  get queued(): number {
    return this.#waiting.interactive.length + this.#waiting.background.length;
  }

  /** Whether nobody would be let through at once. */
  get isBlocking(): boolean {
    return this.#probe !== undefined || this.blockedForMs > 0;
  }

  /** How long nobody is let through, milliseconds; 0: not longer than a probe takes. */
  get blockedForMs(): number {
    const may = this.#mayAsk();
    return typeof may === "number" ? may : 0;
  }

  /**
   * Leave to ask, after a wait for one's turn. Where it is being found out whether the provider is back, a caller waits
   * for that, no longer than an exchange takes; a sweep does not.
   */
  async admit(priority: Priority): Promise<Admission> {
    for (;;) {
      const may = this.#mayAsk();
      if (typeof may === "number") return this.#turnedAway(may);
      if (may === "probe" && this.#probe !== undefined) {
        if (priority === "background") return this.#turnedAway(sweepsReturnMs);
        await this.#probe.ended;
        continue;
      }
      // Before its turn in the queue: others would take turns for nothing, and use up the rate that they need then.
      const probe = may === "probe" ? this.#beginProbe() : undefined;
      await this.#turn(priority);
      const pass = this.#pass(probe);
      if (this.#mayAsk() === may) return { kind: "ask", pass };
      // The provider went down while we queued, or said how long it is to be left alone.
      pass.release();
    }
  }

  #mayAsk(): ReturnType<typeof mayAsk> {
    return mayAsk(this.#breaker, this.#seams.clock.now());
  }

  #turnedAway(waitMs: number): Admission {
    const error = this.#refusedWith ?? (this.#breaker.limited ? "rate_limited" : "provider_down");
    return { kind: "wait", waitMs, error };
  }

  #beginProbe(): Probe {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#probe = { ended, end };
    return this.#probe;
  }

  #pass(probe: Probe | undefined): Permit {
    const released = (): void => {
      if (probe === undefined || this.#probe !== probe) return;
      this.#probe = undefined;
      probe.end();
    };
    // Once the breaker has opened, only a probe knows better: whatever else is answered was asked before.
    const counts = (): boolean => this.#mayAsk() === "ask" || (probe !== undefined && this.#probe === probe);
    return {
      release: released,
      success: () => {
        if (counts()) {
          this.#breaker = closedBreaker;
          this.#refusedWith = undefined;
        }
        released();
      },
      failure: (trouble) => {
        this.#fail(trouble, counts());
        released();
        return this.blockedForMs;
      },
      clientRefused: (error) => {
        const news = this.#refusedWith !== error;
        this.#refusedWith = error;
        this.#fail({}, counts());
        released();
        return news;
      },
    };
  }

  #fail(trouble: ProviderFailure, counts: boolean): void {
    const { clock, random } = this.#seams;
    this.#breaker = counts
      ? afterFailure(this.#breaker, clock.now(), random(), trouble)
      : afterLateFailure(this.#breaker, clock.now(), trouble);
    if (this.blockedForMs === 0) return;
    // Who queues for a turn that will not come is told now, not when it would have come.
    for (const priority of ["interactive", "background"] as const) {
      for (const wake of this.#waiting[priority].splice(0)) wake();
    }
  }

  #turn(priority: Priority): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting[priority].push(resolve);
      if (!this.#pumping) void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    while (this.queued > 0) {
      const now = this.#seams.clock.now();
      const waitMs = this.#take(now);
      if (waitMs === 0) (this.#waiting.interactive.shift() ?? this.#waiting.background.shift())?.();
      else await this.#seams.sleep(waitMs);
    }
    this.#pumping = false;
  }

  /** Takes a turn; or says how long there will be none, milliseconds. */
  #take(now: number): number {
    const fitsInMs = this.#lastSecond.waitMs(now);
    if (fitsInMs > 0) return fitsInMs;
    const { bucket, waitMs } = take(this.#bucket, this.#size, now);
    this.#bucket = bucket;
    if (waitMs === 0) this.#lastSecond.note(now);
    return waitMs;
  }
}
