import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { SlidingWindow, fullBucket, take } from "../../src/core/token-bucket.ts";

const size = { perSecond: 10, burst: 3 };

describe("a token bucket", () => {
  test("a token bucket gives a few at once, and then one at a time", () => {
    let bucket = fullBucket(size, 0);
    const waits = [0, 0, 0, 0, 50, 100].map((now) => {
      const taken = take(bucket, size, now);
      bucket = taken.bucket;
      return taken.waitMs;
    });
    assert.deepEqual(waits, [0, 0, 0, 100, 50, 0]);
  });

  test("a token bucket saves up no more than the few", () => {
    let bucket = fullBucket(size, 0);
    const given = Array.from({ length: 10 }, () => {
      const taken = take(bucket, size, 86_400_000);
      bucket = taken.bucket;
      return taken.waitMs;
    });
    assert.equal(given.filter((waitMs) => waitMs === 0).length, size.burst);
  });

  test("a token bucket never gives more than its rate, at whatever moments it is asked, nor for a clock that was set back", () => {
    const rate = fc.record({ perSecond: fc.integer({ min: 1, max: 1_000 }), burst: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(rate, fc.array(fc.integer({ min: -500, max: 2_000 }), { maxLength: 100 }), (size, steps) => {
        let bucket = fullBucket(size, 0);
        let [now, latest, given] = [0, 0, 0];
        for (const step of steps) {
          now += step;
          latest = Math.max(latest, now);
          const taken = take(bucket, size, now);
          bucket = taken.bucket;
          if (taken.waitMs === 0) given += 1;
          assert.ok(given <= size.burst + (latest / 1000) * size.perSecond + 1e-6);
        }
      }),
    );
  });

  test("a token bucket says how long to wait, and keeps its word to the millisecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 20 }), (perSecond, burst) => {
        const size = { perSecond, burst };
        let bucket = fullBucket(size, 0);
        for (let i = 0; i < burst; i++) bucket = take(bucket, size, 0).bucket;
        const { waitMs } = take(bucket, size, 0);
        assert.ok(waitMs > 0 && waitMs <= Math.ceil(1_000 / perSecond));
        assert.equal(take(bucket, size, waitMs).waitMs, 0);
      }),
    );
  });
});

describe("the last second", () => {
  test("the sliding window never holds more than so many, at whatever moments it is asked", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.integer({ min: 0, max: 400 })), (most, steps) => {
        const second = new SlidingWindow(most);
        const given: number[] = [];
        let now = 0;
        for (const step of steps) {
          now += step;
          for (let tries = 0; tries < 5; tries++) {
            if (second.waitMs(now) > 0) continue;
            second.add(now);
            given.push(now);
          }
        }
        for (const at of given) assert.ok(given.filter((other) => other > at - 1_000 && other <= at).length <= most);
      }),
    );
  });

  test("the sliding window says how long to wait, and keeps its word to the millisecond", () => {
    const second = new SlidingWindow(2);
    second.add(100);
    second.add(700);
    assert.equal(second.waitMs(800), 300);
    assert.equal(second.waitMs(1_099), 1);
    assert.equal(second.waitMs(1_100), 0);
  });

  test("the sliding window lets one through at least, and does not wait for a clock that was set back", () => {
    const second = new SlidingWindow(0.5);
    second.add(1_000_000);
    assert.equal(second.waitMs(1_000_500), 500);
    assert.equal(second.waitMs(2_000), 0);
  });
});
