import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { clockLeewayMs } from "../../src/core/recorded-time.ts";
import { endOf, endedAtOnceMs, isFresh, isLiving, refreshAheadAt, unknownEndAgeMs } from "../../src/core/token-life.ts";
import type { TokenLife } from "../../src/core/token-life.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const hour = 3_600_000;
const now = 1_800_000_000_000;

/** A life by what has passed of it and by its whole, milliseconds. */
function life(passedMs: number, wholeMs: number | null, isRefreshable = true): TokenLife {
  const issuedAt = now - passedMs;
  return { issuedAt, expiresAt: wholeMs === null ? null : issuedAt + wholeMs, isRefreshable };
}

describe("isFresh", () => {
  const minute = 60_000;
  const cases: readonly (readonly [string, TokenLife, number, boolean])[] = [
    ["exactly what was asked is left", life(hour - minute, hour), minute, true],
    ["a millisecond less is left", life(hour - minute + 1, hour), minute, false],
    ["a millisecond is left and nothing is asked", life(hour - 1, hour), 0, true],
    ["it is over", life(hour, hour), 0, false],
    ["it is long over", life(2 * hour, hour), -hour, false],

    ["it lives for half of what is asked, and 30 % is left", life(21_000, 30_000), minute, true],
    ["it lives for half of what is asked, and less than 30 % is left", life(21_001, 30_000), minute, false],
    ["it lives exactly as long as is asked, and was just issued", life(1, minute), minute, true],
    ["it lives for a second", life(500, 1_000), minute, true],
    ["it had ended when it came", life(0, 0), 0, false],

    ["nobody said when it ends, and it is young", life(unknownEndAgeMs - 1, null), 86_400_000, true],
    ["nobody said when it ends, and it is an hour old", life(unknownEndAgeMs, null), 0, false],
    ["nobody said when it ends, and nothing can replace it", life(1e11, null, false), 86_400_000, true],

    ["it was issued within the leeway of clocks", life(-clockLeewayMs, hour), minute, true],
    ["it was issued in our future", life(-clockLeewayMs - 1, hour), minute, false],
    ["it was issued a day ahead", life(-86_400_000, hour), 0, false],
    ["it was issued a day ahead, and cannot be replaced", life(-86_400_000, hour, false), 0, false],
    ["it was issued a day ahead, and nobody said when it ends", life(-86_400_000, null), 0, false],
    ["it was issued a day ahead, without an end and a replacement", life(-86_400_000, null, false), 0, true],
  ];
  for (const [name, each, minTtlMs, fresh] of cases) {
    test(`isFresh: ${name}: ${fresh}`, () => assert.equal(isFresh(each, now, minTtlMs), fresh));
  }

  test("isFresh never calls a token fresh that does not live, nor one that was issued in the future", () => {
    const anyLife = fc.record({
      issuedAt: fc.integer({ min: now - 10 * hour, max: now + 10 * hour }),
      expiresAt: fc.option(fc.integer({ min: now - 10 * hour, max: now + 10 * hour })),
      isRefreshable: fc.boolean(),
    });
    fc.assert(
      fc.property(anyLife, fc.nat(86_400_000), (each, minTtlMs) => {
        if (!isFresh(each, now, minTtlMs)) return;
        assert.ok(isLiving(each, now));
        const end = endOf(each, now);
        if (each.expiresAt === null || end === undefined) return;
        assert.ok(each.issuedAt <= now + clockLeewayMs);
        assert.ok(end <= each.expiresAt);
        assert.ok(end - now <= each.expiresAt - each.issuedAt, "never longer than it lives");
      }),
    );
  });
});

describe("a token that had ended when it came", () => {
  test("a token that had ended when it came is asked for again after half a minute, and any other at once", () => {
    assert.equal(endedAtOnceMs(life(0, 0), now), 30_000);
    assert.equal(endedAtOnceMs(life(10_000, 0), now), 20_000);
    assert.equal(endedAtOnceMs(life(30_000, 0), now), 0);
    assert.equal(endedAtOnceMs(life(0, 1), now), 0);
    assert.equal(endedAtOnceMs(life(0, null), now), 0);
    assert.equal(endedAtOnceMs(life(-86_400_000, 0), now), 0, "not for the length of a clock's jump");
  });
});

describe("refreshAheadAt", () => {
  test("refreshAheadAt lies between 70 and 85 % of the token's life, later for a larger random number", () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 45),
        fc.integer({ min: 1, max: 10 ** 9 }),
        random,
        random,
        (issuedAt, whole, one, two) => {
          const [less, more] = [Math.min(one, two), Math.max(one, two)];
          const each = { issuedAt, expiresAt: issuedAt + whole, isRefreshable: true };
          const at = refreshAheadAt(each, less);
          assert.ok(at >= issuedAt + Math.floor(whole * 0.7) && at <= issuedAt + whole * 0.85);
          assert.ok(at <= refreshAheadAt(each, more));
        },
      ),
    );
  });

  test("refreshAheadAt spreads tokens of one second over the whole window", () => {
    const shares = [0, 0.25, 0.5, 0.75, 0.999_999].map(
      (each) => refreshAheadAt({ issuedAt: 0, expiresAt: hour, isRefreshable: true }, each) / hour,
    );
    assert.deepEqual(
      shares.map((share) => share.toFixed(4)),
      ["0.7000", "0.7375", "0.7750", "0.8125", "0.8500"],
    );
  });

  test("refreshAheadAt takes an hour for a life that nobody said, and never comes where nothing can be refreshed", () => {
    assert.equal(refreshAheadAt(life(0, null), 0), now + 0.7 * unknownEndAgeMs);
    assert.equal(refreshAheadAt(life(0, hour, false), 0), Infinity);
  });
});
