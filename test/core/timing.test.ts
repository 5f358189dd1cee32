import assert from "node:assert/strict";
import { test } from "node:test";
import { arrivalMs, drainLimitMs, exchangeLimitMs, holderWaitMs, takeOverLimitMs } from "../../src/core/timing.ts";

test("who waits for an exchange waits longer than an exchange may take", () => {
  const limits = [arrivalMs, exchangeLimitMs, drainLimitMs, holderWaitMs, takeOverLimitMs];
  assert.deepEqual(
    limits.toSorted((a, b) => a - b),
    limits,
  );
  assert.equal(new Set(limits).size, limits.length);
});
