import assert from "node:assert/strict";
import { test } from "node:test";
import { spokenDuration } from "../../src/core/spoken-duration.ts";

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

const cases: readonly (readonly [ms: number, expected: string])[] = [
  [-5, "less than a minute"],
  [0, "less than a minute"],
  [minute - 1, "less than a minute"],
  [minute, "1 minute"],
  [2 * minute, "2 minutes"],
  [hour - 1, "59 minutes"],
  [hour, "1 hour"],
  [25 * hour, "25 hours"],
  [2 * day - 1, "47 hours"],
  [2 * day, "2 days"],
  [6.94 * day, "6.9 days"],
  [7 * day, "7 days"],
  [7.02 * day, "7 days"],
  [183.4 * day, "183 days"],
  [729.4 * day, "729 days"],
  [800 * day, "2 years"],
  [40_000 * day, "109 years"],
  [Infinity, "an unknown time"],
  [NaN, "an unknown time"],
];

for (const [ms, expected] of cases) {
  test(`a duration in words: ${ms} ms is ${expected}`, () => assert.equal(spokenDuration(ms), expected));
}
