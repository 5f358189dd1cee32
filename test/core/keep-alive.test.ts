import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  announcedAt,
  idleBefore,
  isKeepAliveDue,
  keepAliveAt,
  keepAliveSlot,
  keepAliveSlots,
} from "../../src/core/keep-alive.ts";

const day = 86_400_000;
const slot = fc.nat(keepAliveSlots - 1);

describe("keepAliveAt", () => {
  test("keepAliveAt lies in the last fifth of the days that the provider allows", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), fc.integer({ min: 1, max: 400 }), slot, (exchangedAt, days, part) => {
        const idle = keepAliveAt({ exchangedAt, refreshExpiresAt: null }, days, part) - exchangedAt;
        assert.ok(Number.isSafeInteger(idle) && idle >= Math.floor(0.8 * days * day) && idle <= days * day);
      }),
    );
    assert.equal(keepAliveAt({ exchangedAt: 0, refreshExpiresAt: null }, 30, 32), 27 * day);
  });

  test("keepAliveAt lies between 50 and 70 % of a refresh token's announced life, where that is sooner", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), fc.integer({ min: 1, max: 30 * day }), slot, (exchangedAt, life, part) => {
        const at = keepAliveAt({ exchangedAt, refreshExpiresAt: exchangedAt + life }, 30, part) - exchangedAt;
        assert.ok(at >= Math.floor(life * 0.5) && at <= life * 0.7);
      }),
    );
    assert.equal(keepAliveAt({ exchangedAt: 0, refreshExpiresAt: 365 * day }, 30, 0), 24 * day);
  });

  test("the searches that the store does find a grant when it is due, and not a moment sooner", () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 41),
        fc.option(fc.integer({ min: 1, max: 200 * day })),
        fc.integer({ min: 1, max: 400 }),
        slot,
        (exchangedAt, life, days, part) => {
          const refreshExpiresAt = life === null ? null : exchangedAt + life;
          const dueAt = keepAliveAt({ exchangedAt, refreshExpiresAt }, days, part);
          const isFound = (now: number): boolean =>
            exchangedAt < idleBefore(days, part, now) ||
            (refreshExpiresAt !== null && announcedAt({ exchangedAt, refreshExpiresAt }, part) < now + 1);
          assert.deepEqual([isFound(dueAt - 1), isFound(dueAt)], [false, true]);
        },
      ),
    );
  });

  test("grants of random ids are spread evenly over all slots, and one of another form has a slot, too", () => {
    const random = Array.from({ length: 64 * 200 }, () => keepAliveSlot(`g_${randomBytes(16).toString("base64url")}`));
    const counts = Array.from({ length: keepAliveSlots }, (_, each) => random.filter((found) => found === each).length);
    assert.ok(Math.min(...counts) > 100 && Math.max(...counts) < 300, counts.join());
    for (const odd of ["", "g", "g_", "g_é", "g_ "]) assert.equal(keepAliveSlot(odd), 0);
  });

  test("a grant whose last exchange was in our future is due: nobody knows how long it has been idle", () => {
    const grant = { exchangedAt: 100 * day, refreshExpiresAt: null };
    assert.equal(isKeepAliveDue(grant, 30, 0, 99 * day), true);
    assert.equal(isKeepAliveDue(grant, 30, 0, 100 * day), false);
    assert.equal(isKeepAliveDue(grant, 30, 0, 124 * day), true);
  });
});
