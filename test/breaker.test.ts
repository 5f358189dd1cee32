import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { afterFailure, closedBreaker, mayAsk } from "../src/breaker.ts";
import type { Breaker } from "../src/breaker.ts";

const now = Date.UTC(2026, 10, 22);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** After so many failures in a row, all at one moment. */
function broken(failures: number, retryAfterMs?: number): Breaker {
  let breaker = closedBreaker;
  for (let i = 0; i < failures; i++) breaker = afterFailure(breaker, now, 0, retryAfterMs);
  return breaker;
}

describe("the breaker", () => {
  it("lets everybody ask while failures may be chance", () => {
    for (let failures = 0; failures < 5; failures++) assert.equal(mayAsk(broken(failures), now), "ask");
  });

  it("stops everybody from the fifth failure in a row on, and then lets one try", () => {
    const wait = mayAsk(broken(5), now);
    assert.ok(typeof wait === "number" && wait >= 250);
    assert.equal(typeof mayAsk(broken(5), now + wait - 1), "number");
    assert.equal(mayAsk(broken(5), now + wait), "probe");
  });

  it("waits as long as the provider asks, where that is longer", () => {
    assert.equal(mayAsk(broken(5, 90_000), now), 90_000);
    assert.notEqual(mayAsk(broken(5, 1), now), 1);
  });

  it("pauses a while, never for nothing and never for more than half a minute of its own accord", () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 10_000 }), random, (failures, share) => {
        const { openUntil } = afterFailure({ failures: failures - 1, openUntil: 0 }, now, share);
        assert.ok(openUntil - now >= 250 && openUntil - now <= 30_250, String(openUntil - now));
      }),
    );
  });
});
