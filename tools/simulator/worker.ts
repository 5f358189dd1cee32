/** One thread of `npm run simulate`: runs a range of seeds and counts how their grants ended. */
import { parentPort, workerData } from "node:worker_threads";
import { simulate } from "./simulate.ts";
import type { Result } from "./simulate.ts";

export interface Tally {
  readonly ends: Record<Result["end"], number>;
  readonly steps: number;
  /** In how many a backup was put back. */
  readonly restored: number;
  /** How many schedules broke a promise. */
  readonly violated: number;
  /** The first few of these. */
  readonly examples: readonly Result[];
}

/** Runs the schedules of `count` seeds from `first` on. */
export async function tally(first: number, count: number): Promise<Tally> {
  const ends = { served: 0, lapsed: 0, revoked: 0, unsettled: 0 };
  const examples: Result[] = [];
  let steps = 0;
  let restored = 0;
  let violated = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await simulate(seed);
    ends[result.end] += 1;
    steps += result.steps;
    restored += result.wasRestored ? 1 : 0;
    if (result.violations.length === 0) continue;
    violated += 1;
    if (examples.length < 5) examples.push(result);
  }
  return { ends, steps, restored, violated, examples };
}

const range = workerData as { first: number; count: number } | null;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origins
if (parentPort !== null && range !== null) parentPort.postMessage(await tally(range.first, range.count));
