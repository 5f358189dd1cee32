import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fixedClock, movableClock, systemClock } from "../../src/core/clock.ts";

describe("clocks", () => {
  test("clocks stand still until they are moved", () => {
    const clock = fixedClock("2026-11-22T00:00:00Z");
    assert.equal(clock.now(), Date.UTC(2026, 10, 22));
    clock.advance(1_500);
    clock.advance(500);
    assert.equal(clock.now(), Date.UTC(2026, 10, 22) + 2_000);
    assert.equal(fixedClock(new Date(5)).now(), fixedClock(5).now());
  });

  test("clocks run with another clock, ahead by what they were moved", () => {
    const base = fixedClock(1_000);
    const clock = movableClock(base);
    clock.advance(3_700_000);
    base.advance(1);
    assert.equal(clock.now(), 3_701_001);
    assert.equal(base.now(), 1_001, "moving the one must not move the other");
  });

  test("clocks read the machine's time where nothing else is said", () => {
    const before = Date.now();
    const [system, movable] = [systemClock.now(), movableClock().now()];
    const after = Date.now();
    for (const now of [system, movable]) assert.ok(before <= now && now <= after);
  });
});
