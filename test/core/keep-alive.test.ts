import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { idleBefore, isKeepAliveDue, keepAliveAt } from "../../src/core/keep-alive.ts";

const day = 86_400_000;
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("keepAliveAt", () => {
  test("keepAliveAt lies in the last fifth of the days that the provider allows", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), fc.integer({ min: 1, max: 400 }), share, (exchangedAt, days, part) => {
        const idle = keepAliveAt({ exchangedAt, refreshExpiresAt: null }, days, part) - exchangedAt;
        assert.ok(Number.isSafeInteger(idle) && idle >= Math.floor(0.8 * days * day) && idle <= days * day);
        assert.ok(exchangedAt + idle >= idleBefore(days, exchangedAt + idle) + Math.floor(0.8 * days * day));
      }),
    );
    assert.equal(keepAliveAt({ exchangedAt: 0, refreshExpiresAt: null }, 30, 0.5), 27 * day);
  });

  test("keepAliveAt lies between 50 and 70 % of a refresh token's announced life, where that is sooner", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), fc.integer({ min: 1, max: 30 * day }), share, (exchangedAt, life, part) => {
        const at = keepAliveAt({ exchangedAt, refreshExpiresAt: exchangedAt + life }, 30, part) - exchangedAt;
        assert.ok(at >= Math.floor(life * 0.5) && at <= life * 0.7);
      }),
    );
    assert.equal(keepAliveAt({ exchangedAt: 0, refreshExpiresAt: 365 * day }, 30, 0), 24 * day);
  });

  test("a grant whose last exchange was in our future is due: nobody knows how long it has been idle", () => {
    const grant = { exchangedAt: 100 * day, refreshExpiresAt: null };
    assert.equal(isKeepAliveDue(grant, 30, 0, 99 * day), true);
    assert.equal(isKeepAliveDue(grant, 30, 0, 100 * day), false);
    assert.equal(isKeepAliveDue(grant, 30, 0, 124 * day), true);
  });
});
