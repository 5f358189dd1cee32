import { afterFailure, afterLateFailure, closedBreaker, mayAsk } from "../../../core/breaker.ts";
import type { Breaker, ProviderFailure } from "../../../core/breaker.ts";
import type { Clock } from "../../../core/clock.ts";
import { SlidingWindow, fullBucket, take } from "../../../core/token-bucket.ts";
import type { BucketSize, TokenBucket } from "../../../core/token-bucket.ts";
import type { Priority } from "../keeper.ts";
import type { Admitted, Permit, Rejected } from "./permit.ts";

interface Seams {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** The one request that finds out whether a provider is back. Callers wait for its end. */
interface Probe {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** A background refresh that meets a probe comes back after this, milliseconds. */
const backgroundReturnsMs = 1_000;

/**
 * Stands before one provider's token endpoint. It keeps a rate that is never exceeded, serves interactive work before
 * background work, and stops everybody while the provider is down, says that we send too many requests, or refuses our
 * client. Our own misconfiguration is told once, not once per grant.
 */
export class Gate {
  readonly #seams: Seams;
  readonly #size: BucketSize;
  readonly #window: SlidingWindow;
  #bucket: TokenBucket;
  #breaker: Breaker = closedBreaker;
  #probe: Probe | undefined;
  #refusedWith: string | undefined;
  readonly #waiting: Record<Priority, (() => void)[]> = { interactive: [], background: [] };
  #pumping = false;

  constructor(seams: Seams, size: BucketSize) {
    this.#seams = seams;
    this.#size = size;
    this.#window = new SlidingWindow(size.perSecond);
    this.#bucket = fullBucket(size, seams.clock.now());
  }

  /** How many wait in the queue. */
  get queued(): number {
    return this.#waiting.interactive.length + this.#waiting.background.length;
  }

  /** Whether nobody is admitted at once. */
  get isBlocking(): boolean {
    return this.#probe !== undefined || this.blockedForMs > 0;
  }

  /** How long nobody is admitted, milliseconds; 0: not longer than a probe takes. */
  get blockedForMs(): number {
    const may = this.#mayAsk();
    return typeof may === "number" ? may : 0;
  }

  /**
   * What somebody hears who is not admitted, or whose grant is to be left alone.
   *
   * @param waitMs how long to wait on other grounds than the gate's, milliseconds
   * @param error why, where the provider does not refuse our client
   */
  rejection(waitMs: number, error: string): Rejected {
    const refused = this.#refusedWith;
    const longest = Math.max(waitMs, this.blockedForMs);
    return { kind: "rejected", waitMs: longest, error: refused ?? error, isClientRefused: refused !== undefined };
  }

  /**
   * A permit to call the provider, after a wait in the queue. While a probe finds out whether the provider is back,
   * interactive work waits for the probe's end, which is no longer than an exchange takes. Background work does not wait.
   */
  async admit(priority: Priority): Promise<Admitted | Rejected> {
    for (;;) {
      const may = this.#mayAsk();
      if (typeof may === "number") return this.#reject(may);
      if (may === "probe" && this.#probe !== undefined) {
        if (priority === "background") return this.#reject(backgroundReturnsMs);
        await this.#probe.ended;
        continue;
      }
      // Before its place in the queue: others would take places for nothing, and use up the rate that they need then.
      const probe = may === "probe" ? this.#beginProbe() : undefined;
      await this.#place(priority);
      const permit = this.#permit(probe);
      if (this.#mayAsk() === may) return { kind: "admitted", permit };
      // The provider went down while we queued, or said how long it is to be left alone.
      permit.release();
    }
  }

  #mayAsk(): ReturnType<typeof mayAsk> {
    return mayAsk(this.#breaker, this.#seams.clock.now());
  }

  #reject(waitMs: number): Rejected {
    return this.rejection(waitMs, this.#breaker.limited ? "rate_limited" : "provider_down");
  }

  #beginProbe(): Probe {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#probe = { ended, end };
    return this.#probe;
  }

  #permit(probe: Probe | undefined): Permit {
    const release = (): void => {
      if (probe === undefined || this.#probe !== probe) return;
      this.#probe = undefined;
      probe.end();
    };
    // Once the breaker has opened, only a probe knows better: whatever else is answered was sent before.
    const counts = (): boolean => this.#mayAsk() === "ask" || (probe !== undefined && this.#probe === probe);
    return {
      release,
      success: () => {
        if (counts()) {
          this.#breaker = closedBreaker;
          this.#refusedWith = undefined;
        }
        release();
      },
      failure: (failure) => {
        this.#fail(failure, counts());
        release();
        return this.blockedForMs;
      },
      clientRefused: (error) => {
        const isNews = this.#refusedWith !== error;
        this.#refusedWith = error;
        this.#fail({}, counts());
        release();
        return isNews;
      },
    };
  }

  #fail(failure: ProviderFailure, counts: boolean): void {
    const { clock, random } = this.#seams;
    this.#breaker = counts
      ? afterFailure(this.#breaker, clock.now(), random(), failure)
      : afterLateFailure(this.#breaker, clock.now(), failure);
    if (this.blockedForMs === 0) return;
    // Work that queues for a place that will not come hears so now, not when it would have come.
    for (const priority of ["interactive", "background"] as const) {
      for (const wake of this.#waiting[priority].splice(0)) wake();
    }
  }

  #place(priority: Priority): Promise<void> {
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

  /** Takes one place of the rate; or says how long there will be none, milliseconds; 0: taken. */
  #take(now: number): number {
    const fitsInMs = this.#window.waitMs(now);
    if (fitsInMs > 0) return fitsInMs;
    const { bucket, waitMs } = take(this.#bucket, this.#size, now);
    this.#bucket = bucket;
    if (waitMs === 0) this.#window.add(now);
    return waitMs;
  }
}

/** The gate before a provider. Every configured provider has one. */
export function gateOf({ gates }: { readonly gates: ReadonlyMap<string, Gate> }, provider: string): Gate {
  const gate = gates.get(provider);
  if (gate === undefined) throw new TypeError(`there is no gate for ${provider}`);
  return gate;
}
