import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks until the answer is the expected one. Only the test's own timeout ends it, so that a slow machine does not fail a
 * test.
 */
export async function eventually<T>(ask: () => Promise<T> | T, isIt: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    await sleep(5);
  }
}
