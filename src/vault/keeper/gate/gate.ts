/**
 * gate/ decides whether a provider is called now, and who comes first. What is sent does not belong here, nor what an
 * answer means for a grant.
 */
import { afterFailure, afterLateFailure, closedBreaker, isDown, mayAsk } from "../../../core/breaker.ts";
import type { ProviderFailure } from "../../../core/breaker.ts";
import type { Clock } from "../../../core/clock.ts";
import type { ProviderCondition } from "../../../core/events/provider-events.ts";
import { durationBoundsMs } from "../../../core/figures.ts";
import type { GateFigures, RequestOutcome } from "../../../core/figures.ts";
import { SlidingWindow, fullBucket, take } from "../../../core/token-bucket.ts";
import type { BucketSize, TokenBucket } from "../../../core/token-bucket.ts";
import { beginProbe, quietLane } from "./lane.ts";
import type { Lane, Probe } from "./lane.ts";
import type { Admitted, Permit, Rejected } from "./permit.ts";

interface Seams {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Who may go first, in this order. A code that somebody without a key sent goes behind what callers wait for. It still
 * goes before work that nobody waits for, which could otherwise keep people from signing in for minutes.
 */
const ranks = ["interactive", "intake", "public-intake", "background"] as const;

/** The rank of a request: a refresh's priority, or that it sends a code. */
export type Rank = (typeof ranks)[number];

/**
 * How many codes of people without a key may wait, and how many of callers. One more means that one of them leaves. At
 * half of 50 exchanges a second, 100 wait four seconds.
 */
const mostWaiting: Partial<Record<Rank, number>> = { intake: 1_000, "public-intake": 100 };

/** The part of the rate that codes of people without a key may use. The rest is for those with a key, at any time. */
const publicShare = 0.5;

/**
 * How many codes of people without a key are sent at once: by themselves, and while a caller's request is under way. Each
 * costs writes to the store. Where the disk is slow, those of a flood would otherwise keep callers waiting for theirs.
 */
const mostAtWork = { alone: 16, besideCallers: 2 } as const;

/** How long whoever has left a full queue is told to stay away, milliseconds; up to four times as long, by chance. */
const comeBackMs = 1_000;

/** The error of a code that had to leave a full queue. */
export const tooManySignIns = "too_many_sign_ins";

interface Waiter {
  readonly wake: () => void;
  readonly leave: () => void;
  /** Since when it has waited, milliseconds since the epoch. */
  readonly since: number;
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
  readonly #publicWindow: SlidingWindow;
  readonly #refreshes: Lane = quietLane();
  readonly #intakes: Lane = quietLane();
  #hasAnswered = false;
  /** When an alarm about our requests was told last, by the provider's error: few words, all of them known to us. */
  readonly #alarmedAt = new Map<string, number>();
  /** Whose requests were blocked by something before the provider. They count against it once. */
  readonly #blocked = new Set<string>();
  readonly #waiting: Record<Rank, Waiter[]> = { interactive: [], intake: [], "public-intake": [], background: [] };
  /** How many permits are out. */
  readonly #atWork: Record<Rank, number> = { interactive: 0, intake: 0, "public-intake": 0, background: 0 };
  /** When the queue is looked at next, milliseconds since the epoch. */
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor(seams: Seams, size: BucketSize) {
    this.#seams = seams;
    this.#size = size;
    this.#window = new SlidingWindow(size.perSecond);
    this.#publicWindow = new SlidingWindow(size.perSecond * publicShare);
    this.#bucket = fullBucket(size, seams.clock.now());
  }

