/** How many exchanges a provider is sent: so many a second, and a few at once. Plain data. */
export interface TokenBucket {
  readonly tokens: number;
  /** When `tokens` was true, milliseconds since the epoch. */
  readonly at: number;
}

export interface BucketSize {
  readonly perSecond: number;
  readonly burst: number;
}

export function fullBucket({ burst }: BucketSize, now: number): TokenBucket {
  return { tokens: burst, at: now };
}

/**
 * Takes one token.
 *
 * @returns the bucket after it, and how long to wait for the next one where there was none, milliseconds
 */
export function take(bucket: TokenBucket, size: BucketSize, now: number): { bucket: TokenBucket; waitMs: number } {
  const elapsedMs = Math.max(0, now - bucket.at);
  const tokens = Math.min(size.burst, bucket.tokens + (elapsedMs / 1000) * size.perSecond);
  const at = Math.max(now, bucket.at);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, at }, waitMs: 0 };
  return { bucket: { tokens, at }, waitMs: Math.ceil(((1 - tokens) / size.perSecond) * 1000) };
}

/** When those were let through who were let through within the last second, earliest first. Milliseconds. */
export class SlidingWindow {
  readonly #most: number;
  #times: number[] = [];
  #first = 0;

  /** @param perSecond no more than so many in any one second, whenever it begins: a full bucket alone lets twice as many through */
  constructor(perSecond: number) {
    this.#most = Math.max(1, Math.floor(perSecond));
  }

  /** How long until one more fits, milliseconds; 0: now. */
  waitMs(now: number): number {
    // Those of a future that a clock has come back from count for nothing: waiting for it could take years.
    const isOver = (at: number): boolean => at <= now - 1000 || at > now;
    while (this.#first < this.#times.length && isOver(this.#times[this.#first] ?? 0)) this.#first += 1;
    if (this.#times.length - this.#first < this.#most) return 0;
    return (this.#times[this.#first] ?? 0) + 1000 - now;
  }

  /** Somebody was admitted at `now`. */
  add(now: number): void {
    if (this.#first > this.#most) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    this.#times.push(now);
  }
}
