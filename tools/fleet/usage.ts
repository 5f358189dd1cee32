/** Who uses which grant when. */

/**
 * A part of the grants is used around the clock, by programs that nobody watches: agents and synchronisation. The others
 * belong to people, of whom a part comes on one day, mostly by day; the rest does not come.
 */
export interface Usage {
  /** The share of grants that programs use around the clock. */
  readonly steady: number;
  /** How long after one use of such a grant the next one comes, minutes on average. */
  readonly steadyGapMinutes: number;
  /** The share of grants whose people come today. */
  readonly active: number;
  /** How often each of them comes. */
  readonly sessionsADay: number;
  /** How many uses a session has, and how many minutes lie between two, on average. */
  readonly usesASession: number;
  readonly sessionGapMinutes: number;
}

/**
 * Nobody publishes such figures of a token vault. One in 25 grants around the clock is what a product with background
 * synchronisation for its paying users has; a third of the people on one day is what mail and calendar apps call a good
 * ratio of daily to monthly users. Each run prints what share of grants was used in each hour.
 */
export const ordinaryUsage: Usage = {
  steady: 0.04,
  steadyGapMinutes: 10,
  active: 0.3,
  sessionsADay: 2,
  usesASession: 6,
  sessionGapMinutes: 4,
};

/** The hours' parts of a day's sessions, in percent: night, rise, two peaks of a working day, evening. */
const curve = [
  1, 0.6, 0.4, 0.3, 0.4, 0.8, 1.8, 3.2, 4.9, 6.2, 6.8, 7, 6.5, 6.7, 7.2, 7.1, 6.9, 6.4, 5.9, 5.6, 5.2, 4.4, 3.1, 1.6,
];
const whole = curve.reduce((sum, part) => sum + part, 0);

/**
 * How many sessions begin in a second, on average.
 *
 * @param hour of the day, with its fraction
 */
export function sessionsASecond({ active, sessionsADay }: Usage, grants: number, hour: number): number {
  const before = Math.floor(hour) % 24;
  const part = hour - Math.floor(hour);
  const share = (curve[before] ?? 0) * (1 - part) + (curve[(before + 1) % 24] ?? 0) * part;
  return (grants * active * sessionsADay * share) / whole / 3_600;
}

/** A number of independent events, of which so many come on average. */
export function poisson(mean: number, random: () => number): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}

/** How long until an event that comes once in `mean`, on average. */
export function exponential(mean: number, random: () => number): number {
  return -mean * Math.log(1 - random());
}
