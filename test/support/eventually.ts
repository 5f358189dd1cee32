import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks until the answer is the one that is waited for. Gives up only when the whole test does, so that a slow machine
 * fails nothing.
 */
export async function eventually<T>(ask: () => Promise<T> | T, isIt: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    await sleep(5);
  }
}
