import { parentPort, workerData } from "node:worker_threads";
import { simulate } from "./simulate.ts";
import type { Result } from "./simulate.ts";

/** What a range of seeds came to. */
export interface Tally {
  readonly ends: Record<Result["end"], number>;
  readonly steps: number;
  /** Of schedules with violations: how many, and the first few. */
  readonly bad: number;
  readonly examples: readonly Omit<Result, "trace">[];
}

/** Runs the schedules of `count` seeds from `first` on. */
export async function tally(first: number, count: number): Promise<Tally> {
  const ends = { served: 0, lapsed: 0, revoked: 0, unsettled: 0 };
  const examples: Omit<Result, "trace">[] = [];
  let steps = 0;
  let bad = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { trace: _trace, ...result } = await simulate(seed);
    ends[result.end] += 1;
    steps += result.steps;
    if (result.violations.length === 0) continue;
    bad += 1;
    if (examples.length < 5) examples.push(result);
  }
  return { ends, steps, bad, examples };
}

const range = workerData as { first: number; count: number } | null;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origins
if (parentPort !== null && range !== null) parentPort.postMessage(await tally(range.first, range.count));
