import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { afterFailure, afterLateFailure, closedBreaker, mayAsk } from "../../src/core/breaker.ts";
import { clockLeewayMs, isInFuture, isRecent, remainingMs } from "../../src/core/recorded-time.ts";
import { fullBucket, take } from "../../src/core/token-bucket.ts";

const now = 1_800_000_000_000;
const day = 86_400_000;

describe("a time that was written down", () => {
  test("a time that was written down is in the future beyond the leeway of clocks", () => {
    assert.equal(isInFuture(now, now), false);
    assert.equal(isInFuture(now + clockLeewayMs, now), false);
    assert.equal(isInFuture(now + clockLeewayMs + 1, now), true);
  });

  test("a time that was written down in the future is not recent, however near it seems", () => {
    assert.equal(isRecent(now - 999, now, 1_000), true);
    assert.equal(isRecent(now - 1_000, now, 1_000), false);
    assert.equal(isRecent(now + day, now, 1_000), false);
  });
});

describe("a wait that was set by a clock", () => {
  const cases: readonly (readonly [string, number | null, number | null, number])[] = [
    ["there is none", null, null, 0],
    ["it is under way", now + 5_000, now - 1_000, 5_000],
    ["it is over", now - 1, now - 10_000, 0],
    ["nobody knows when it was set", now + 5_000, null, 5_000],
    ["it was set a day ahead of us", now + day + 60_000, now + day, 0],
    ["it was set a little ahead of us", now + 60_000 + 5_000, now + 5_000, 60_000],
  ];
  for (const [name, until, setAt, expected] of cases) {
    test(`a wait that was set by a clock: ${name}: ${expected} ms`, () => {
      assert.equal(remainingMs(until, setAt, now), expected);
    });
  }

  test("a wait is never longer than it was when it was set, wherever the clock stands", () => {
    const wait = fc.nat(3_600_000);
    fc.assert(
      fc.property(wait, fc.integer({ min: -10 * day, max: 10 * day }), (waitMs, jumpMs) => {
        assert.ok(remainingMs(now + waitMs, now, now + jumpMs) <= waitMs);
      }),
    );
  });
});

describe("a breaker whose clock is set back", () => {
  const open = afterFailure(closedBreaker, now, 0.5, { limited: true, retryAfterMs: 60_000 });
  test("a breaker whose clock is set back lets a probe through, and does not wait for the length of the jump", () => {
    assert.equal(mayAsk(open, now), 60_000);
    assert.equal(mayAsk(open, now - day), "probe");
  });

  test("a breaker whose clock is set back waits after a late failure for as long as the provider asked", () => {
    const later = afterLateFailure(open, now - day, { retryAfterMs: 5_000 });
    assert.equal(mayAsk(later, now - day), 5_000);
  });
});

test("a token bucket whose clock is set back fills again from that time on", () => {
  const size = { perSecond: 10, burst: 2 };
  let bucket = fullBucket(size, now);
  for (let n = 0; n < 2; n++) ({ bucket } = take(bucket, size, now));
  const back = now - day;
  const first = take(bucket, size, back);
  assert.ok(first.waitMs > 0 && first.waitMs <= 100);
  assert.equal(take(first.bucket, size, back + 100).waitMs, 0);
});
