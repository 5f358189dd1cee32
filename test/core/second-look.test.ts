import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { afterRefusal, isDueForLastLook, lookAgainMs, waitBeforeMs } from "../../src/core/second-look.ts";
import type { LookedAt } from "../../src/core/second-look.ts";

const now = Date.UTC(2026, 10, 22);
const active: LookedAt = { state: "active", lookAt: null };
const refused: LookedAt = { state: "active", lookAt: now };
const lapsed: LookedAt = { state: "lapsed", lookAt: now };

describe("afterRefusal", () => {
  const later = { do: "look-later", lookAt: now + lookAgainMs.spaced };
  const soon = { do: "look-now", waitMs: lookAgainMs.whileWaiting };
  const lapse = { do: "lapse", lookAt: now + lookAgainMs.afterLapse };
  const cases: readonly (readonly [string, LookedAt, boolean, boolean, object])[] = [
    ["nobody has to wait", active, true, false, later],
    ["a caller waits without a token", active, true, true, soon],
    ["it is suspect, and nobody has to wait", { state: "suspect", lookAt: null }, true, false, soon],
    ["it was refused before", refused, true, false, lapse],
    ["it was refused before, and a caller waits", refused, true, true, lapse],
    ["it was refused before, and the look came early", { state: "active", lookAt: now + 30_000 }, true, true, lapse],
    ["its tokens rotate", active, false, false, { do: "lapse", lookAt: null }],
    ["its tokens rotate, and a caller waits", active, false, true, { do: "lapse", lookAt: null }],
    ["it had lapsed", lapsed, true, true, { do: "stay-lapsed" }],
    ["it had lapsed, and its tokens rotate by now", lapsed, false, false, { do: "stay-lapsed" }],
  ];
  for (const [what, grant, mayAskAgain, needsToken, expected] of cases) {
    test(`afterRefusal decides about a grant where ${what}`, () => {
      assert.deepEqual(afterRefusal(grant, mayAskAgain, needsToken, now), expected);
    });
  }
});

describe("waitBeforeMs", () => {
  const put = { retryAt: now + 50_000, lookAt: now + 50_000 };
  const cases: readonly (readonly [string, Parameters<typeof waitBeforeMs>[0], boolean, number])[] = [
    ["there is nothing to wait for", { retryAt: null, lookAt: null }, true, 0],
    ["a try has failed", { retryAt: now + 9_000, lookAt: null }, true, 9_000],
    ["the look was put off, and nobody needs it", put, false, 50_000],
    ["the look was put off, and a caller needs it", put, true, -8_500],
    ["the look was put off a moment ago", { retryAt: now + 59_500, lookAt: now + 59_500 }, true, 1_000],
    ["a try has failed since the look was put off", { retryAt: now + 70_000, lookAt: now + 50_000 }, true, 70_000],
  ];
  for (const [what, grant, needsToken, expected] of cases) {
    test(`waitBeforeMs says how long a refresh waits where ${what}`, () => {
      assert.equal(waitBeforeMs(grant, needsToken, now), expected);
    });
  }
});

test("isDueForLastLook finds lapsed grants whose look is due, and no others", () => {
  const isDue = (grant: LookedAt): boolean => isDueForLastLook(grant, now);
  assert.ok(isDue(lapsed));
  for (const grant of [
    { state: "active", lookAt: now },
    { state: "suspect", lookAt: now },
    { state: "lapsed", lookAt: null },
    { state: "lapsed", lookAt: now + 1 },
    { state: "revoking", lookAt: now },
    { state: "revoked", lookAt: now },
  ] as const) {
    assert.equal(isDue(grant), false, JSON.stringify(grant));
  }
});
