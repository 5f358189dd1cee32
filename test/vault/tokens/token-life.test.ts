import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { isFresh, refreshAheadAt } from "../../../src/vault/tokens/access-token.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("isFresh", () => {
  const now = 1_000_000;
  const cases: readonly (readonly [number | undefined, number, boolean])[] = [
    [undefined, 0, false],
    [now + 60_000, 60_000, true],
    [now + 59_999, 60_000, false],
    [now + 1, 0, true],
    [now, 0, false],
    [now - 1, 0, false],
    [now - 1, -1_000, false],
    [Number.NaN, 0, false],
  ];
  for (const [expiresAt, minTtlMs, fresh] of cases) {
    test(`isFresh: ${String(expiresAt)} at ${now}, with ${minTtlMs} ms wanted: ${fresh}`, () => {
      assert.equal(isFresh(expiresAt, now, minTtlMs), fresh);
    });
  }

  test("isFresh never calls an expired token fresh, and never asks for more than was wanted", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer(), (expiresAt, now, minTtlMs) => {
        assert.equal(isFresh(expiresAt, now, minTtlMs), expiresAt > now && expiresAt >= now + minTtlMs);
      }),
    );
  });
});

describe("refreshAheadAt", () => {
  test("refreshAheadAt lies between 70 and 85 % of the token's life, later for a larger random number", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), fc.integer({ min: 1, max: 10 ** 9 }), random, random, (issuedAt, life, one, two) => {
        const [less, more] = [Math.min(one, two), Math.max(one, two)];
        const at = refreshAheadAt(issuedAt, issuedAt + life, less);
        assert.ok(at >= issuedAt + Math.floor(life * 0.7) && at <= issuedAt + life * 0.85);
        assert.ok(at <= refreshAheadAt(issuedAt, issuedAt + life, more));
      }),
    );
  });

  test("refreshAheadAt spreads tokens of one second over the whole window", () => {
    const hour = 3_600_000;
    const shares = [0, 0.25, 0.5, 0.75, 0.999_999].map((random) => refreshAheadAt(0, hour, random) / hour);
    assert.deepEqual(
      shares.map((share) => share.toFixed(4)),
      ["0.7000", "0.7375", "0.7750", "0.8125", "0.8500"],
    );
  });
});
