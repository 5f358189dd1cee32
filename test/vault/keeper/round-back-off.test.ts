import assert from "node:assert/strict";
import { test } from "node:test";
import { RoundBackOff } from "../../../src/vault/keeper/round-back-off.ts";

test("a task leaves what fails again out for 1, 2, 4 rounds and so on, up to 240, and nothing else", () => {
  const backOff = new RoundBackOff();
  const tried: number[] = [];
  for (let round = 1; round <= 1_000; round++) {
    backOff.nextRound();
    assert.ok(backOff.isDue("another"));
    if (!backOff.isDue("a")) continue;
    tried.push(round);
    backOff.failed("a");
  }
  assert.deepEqual(tried, [1, 2, 4, 8, 16, 32, 64, 128, 256, 496, 736, 976]);
});

test("a task forgets what has not failed for long", () => {
  const backOff = new RoundBackOff();
  backOff.nextRound();
  backOff.failed("a");
  backOff.nextRound();
  backOff.failed("a");
  for (let round = 0; round < 300; round++) backOff.nextRound();
  backOff.failed("a");
  backOff.nextRound();
  assert.ok(backOff.isDue("a"), "as after a first failure");
});
