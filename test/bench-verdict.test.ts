import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { verdictOf } from "../bench/hour-verdict.ts";
import type { Part } from "../bench/hour-verdict.ts";

/** An hour in parts of a minute. */
function hour(part: (minute: number) => Partial<Part> & { readonly p99?: number; readonly mb?: number }): Part[] {
  return Array.from({ length: 60 }, (_, minute) => {
    const { p99 = 2, mb = 100, ...more } = part(minute);
    return {
      at: 60 * (minute + 1),
      kinds: { token: { count: 15_000, p50: 0.2, p99, max: 50 } },
      memory: { service: { rss: mb + 60, anonymous: mb }, keeper: { rss: 120, anonymous: 60 } },
      errors: {},
      leftOut: 0,
      diskMB: 20,
      load: 0.5,
      ...more,
    };
  });
}
const documented = (error: string): boolean => error === "token: provider_unavailable";
const failuresOf = (parts: readonly Part[]): readonly string[] => verdictOf(parts, 1 / 6, documented).failures;

describe("the verdict on an hour of mixed load", () => {
  test("an hour that ends as it began has no failures, and neither has one that ends better", () => {
    assert.deepEqual(failuresOf(hour(() => ({}))), []);
    assert.deepEqual(failuresOf(hour((minute) => ({ p99: minute < 30 ? 4 : 1, mb: minute < 30 ? 150 : 100 }))), []);
  });

  test("one bad minute among the last ten is not the end of an hour, six are", () => {
    assert.deepEqual(failuresOf(hour((minute) => ({ p99: minute === 55 ? 90 : 2 }))), []);
    const [failure = "", ...more] = failuresOf(hour((minute) => ({ p99: minute >= 54 ? 3 : 2 })));
    assert.deepEqual(more, []);
    assert.match(failure, /99th percentile of token reads grew to 1\.50/);
  });

  test("an hour may end with a 99th percentile of 1.2 times the first, and no more", () => {
    assert.deepEqual(failuresOf(hour((minute) => ({ p99: minute < 10 ? 2 : 2.4 }))), []);
    assert.equal(failuresOf(hour((minute) => ({ p99: minute < 10 ? 2 : 2.41 }))).length, 1);
  });

  test("memory that grows a megabyte a minute in one process is a failure that names it", () => {
    assert.deepEqual(failuresOf(hour((minute) => ({ mb: 100 + minute }))), [
      "the memory of the service grew from 105 to 155 MB",
    ]);
  });

  test("a process that is gone at the end, or parts without token reads, are no success", () => {
    const gone = hour((minute) => (minute < 50 ? {} : { memory: { service: { rss: 160, anonymous: 100 } } }));
    assert.deepEqual(failuresOf(gone), ["the keeper was gone at the end"]);
    assert.equal(failuresOf(hour((minute) => (minute < 50 ? {} : { kinds: {} }))).length, 1);
  });

  test("an error that the load does not explain is a failure, however seldom; one that it explains is none", () => {
    const once = (error: string): Part[] => hour((minute) => (minute === 30 ? { errors: { [error]: 1 } } : {}));
    assert.deepEqual(failuresOf(once("token: provider_unavailable")), []);
    assert.deepEqual(failuresOf(once("token: internal_error (500)")), ["not documented: token: internal_error (500)"]);
    assert.deepEqual(failuresOf(once("list:  (0)")), ["not documented: list:  (0)"]);
  });
});
