import { afterFailure, mayAsk, closedBreaker } from "../breaker.ts";
import type { Breaker } from "../breaker.ts";
import type { Clock } from "../clock.ts";
import { LastSecond, fullBucket, take } from "../token-bucket.ts";
import type { BucketSize, TokenBucket } from "../token-bucket.ts";

/** Who wants an exchange: somebody who waits for the token, or we ourselves, ahead of time. */
export type Urgency = "caller" | "sweep";

/** Leave to ask the provider, or how long there will be none, milliseconds. */
export type Admission =
  { readonly kind: "ask" } | { readonly kind: "wait"; readonly waitMs: number; readonly error: string };

interface Seams {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Stands before one provider's token endpoint: a rate that is never exceeded, callers before sweeps, and a pause for
 * all when the provider is down or refuses our client. Our own misconfiguration is told once, not once per grant.
 */
export class Gate {
  readonly #seams: Seams;
  readonly #size: BucketSize;
  readonly #lastSecond: LastSecond;
  #bucket: TokenBucket;
  #breaker: Breaker = closedBreaker;
  #probing = false;
  #refusedWith: string | undefined;
  readonly #waiting: Record<Urgency, (() => void)[]> = { caller: [], sweep: [] };
  #pumping = false;

  constructor(seams: Seams, size: BucketSize) {
    this.#seams = seams;
    this.#size = size;
    this.#lastSecond = new LastSecond(size.perSecond);
    this.#bucket = fullBucket(size, seams.clock.now());
  }

  /** The error with which the provider refuses our client, while it does. */
  get refusedWith(): string | undefined {
    return this.#refusedWith;
  }

  /** How many wait for their turn. */
  get queued(): number {
    return this.#waiting.caller.length + this.#waiting.sweep.length;
  }

  /** Whether nobody would be let through just now. */
  get isShut(): boolean {
    return this.#shut() !== undefined;
  }

  /** Leave to ask, after a wait for one's turn. Whoever gets it says afterwards how it went, or that it was not used. */
  async admit(urgency: Urgency): Promise<Admission> {
    const shut = this.#shut();
    if (shut !== undefined) return shut;
    await this.#turn(urgency);
    // The provider may have gone down while we queued.
    const now = this.#shut();
    if (now !== undefined) return now;
    this.#probing = mayAsk(this.#breaker, this.#seams.clock.now()) === "probe";
    return { kind: "ask" };
  }

  /** Nothing was asked after all, or not yet. */
  released(): void {
    this.#probing = false;
  }

  /** The provider answered sensibly, whatever it said about a grant. */
  succeeded(): void {
    this.#breaker = closedBreaker;
    this.#probing = false;
    this.#refusedWith = undefined;
  }

  /** No useful answer. */
  failed(retryAfterMs?: number): void {
    this.#probing = false;
    this.#breaker = afterFailure(this.#breaker, this.#seams.clock.now(), this.#seams.random(), retryAfterMs);
  }

  /** Our client was refused. Returns whether this is news, to be told aloud. */
  refused(error: string): boolean {
    this.failed();
    const news = this.#refusedWith !== error;
    this.#refusedWith = error;
    return news;
  }

  #shut(): Admission | undefined {
    const may = mayAsk(this.#breaker, this.#seams.clock.now());
    if (may === "ask" || (may === "probe" && !this.#probing)) return undefined;
    return { kind: "wait", waitMs: may === "probe" ? 1_000 : may, error: this.#refusedWith ?? "provider_down" };
  }

  #turn(urgency: Urgency): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting[urgency].push(resolve);
      if (!this.#pumping) void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    for (;;) {
      if (this.queued === 0) break;
      const now = this.#seams.clock.now();
      const waitMs = this.#take(now);
      if (waitMs === 0) (this.#waiting.caller.shift() ?? this.#waiting.sweep.shift())?.();
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
