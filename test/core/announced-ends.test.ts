import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endsAfter, reauthorizeBefore } from "../../src/core/announced-ends.ts";
import type { AnnouncedLives, EndsBefore } from "../../src/core/announced-ends.ts";

const day = 86_400_000;
const now = 1_800_000_000_000;

/** Exchanged ten days ago: a refresh token that lives for 30 days, and a consent for 90. */
const before: EndsBefore = {
  exchangedAt: now - 10 * day,
  refreshExpiresAt: now + 20 * day,
  consentExpiresAt: now + 80 * day,
};
const silent: AnnouncedLives = { receivedAt: now, hasRefreshToken: false };
const rotated: AnnouncedLives = { receivedAt: now, hasRefreshToken: true };

describe("the ends that are known after an answer", () => {
  const cases: readonly (readonly [string, EndsBefore | undefined, AnnouncedLives, number | null, number | null])[] = [
    ["a new consent that says nothing", undefined, rotated, null, null],
    [
      "a new consent that says both",
      undefined,
      { ...rotated, refreshTokenExpiresInSeconds: 60, consentExpiresInSeconds: 90 },
      now + 60_000,
      now + 90_000,
    ],
    ["the same token, of which nothing is said", before, silent, now + 20 * day, now + 80 * day],
    [
      "the same token, whose end has moved",
      before,
      { ...silent, refreshTokenExpiresInSeconds: 30 * 86_400 },
      now + 30 * day,
      now + 80 * day,
    ],
    ["a new token with an end", before, { ...rotated, refreshTokenExpiresInSeconds: 60 }, now + 60_000, now + 80 * day],
    [
      "a new token of which nothing is said: as long as the one before",
      before,
      rotated,
      now + 30 * day,
      now + 80 * day,
    ],
    ["a token that has no end any more", before, { ...silent, refreshTokenExpiresInSeconds: 0 }, null, now + 80 * day],
    ["a consent that has no end any more", before, { ...silent, consentExpiresInSeconds: 0 }, now + 20 * day, null],
    ["a token that outlived its end", { ...before, refreshExpiresAt: now - 1 }, silent, null, now + 80 * day],
    ["a consent that outlived its end", { ...before, consentExpiresAt: now }, silent, now + 20 * day, null],
    ["a new token, where none had an end", { ...before, refreshExpiresAt: null }, rotated, null, now + 80 * day],
    [
      "a new token, where the times before make no sense",
      { ...before, refreshExpiresAt: before.exchangedAt },
      rotated,
      null,
      now + 80 * day,
    ],
  ];
  for (const [name, held, answer, refreshExpiresAt, consentExpiresAt] of cases) {
    test(`the ends that are known after an answer: ${name}`, () => {
      assert.deepEqual(endsAfter(held, answer), { refreshExpiresAt, consentExpiresAt });
    });
  }

  test("the earlier end says when a new consent is needed", () => {
    assert.equal(reauthorizeBefore(before), now + 20 * day);
    assert.equal(reauthorizeBefore({ refreshExpiresAt: null, consentExpiresAt: 5 }), 5);
    assert.equal(reauthorizeBefore({ refreshExpiresAt: null, consentExpiresAt: null }), undefined);
  });
});
