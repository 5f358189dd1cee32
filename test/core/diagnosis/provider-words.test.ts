import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { reasonInWords } from "../../../src/core/diagnosis/provider-words.ts";

/** What providers say of a dead token, and what may be concluded from it. */
const sentences: readonly (readonly [says: string, reason: string | undefined])[] = [
  // Two causes in one sentence are none.
  ["Token has been expired or revoked.", undefined],
  ["The refresh token passed is incorrect or expired.", undefined],
  ["The token is expired or invalid", undefined],
  ["Refresh token not found or expired", undefined],
  ["refresh token is invalid, or has expired", undefined],
  ["The refresh token has expired.", "refresh_token_expired"],
  ["The refresh token was replaced, and used again.", "refresh_token_reused"],
  ["The refresh token has expired due to inactivity.", "refresh_token_unused"],
  ["The user revoked the app", "removed_by_person"],
  ["The account was disabled", "account_disabled"],
  ["Bad Request", undefined],
  ["", undefined],
];

describe("the words of providers", () => {
  for (const [says, reason] of sentences) {
    test(`invalid_grant with "${says}" means ${reason ?? "nothing more"}`, () => {
      assert.equal(reasonInWords("invalid_grant", says), reason);
    });
  }
});
