import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OnbehalfError, isOnbehalfError } from "../../src/core/errors.ts";
import type { AnyOnbehalfError, ErrorCode, ErrorDetails } from "../../src/core/errors.ts";

const since = new Date("2026-11-22T00:00:00Z");

const reauthorization = new OnbehalfError("reauthorization_required", "ada must consent again", {
  hint: "send her through the sign-in",
  details: { grantId: "g_1", since, reason: "invalid_grant" },
});

const hint = "do something";

/** What a caller writes; it compiles only where the code narrows the details. */
function advice(error: AnyOnbehalfError): string {
  if (error.code === "reauthorization_required") {
    return `ask again: ${error.details.grantId}, ${error.details.reason} since ${error.details.since.toISOString()}`;
  }
  if (error.code === "provider_unavailable" || error.code === "store_unavailable") {
    return `wait ${error.details.retryAfterMs} ms`;
  }
  return error.hint;
}

describe("OnbehalfError", () => {
  test("OnbehalfError carries code, message, hint and details, and is an Error", () => {
    assert.ok(reauthorization instanceof Error);
    const { name, code, message, details } = reauthorization;
    assert.deepEqual([name, code, message], ["OnbehalfError", "reauthorization_required", "ada must consent again"]);
    assert.equal(reauthorization.hint, "send her through the sign-in");
    assert.deepEqual(details, { grantId: "g_1", since, reason: "invalid_grant" });
    assert.match(String(reauthorization.stack), /errors\.test\.ts/);
  });

  test("OnbehalfError has the HTTP status of its code, as frameworks look for it", () => {
    assert.equal(reauthorization.status, 409);
    assert.equal(new OnbehalfError("csrf_rejected", "no", { hint, details: { rule: "origin" } }).status, 403);
    assert.equal(new OnbehalfError("store_unavailable", "no", { hint, details: { retryAfterMs: 1 } }).status, 503);
  });

  test("OnbehalfError keeps a cause for the log, and has none where none was given", () => {
    const cause = new Error("disk full");
    const error = new OnbehalfError("store_unavailable", "no", { hint, details: { retryAfterMs: 1 }, cause });
    assert.equal(error.cause, cause);
    assert.equal(Object.hasOwn(reauthorization, "cause"), false);
  });

  test("OnbehalfError is told from other errors, and by its code", () => {
    assert.equal(isOnbehalfError(reauthorization), true);
    assert.equal(isOnbehalfError(reauthorization, "reauthorization_required"), true);
    assert.equal(isOnbehalfError(reauthorization, "forbidden"), false);
    const strangers = [new Error("no"), { code: "forbidden" }, "forbidden", null, undefined];
    for (const stranger of strangers) {
      assert.equal(isOnbehalfError(stranger), false);
      assert.equal(isOnbehalfError(stranger, "forbidden"), false);
    }
  });

  test("OnbehalfError narrows its details with its code", () => {
    const caught: unknown = reauthorization;
    if (!isOnbehalfError(caught)) assert.fail("not ours");
    assert.equal(advice(caught), "ask again: g_1, invalid_grant since 2026-11-22T00:00:00.000Z");
    if (!isOnbehalfError(caught, "reauthorization_required")) assert.fail("another code");
    assert.equal(caught.details.since, since);
  });
});

/** Compiled, never run: each line marked must not type-check. */
export function whatMustNotCompile(error: AnyOnbehalfError): unknown[] {
  // @ts-expect-error: without the code known, no detail is.
  const unknownDetail: unknown = error.details.grantId;
  // @ts-expect-error: the set of codes is closed.
  const unknownCode = new OnbehalfError("out_of_coffee", "no", { hint, details: {} });
  // @ts-expect-error: a code's details are not optional.
  const missingDetails = new OnbehalfError("host_not_allowed", "no", { hint });
  // @ts-expect-error: nor are their members.
  const missingDetail = new OnbehalfError("host_not_allowed", "no", { hint, details: { host: "example.com" } });
  // @ts-expect-error: every error says what to do.
  const missingHint = new OnbehalfError("unauthorized", "no", { details: {} });
  // @ts-expect-error: what was thrown does not change afterwards.
  if (isOnbehalfError(error, "forbidden")) error.code = "unauthorized";
  // @ts-expect-error: another code's details.
  const wrongDetails: ErrorDetails["forbidden"] = { permission: 7 };
  // @ts-expect-error: a code that is none.
  const wrongCode: ErrorCode = "not_a_code";
  return [unknownDetail, unknownCode, missingDetails, missingDetail, missingHint, wrongDetails, wrongCode];
}
