/** What a run counts: numbers a second, and how long things took. */

/** A number for each second. */
export class PerSecond {
  readonly #values: Float64Array;

  constructor(seconds: number) {
    this.#values = new Float64Array(seconds);
  }

  add(second: number, what = 1): void {
    this.#values[second] = (this.#values[second] ?? 0) + what;
  }

  /** Keeps the largest value of a second. */
  most(second: number, value: number): void {
    if (value > (this.#values[second] ?? 0)) this.#values[second] = value;
  }

  at(second: number): number {
    return this.#values[second] ?? 0;
  }

  get total(): number {
    return this.#values.reduce((sum, value) => sum + value, 0);
  }

  /** @returns the median second, the 99th of a hundred, the largest, and when that was, seconds since the run began */
  spread(from = 0, to = this.#values.length): Spread {
    const values = this.#values.subarray(from, to);
    const sorted = Float64Array.from(values).sort();
    const at = (share: number): number => rounded(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    return { p50: at(0.5), p99: at(0.99), peak: at(1), peakAt: from + values.indexOf(sorted.at(-1) ?? 0) };
  }
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly peak: number;
  readonly peakAt: number;
}

/** How often something took how long, in steps of 8 %. */
export class Durations {
  readonly #counts = new Float64Array(300);
  #count = 0;
  #longest = 0;

  /** @param ms 0 or more */
  add(ms: number): void {
    const slot = ms < 1 ? 0 : Math.min(this.#counts.length - 1, 1 + Math.floor(Math.log(ms) / step));
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#count += 1;
    if (ms > this.#longest) this.#longest = ms;
  }

  get count(): number {
    return this.#count;
  }

  /** @returns milliseconds that so large a share took at most; 0 where nothing was counted */
  at(share: number): number {
    let left = this.#count * share;
    for (let slot = 0; slot < this.#counts.length; slot += 1) {
      left -= this.#counts[slot] ?? 0;
      if (left <= 0)
        return slot === 0
          ? Math.min(1, Math.round(this.#longest))
          : Math.round(Math.min(this.#longest, Math.exp(slot * step)));
    }
    return Math.round(this.#longest);
  }

  summary(): DurationSummary {
    return { count: this.#count, p50: this.at(0.5), p99: this.at(0.99), longest: Math.round(this.#longest) };
  }
}

/** Milliseconds, and how many were counted. */
export interface DurationSummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

const step = Math.log(1.08);

export function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
