import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OnbehalfError } from "../../../../src/index.ts";
import type { AnyOnbehalfError, ErrorCode } from "../../../../src/index.ts";
import { afterLineError, failedRow, pauseOf } from "../../../../src/cli/grants/deposit/outcome.ts";
import { countsText, noCounts, progressLine } from "../../../../src/cli/grants/deposit/progress.ts";

const error = (code: ErrorCode, details: object = {}): AnyOnbehalfError =>
  new OnbehalfError(code, `message of ${code}`, { hint: "a hint", details }) as AnyOnbehalfError;

describe("what becomes of a line that failed", () => {
  for (const [code, then, outcome] of [
    ["deposit_refused", "next", "refused"],
    ["deposit_outcome_unknown", "next", "unknown"],
    ["external_id_conflict", "next", "failed"],
    ["invalid_request", "next", "failed"],
    ["grant_unreadable", "next", "failed"],
    ["provider_unavailable", "again", "failed"],
    ["store_unavailable", "again", "failed"],
    ["keeper_unavailable", "again", "failed"],
    ["client_misconfigured", "stop", "failed"],
    ["configuration_invalid", "stop", "failed"],
    ["key_invalid", "stop", "failed"],
    ["store_unusable", "stop", "failed"],
    ["id_token_invalid", "stop", "failed"],
    ["internal_error", "stop", "failed"],
  ] as const) {
    test(`${code}: ${then}, reported as ${outcome}`, () => {
      const details = code === "deposit_outcome_unknown" ? { sentAt: new Date(0) } : { retryAfterMs: 5, problems: [] };
      assert.equal(afterLineError(error(code, details)), then);
      const row = failedRow(7, error(code, details));
      assert.deepEqual([row.line, row.outcome, row.error, row.hint], [7, outcome, code, "a hint"]);
    });
  }

  test("a person of another hosted domain ends no run", () => {
    assert.equal(afterLineError(error("id_token_invalid", { check: "hd" })), "next");
    assert.equal(afterLineError(error("id_token_invalid", { check: "aud" })), "stop");
  });

  test("the report names the provider's word, and the grant that a conflict left", () => {
    assert.equal(
      failedRow(1, error("deposit_refused", { providerError: "invalid_grant" })).provider_error,
      "invalid_grant",
    );
    assert.equal(failedRow(1, error("external_id_conflict", { grantId: "g_1" })).grant_id, "g_1");
  });

  test("a pause is as long as the provider asks for, grows with each try, and has an end", () => {
    const pauses = [1, 2, 7, 30].map((tries) => pauseOf(error("provider_unavailable", { retryAfterMs: 1_500 }), tries));
    assert.deepEqual(pauses, [1_500, 2_000, 60_000, 60_000]);
    assert.equal(pauseOf(error("provider_unavailable", { retryAfterMs: 9_999_999 }), 1), 60_000);
  });
});

describe("the progress of deposits", () => {
  for (const [part, elapsedMs, expected] of [
    [undefined, 10_000, "300 lines, 30/s, 290 deposited, 10 refused"],
    [0.25, 10_000, "300 lines, 25 %, 30/s, 30 s left, 290 deposited, 10 refused"],
    [0.25, 1_000, "300 lines, 25 %, 300/s, 290 deposited, 10 refused"],
    [0.5, 600_000, "300 lines, 50 %, 0.5/s, 10 min left, 290 deposited, 10 refused"],
    [0.1, 3_600_000, "300 lines, 10 %, 0.1/s, 9 h left, 290 deposited, 10 refused"],
  ] as const) {
    test(`${part ?? "an unknown part"} after ${elapsedMs} ms: ${expected}`, () => {
      assert.equal(progressLine({ counts: { ...noCounts, deposited: 290, refused: 10 }, part, elapsedMs }), expected);
    });
  }
  test("where nothing was deposited, it says so", () => assert.equal(countsText(noCounts), "0 deposited"));
});
