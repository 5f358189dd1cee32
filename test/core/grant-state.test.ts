import assert from "node:assert/strict";
import { test } from "node:test";
import { asItStands } from "../../src/core/grant-state.ts";
import type { StandingColumns } from "../../src/core/grant-state.ts";

const now = 1_000;
const lone: StandingColumns = {
  state: "active",
  reason: null,
  stateSince: 5,
  refreshSealed: null,
  accessSealed: "sealed",
  accessExpiresAt: now,
};

const cases: readonly (readonly [what: string, row: StandingColumns, expected: unknown])[] = [
  ["its token has ended", lone, ["lapsed", "no_refresh_token", now]],
  ["its token ended long ago", { ...lone, accessExpiresAt: 7 }, ["lapsed", "no_refresh_token", 7]],
  ["its token lives", { ...lone, accessExpiresAt: now + 1 }, ["active", null, 5]],
  ["nobody knows when its token ends", { ...lone, accessExpiresAt: null }, ["active", null, 5]],
  [
    "it holds no token at all",
    { ...lone, accessExpiresAt: null, accessSealed: null },
    ["lapsed", "no_refresh_token", 5],
  ],
  ["it holds a refresh token", { ...lone, refreshSealed: "sealed" }, ["active", null, 5]],
  [
    "it lapsed for another reason",
    { ...lone, state: "lapsed", reason: "invalid_grant" },
    ["lapsed", "invalid_grant", 5],
  ],
  ["it was ended here", { ...lone, state: "revoked", reason: "revoked" }, ["revoked", "revoked", 5]],
];

for (const [what, row, expected] of cases) {
  test(`how a grant without a refresh token stands: ${what}`, () => {
    const { state, reason, stateSince } = asItStands(row, now);
    assert.deepEqual([state, reason, stateSince], expected);
  });
}
