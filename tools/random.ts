/** Chance that can be repeated, for tools whose runs are named by a seed. */

/** Numbers in [0, 1) that come in the same order for the same seed, on every machine: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number between two others, each as likely as any. */
export function between(random: () => number, low: number, high: number): number {
  return low + random() * (high - low);
}

/** Any one of the items; undefined where there is none. */
export function oneOf<T>(random: () => number, items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)];
}
