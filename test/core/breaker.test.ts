import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { afterFailure, afterLateFailure, closedBreaker, mayAsk } from "../../src/core/breaker.ts";
import type { Breaker } from "../../src/core/breaker.ts";

const now = Date.UTC(2026, 10, 22);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** A breaker after this many failures in a row, all at one moment. */
function broken(failures: number, retryAfterMs?: number): Breaker {
  let breaker = closedBreaker;
  for (let i = 0; i < failures; i++) breaker = afterFailure(breaker, now, 0, { retryAfterMs });
  return breaker;
}

describe("the breaker", () => {
  test("the circuit breaker lets everybody ask while failures may be chance", () => {
    for (let failures = 0; failures < 5; failures++) assert.equal(mayAsk(broken(failures), now), "ask");
  });

  test("the circuit breaker stops everybody from the fifth failure in a row on, and then lets one try", () => {
    const wait = mayAsk(broken(5), now);
    assert.ok(typeof wait === "number" && wait >= 250);
    assert.equal(typeof mayAsk(broken(5), now + wait - 1), "number");
    assert.equal(mayAsk(broken(5), now + wait), "probe");
  });

  test("the circuit breaker waits as long as the provider asks, where that is longer", () => {
    assert.equal(mayAsk(broken(5, 90_000), now), 90_000);
    assert.notEqual(mayAsk(broken(5, 1), now), 1);
  });

  test("the circuit breaker pauses a while, never for nothing and never for more than half a minute of its own accord", () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 10_000 }), random, (failures, share) => {
        const { openUntil } = afterFailure({ ...closedBreaker, failures: failures - 1 }, now, share);
        assert.ok(openUntil - now >= 250 && openUntil - now <= 30_250, String(openUntil - now));
      }),
    );
  });

  test("the circuit breaker counts the same failure of the same grant once, and reopens for a second after its probe", () => {
    const repeated = { repeated: true };
    let breaker = broken(4);
    for (let n = 0; n < 20; n++) breaker = afterFailure(breaker, now, 0, repeated);
    assert.equal(mayAsk(breaker, now), "ask");
    const open = broken(30);
    const probed = afterFailure(open, now + 60_000, 0.9, repeated);
    assert.equal(mayAsk(probed, now + 60_000), 1_000);
    assert.equal(probed.failures, open.failures);
    const limited = afterFailure(closedBreaker, now, 0, { limited: true, repeated: true });
    assert.equal(typeof mayAsk(limited, now), "number", "being told that we ask too often always counts");
  });

  test("the circuit breaker stops everybody at once where the provider says that we ask too often", () => {
    const limited = afterFailure(closedBreaker, now, 0, { limited: true, retryAfterMs: 90_000 });
    assert.equal(mayAsk(limited, now), 90_000);
    assert.equal(mayAsk(limited, now + 90_000), "probe");
    assert.equal(limited.limited, true);
    const untold = afterFailure(closedBreaker, now, 0, { limited: true });
    assert.ok(Number(mayAsk(untold, now)) >= 250, "also where it does not say for how long");
  });

  test("the circuit breaker pauses ever longer, and never shorter than asked, while it is told the same small wait", () => {
    let breaker = closedBreaker;
    let before = 0;
    for (let n = 0; n < 6; n++) {
      breaker = afterFailure(breaker, now, 0.5, { limited: true, retryAfterMs: 1_000 });
      const pauseMs = breaker.openUntil - now;
      assert.ok(pauseMs >= 1_000 && pauseMs >= before, `${pauseMs} after ${before}`);
      before = pauseMs;
    }
    assert.ok(before > 10_000, String(before));
  });

  test("the circuit breaker learns from a late failure only for how long it is to stay open", () => {
    const open = broken(5);
    assert.deepEqual(afterLateFailure(open, now), open);
    assert.deepEqual(afterLateFailure(open, now, { retryAfterMs: 1 }), open);
    const later = afterLateFailure(open, now, { retryAfterMs: 60_000, limited: true });
    assert.deepEqual(later, { failures: 5, openUntil: now + 60_000, setAt: now, limited: true });
  });

  test("the circuit breaker lets nobody ask before the provider said, whatever comes in whatever order", () => {
    const trouble = fc.record({
      retryAfterMs: fc.option(fc.nat(3_600_000), { nil: undefined }),
      limited: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(trouble, random), { maxLength: 30 }), (troubles) => {
        let breaker = closedBreaker;
        let asked = 0;
        for (const [each, share] of troubles) {
          const late = mayAsk(breaker, now) !== "ask";
          breaker = late ? afterLateFailure(breaker, now, each) : afterFailure(breaker, now, share, each);
          if (each.limited || late) asked = Math.max(asked, each.retryAfterMs ?? 0);
        }
        const may = mayAsk(breaker, now);
        assert.ok(asked === 0 || (typeof may === "number" && may >= asked), `${may}, asked for ${asked}`);
      }),
    );
  });
});