  /** How many requests wait in the queue. */
  get queued(): number {
    return ranks.reduce((sum, rank) => sum + this.#waiting[rank].length, 0);
  }

  /** What is watched of it, under the provider's name. */
  figuresOf(provider: string): GateFigures {
    const now = this.#seams.clock.now();
    const since = ranks.flatMap((rank) => this.#waiting[rank][0]?.since ?? []);
    const refused = this.#refreshes.refusedWith ?? this.#intakes.refusedWith;
    return {
      provider,
      breaker: this.#refreshes.probe !== undefined ? "probing" : this.blockedForMs > 0 ? "open" : "closed",
      isClientRefused: refused !== undefined,
      waiting: Object.fromEntries(ranks.map((rank) => [rank, this.#waiting[rank].length])),
      waitedMs: Math.max(0, ...since.map((at) => now - at)),
      requests: [
        { kind: "refresh", outcomes: this.#refreshes.outcomes, took: this.#refreshes.took },
        { kind: "code", outcomes: this.#intakes.outcomes, took: this.#intakes.took },
      ],
    };
  }

  /** How the provider treats all grants; undefined while nobody has heard from it. Strangers' codes do not make it down. */
  get condition(): { readonly condition: ProviderCondition; readonly error?: string } | undefined {
    const refused = this.#refreshes.refusedWith ?? this.#intakes.refusedWith;
    if (refused !== undefined) return { condition: "refused", error: refused };
    if (isDown(this.#refreshes.breaker)) return { condition: "down" };
    return this.#hasAnswered ? { condition: "well" } : undefined;
  }

  /** Whether a refresh that comes now is rejected or must wait for a probe. */
  get isBlocking(): boolean {
    return this.#refreshes.probe !== undefined || this.blockedForMs > 0;
  }

  /** How long every request is rejected, milliseconds; 0: not rejected, but it may have to wait for a probe. */
  get blockedForMs(): number {
    return this.#blockedForMs(this.#refreshes);
  }

  /**
   * The answer to a request that is not sent now, because of this gate or because its grant must wait.
   *
   * @param waitMs how long the grant must wait, milliseconds. Where the gate admits nobody for longer, that counts
   * @param error why; where the provider refuses our client, that error counts
   */
  rejection(waitMs: number, error: string): Rejected {
    return this.#rejection(this.#refreshes, waitMs, error);
  }

  #rejection(lane: Lane, waitMs: number, error: string): Rejected {
    const refused = lane.refusedWith ?? (this.blockedForMs > 0 ? this.#refreshes.refusedWith : undefined);
    const longest = Math.max(waitMs, this.#blockedForMs(lane));
    return { kind: "rejected", waitMs: longest, error: refused ?? error, isClientRefused: refused !== undefined };
  }

  /**
   * Gets a permit to call the provider, after a wait in the queue. While a probe finds out whether the provider works
   * again, interactive work waits for the probe's end, no longer than an exchange may take; background work is
   * rejected.
   *
   * A queue of codes is bounded. Where it is full, one code leaves that chance chooses, and may come again: whoever
   * sends the most has no better chance for one code than anybody else, and nobody waits long for nothing.
   */
  async admit(rank: Rank): Promise<Admitted | Rejected> {
    const lane = rank === "intake" || rank === "public-intake" ? this.#intakes : this.#refreshes;
    for (;;) {
      const may = this.#mayAsk(lane);
      if (typeof may === "number") return this.#reject(lane, may);
      if (may === "probe" && lane.probe !== undefined) {
        // Nobody without a key waits for a probe: there could be any number of them.
        if (rank === "background" || rank === "public-intake") return this.#reject(lane, backgroundReturnsMs);
        await lane.probe.ended;
        continue;
      }
      // Begin the probe before it gets its place in the queue. Otherwise other requests would also take places, which
      // use up the rate, and could not be sent after all.
      const probe = may === "probe" ? beginProbe(lane) : undefined;
      const hasPlace = await this.#place(rank);
      if (!hasPlace) {
        endProbe(lane, probe);
        return this.#full();
      }
      const permit = this.#permit(rank, lane, probe);
      if (this.#mayAsk(lane) === may) return { kind: "admitted", permit };
      // While this request was in the queue, the provider failed or asked for a pause. Decide again.
      permit.release();
    }
  }

  #mayAsk(lane: Lane): ReturnType<typeof mayAsk> {
    const { breaker } = this.#refreshes;
    if (breaker === closedBreaker && lane.breaker === closedBreaker) return "ask";
    const now = this.#seams.clock.now();
    const own = mayAsk(lane.breaker, now);
    const all = mayAsk(breaker, now);
    if (typeof all === "number") return typeof own === "number" ? Math.max(own, all) : all;
    return own;
  }

  #blockedForMs(lane: Lane): number {
    const may = this.#mayAsk(lane);
    return typeof may === "number" ? may : 0;
  }

  #reject(lane: Lane, waitMs: number): Rejected {
    const limited = lane.breaker.limited || this.#refreshes.breaker.limited;
    return this.#rejection(lane, waitMs, limited ? "rate_limited" : "provider_down");
  }

  #full(): Rejected {
    const waitMs = Math.ceil(comeBackMs * (1 + 3 * this.#seams.random()));
    return { kind: "rejected", waitMs, error: tooManySignIns, isClientRefused: false };
  }

  #permit(rank: Rank, lane: Lane, probe: Probe | undefined): Permit {
    let isOut = true;
    const since = this.#seams.clock.now();
    const ended = (outcome: RequestOutcome): void => {
      if (isOut) this.#count(lane, outcome, this.#seams.clock.now() - since);
    };
    const countOut = (): void => {
      if (!isOut) return;
      isOut = false;
      this.#atWork[rank] -= 1;
      this.#serve();
    };
    const release = (): void => {
      countOut();
      endProbe(lane, probe);
    };
    // Once the breaker has opened, only the probe's answer counts: all other answers are to requests that were sent
    // before.
    const counts = (): boolean => this.#mayAsk(lane) === "ask" || (probe !== undefined && lane.probe === probe);
    const success = (outcome: RequestOutcome = "answered"): void => {
      ended(outcome);
      this.#hasAnswered = true;
      if (counts()) {
        lane.breaker = closedBreaker;
        lane.refusedWith = undefined;
      }
      release();
    };
    return {
      release,
      success: () => success(),
      requestRefused: (error) => {
        success("refused");
        return this.#isNews(error);
      },
      failure: ({ blocked, ...failure }) => {
        ended(failure.limited === true ? "limited" : "failed");
        const repeated = blocked !== undefined && !this.#isFirstBlocked(blocked);
        this.#fail(lane, { ...failure, repeated }, counts());
        release();
        return this.#blockedForMs(lane);
      },
      clientRefused: (error) => {
        ended("client_refused");
        const isNews = this.#refreshes.refusedWith !== error && this.#intakes.refusedWith !== error;
        lane.refusedWith = error;
        this.#fail(lane, {}, counts());
        release();
        return isNews;
      },
    };
  }

  #count(lane: Lane, outcome: RequestOutcome, ms: number): void {
    lane.outcomes[outcome] += 1;
    const { counts } = lane.took;
    const part = durationBoundsMs.findIndex((bound) => ms <= bound);
    const index = part === -1 ? durationBoundsMs.length : part;
    counts[index] = (counts[index] ?? 0) + 1;
    lane.took.sumMs += ms;
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

  #fail(lane: Lane, failure: ProviderFailure, counts: boolean): void {
    const { clock, random } = this.#seams;
    lane.breaker = counts
      ? afterFailure(lane.breaker, clock.now(), random(), failure)
      : afterLateFailure(lane.breaker, clock.now(), failure);
    if (this.#blockedForMs(lane) === 0) return;
    // Wake the work in the queue: it is rejected now, and not only when its place would have come.
    const woken = lane === this.#refreshes ? ranks : (["intake", "public-intake"] as const);
    for (const rank of woken) for (const waiter of this.#waiting[rank].splice(0)) this.#wake(rank, waiter);
  }

  /** Waits for a place. Resolves to false where the queue was full, and this request had to leave it. */
  #place(rank: Rank): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting = this.#waiting[rank];
      const since = this.#seams.clock.now();
      waiting.push({ wake: () => resolve(true), leave: () => resolve(false), since });
      this.#serve();
      const most = mostWaiting[rank] ?? Number.POSITIVE_INFINITY;
      if (waiting.length <= most) return;
      for (const { leave } of waiting.splice(Math.floor(this.#seams.random() * waiting.length), 1)) leave();
    });
  }

  /** Gives out all places that there are now, and comes back when there is another one. */
  #serve(): void {
    for (;;) {
      const now = this.#seams.clock.now();
      const next = this.#next(now);
      if (typeof next === "string") {
        this.#wake(next, this.#waiting[next].shift());
        continue;
      }
      // Who comes later may have a place earlier: whoever has a key does not wait until the public share is free again.
      if (next === undefined || now + next >= this.#wakesAt) return;
      this.#wakesAt = now + next;
      void this.#comeBack(next, this.#wakesAt);
      return;
    }
  }

  /** Counts the permit, which follows in a moment: until then, others must not be let through in its place. */
  #wake(rank: Rank, waiter: Waiter | undefined): void {
    if (waiter === undefined) return;
    this.#atWork[rank] += 1;
    waiter.wake();
  }

  async #comeBack(waitMs: number, at: number): Promise<void> {
    await this.#seams.sleep(waitMs);
    if (this.#wakesAt === at) this.#wakesAt = Number.POSITIVE_INFINITY;
    this.#serve();
  }

  /** Whether one more code of people without a key may be sent beside those that are out. */
  #mayWork(): boolean {
    const callers = this.#atWork.interactive + this.#atWork.intake;
    return this.#atWork["public-intake"] < (callers === 0 ? mostAtWork.alone : mostAtWork.besideCallers);
  }

  /** The rank that has a place now, which is taken; or milliseconds until one has; undefined where nobody waits. */
  #next(now: number): Rank | number | undefined {
    let soonest: number | undefined;
    for (const rank of ranks) {
      if (this.#waiting[rank].length === 0) continue;
      const isPublic = rank === "public-intake";
      // Whoever gives a permit back looks at the queue again.
      if (isPublic && !this.#mayWork()) continue;
      const waitMs = (isPublic ? this.#publicWindow.waitMs(now) : 0) || this.#take(now);
      if (waitMs === 0) {
        if (isPublic) this.#publicWindow.add(now);
        return rank;
      }
      soonest = Math.min(soonest ?? waitMs, waitMs);
    }
    return soonest;
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

function endProbe(lane: Lane, probe: Probe | undefined): void {
  if (probe === undefined || lane.probe !== probe) return;
  lane.probe = undefined;
  probe.end();
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
