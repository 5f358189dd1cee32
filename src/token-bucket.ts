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
