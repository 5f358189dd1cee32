/**
 * gate/ decides whether a provider is called now, and who comes first. What is sent does not belong here, nor what an
 * answer means for a grant.
 */
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

/** The one request that finds out whether a provider works again. Interactive work waits for its end. */
interface Probe {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** How long an alarm about our requests is not told again, milliseconds. */
const alarmEveryMs = 3_600_000;
/** How many blocked grants are remembered. The oldest are forgotten first. */
const rememberedBlocked = 10_000;

/** How long background work is put off while a probe is under way, milliseconds. */
const backgroundReturnsMs = 1_000;

/**
 * Guards the token endpoint of one provider. It never lets more requests through than the rate allows, and admits
 * interactive work before background work. While the provider is down, says that we send too many requests, or refuses
 * our client, it admits nobody but a probe. That our client is refused is told once, not once for each grant.
 */
export class Gate {
  readonly #seams: Seams;
  readonly #size: BucketSize;
  readonly #window: SlidingWindow;
  #bucket: TokenBucket;
  #breaker: Breaker = closedBreaker;
  #probe: Probe | undefined;
  #refusedWith: string | undefined;
  /** When an alarm about our requests was told last, by the provider's error: few words, all of them known to us. */
  readonly #alarmedAt = new Map<string, number>();
  /** Whose requests were blocked by something before the provider. They count against it once. */
  readonly #blocked = new Set<string>();
  readonly #waiting: Record<Priority, (() => void)[]> = { interactive: [], background: [] };
  #pumping = false;

  constructor(seams: Seams, size: BucketSize) {
    this.#seams = seams;
    this.#size = size;
    this.#window = new SlidingWindow(size.perSecond);
    this.#bucket = fullBucket(size, seams.clock.now());
  }

  /** How many requests wait in the queue. */
  get queued(): number {
    return this.#waiting.interactive.length + this.#waiting.background.length;
  }

  /** Whether a request that comes now is rejected or must wait for a probe. */
  get isBlocking(): boolean {
    return this.#probe !== undefined || this.blockedForMs > 0;
  }

  /** How long every request is rejected, milliseconds; 0: not rejected, but it may have to wait for a probe. */
  get blockedForMs(): number {
    const may = this.#mayAsk();
    return typeof may === "number" ? may : 0;
  }

  /**
   * The answer to a request that is not sent now, because of this gate or because its grant must wait.
   *
   * @param waitMs how long the grant must wait, milliseconds. Where the gate admits nobody for longer, that counts
   * @param error why; where the provider refuses our client, that error counts
   */
  rejection(waitMs: number, error: string): Rejected {
    const refused = this.#refusedWith;
    const longest = Math.max(waitMs, this.blockedForMs);
    return { kind: "rejected", waitMs: longest, error: refused ?? error, isClientRefused: refused !== undefined };
  }

  /**
   * Gets a permit to call the provider, after a wait in the queue. While a probe finds out whether the provider works
   * again, interactive work waits for the probe's end, no longer than an exchange may take; background work is
   * rejected.
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
      // Begin the probe before it gets its place in the queue. Otherwise other requests would also take places, which
      // use up the rate, and could not be sent after all.
      const probe = may === "probe" ? this.#beginProbe() : undefined;
      await this.#place(priority);
      const permit = this.#permit(probe);
      if (this.#mayAsk() === may) return { kind: "admitted", permit };
      // While this request was in the queue, the provider failed or asked for a pause. Decide again.
      permit.release();
    }
  }

  #mayAsk(): ReturnType<typeof mayAsk> {
    return this.#breaker === closedBreaker ? "ask" : mayAsk(this.#breaker, this.#seams.clock.now());
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
    // Once the breaker has opened, only the probe's answer counts: all other answers are to requests that were sent
    // before.
    const counts = (): boolean => this.#mayAsk() === "ask" || (probe !== undefined && this.#probe === probe);
    const success = (): void => {
      if (counts()) {
        this.#breaker = closedBreaker;
        this.#refusedWith = undefined;
      }
      release();
    };
    return {
      release,
      success,
      requestRefused: (error) => {
        success();
        return this.#isNews(error);
      },
      failure: ({ blocked, ...failure }) => {
        this.#fail({ ...failure, repeated: blocked !== undefined && !this.#isFirstBlocked(blocked) }, counts());
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

  #isNews(error: string): boolean {
    const now = this.#seams.clock.now();
    const last = this.#alarmedAt.get(error);
    if (last !== undefined && now - last < alarmEveryMs) return false;
    this.#alarmedAt.set(error, now);
    return true;
  }

  #isFirstBlocked(who: string): boolean {
    const isFirst = !this.#blocked.delete(who);
    this.#blocked.add(who);
    const [oldest] = this.#blocked;
    if (this.#blocked.size > rememberedBlocked && oldest !== undefined) this.#blocked.delete(oldest);
    return isFirst;
  }

  #fail(failure: ProviderFailure, counts: boolean): void {
    const { clock, random } = this.#seams;
    this.#breaker = counts
      ? afterFailure(this.#breaker, clock.now(), random(), failure)
      : afterLateFailure(this.#breaker, clock.now(), failure);
    if (this.blockedForMs === 0) return;
    // Wake the work in the queue: it is rejected now, and not only when its place would have come.
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

  /** Takes one place of the rate. Returns 0 where it was taken, otherwise milliseconds until there is one. */
  #take(now: number): number {
    const fitsInMs = this.#window.waitMs(now);
    if (fitsInMs > 0) return fitsInMs;
    const { bucket, waitMs } = take(this.#bucket, this.#size, now);
    this.#bucket = bucket;
    if (waitMs === 0) this.#window.add(now);
    return waitMs;
  }
}

/**
 * The gate of a provider.
 *
 * @throws TypeError where the provider is not configured
 */
export function gateOf({ gates }: { readonly gates: ReadonlyMap<string, Gate> }, provider: string): Gate {
  const gate = gates.get(provider);
  if (gate === undefined) throw new TypeError(`there is no gate for ${provider}`);
  return gate;
}
