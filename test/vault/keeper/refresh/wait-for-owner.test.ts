import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { holderWaitMs } from "../../../../src/core/timing.ts";
import { nextPollMs } from "../../../../src/vault/keeper/refresh/begin-attempt.ts";

/** When a process that waits reads the attempt, milliseconds after it began to wait. */
function polls(): number[] {
  const times = [0];
  for (let at = 0; at < holderWaitMs;) times.push((at += nextPollMs(at)));
  return times;
}

test("a process that waits for another's refresh learns of its end within a fifth of the time that it took, or 20 ms", () => {
  const times = polls();
  fc.assert(
    fc.property(fc.integer({ min: 1, max: holderWaitMs - 1 }), (endedAt) => {
      const seenAt = times.find((at) => at >= endedAt) ?? Infinity;
      assert.ok(seenAt - endedAt <= Math.max(20, endedAt / 5), `${endedAt} ms was seen after ${seenAt} ms`);
    }),
  );
});

test("a process that waits for another's refresh reads the attempt no more often than fits a slow provider", () => {
  const times = polls();
  assert.ok(times.length < 200, `${times.length} times in ${holderWaitMs} ms`);
  // 50 times a second at most, whatever it waits for.
  for (const [n, at] of times.entries()) assert.ok(n === 0 || at - (times[n - 1] ?? 0) >= 20);
});
