import { isInFuture } from "./recorded-time.ts";

/** Limits how many exchanges a provider is sent: a number each second, and a number at once. Plain data. */
export interface TokenBucket {
  readonly tokens: number;
  /** When the bucket held `tokens`, milliseconds since the epoch. */
  readonly at: number;
}

/** A rate. */
export interface BucketSize {
  /** How many exchanges each second. */
  readonly perSecond: number;
  /** How many at once after a pause. */
  readonly burst: number;
}

export function fullBucket({ burst }: BucketSize, now: number): TokenBucket {
  return { tokens: burst, at: now };
}

/**
 * Takes one token out of the bucket.
 *
 * @param now milliseconds since the epoch
 * @returns the bucket afterwards. `waitMs`: 0 where a token was taken; otherwise milliseconds until there is one
 */
export function take(bucket: TokenBucket, size: BucketSize, now: number): { bucket: TokenBucket; waitMs: number } {
  const elapsedMs = Math.max(0, now - bucket.at);
  const tokens = Math.min(size.burst, bucket.tokens + (elapsedMs / 1000) * size.perSecond);
  // After a clock was set back, time counts from now on. Otherwise the bucket would stay empty for as long as it was
  // ahead.
  const at = bucket.at > now && !isInFuture(bucket.at, now) ? bucket.at : now;
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, at }, waitMs: 0 };
  return { bucket: { tokens, at }, waitMs: Math.ceil(((1 - tokens) / size.perSecond) * 1000) };
}

/**
 * Admits no more than a number of requests within any one second, whenever that second begins. A full bucket alone lets
 * twice as many through. It holds the times of the admissions of the last second, earliest first.
 */
export class SlidingWindow {
  readonly #most: number;
  #times: number[] = [];
  #first = 0;

  /** @param perSecond the largest number within one second; rounded down, at least 1 */
  constructor(perSecond: number) {
    this.#most = Math.max(1, Math.floor(perSecond));
  }

  /**
   * How long until one more request fits, milliseconds; 0: now.
   *
   * @param now milliseconds since the epoch
   */
  waitMs(now: number): number {
    // A clock that was set back leaves times in the future. They do not count: waiting for them could take years.
    const isOver = (at: number): boolean => at <= now - 1000 || at > now;
    while (this.#first < this.#times.length && isOver(this.#times[this.#first] ?? 0)) this.#first += 1;
    if (this.#times.length - this.#first < this.#most) return 0;
    return (this.#times[this.#first] ?? 0) + 1000 - now;
  }

  /** Notes that a request was admitted at `now`. */
  add(now: number): void {
    if (this.#first > this.#most) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    this.#times.push(now);
  }
}
