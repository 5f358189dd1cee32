import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Pace } from "../../../../src/cli/grants/deposit/pace.ts";

/** A pace on a clock that moves while somebody sleeps. */
function paced(perSecond: number): { pace: Pace; now: () => number } {
  let now = 1_000;
  const sleep = async (ms: number): Promise<void> => {
    now += ms;
  };
  return { pace: new Pace(perSecond, sleep, () => now), now: () => now };
}

describe("the pace of deposits", () => {
  for (const perSecond of [0.5, 1, 50, 1_000]) {
    test(`at ${perSecond} a second, a hundred take as long as that says`, async () => {
      const { pace, now } = paced(perSecond);
      for (let at = 0; at < 100; at += 1) await pace.turn();
      const expected = (99 / perSecond) * 1_000;
      assert.ok(Math.abs(now() - 1_000 - expected) < 1_000 / perSecond + 1, `${now() - 1_000} for ${expected}`);
    });
  }

  test("after a pause everybody waits for its end, and nobody catches up on what was not sent meanwhile", async () => {
    const { pace, now } = paced(10);
    await pace.turn();
    pace.pause(5_000);
    await pace.turn();
    assert.equal(now(), 6_000);
    for (let at = 0; at < 10; at += 1) await pace.turn();
    assert.ok(now() >= 6_900, `${now()}`);
  });

  test("silence is counted from the last answer on", async () => {
    const { pace } = paced(1);
    await pace.turn();
    await pace.turn();
    assert.equal(pace.silentForMs, 1_000);
    pace.answered();
    assert.deepEqual([pace.silentForMs, pace.answers], [0, 1]);
  });
});
