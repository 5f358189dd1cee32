import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

/**
 * Far more than anything takes on a slow machine, and less than a test may take: a test that waits for what never comes
 * then fails with what there was, and not at its limit with nothing.
 */
const patienceMs = 60_000;

/**
 * Asks until the answer is the expected one.
 *
 * @param everyMs how long to wait between two questions, milliseconds
 */
export async function eventually<T>(ask: () => Promise<T> | T, isIt: (answer: T) => boolean, everyMs = 5): Promise<T> {
  for (const begunAt = performance.now(); ;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    const shown = inspect(answer, { depth: 2, maxStringLength: 200 }).slice(0, 1_000);
    if (performance.now() - begunAt > patienceMs)
      assert.fail(`it never came about; after a minute it was still ${shown}`);
    await sleep(everyMs);
  }
}
