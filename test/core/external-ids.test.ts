import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { claimExternalId, externalIdsAfter } from "../../src/core/external-ids.ts";
import type { GrantState } from "../../src/core/grant.ts";

const held = (state: GrantState, grantId = "g_1"): { grantId: string; state: GrantState } => ({ grantId, state });

describe("claimExternalId", () => {
  const cases = [
    ["nobody has it", false, [], false, { do: "take", from: [], moved: [] }],
    ["the grant has it already", true, [], false, { do: "nothing" }],
    [
      "the grant has it already, and an older store let another have it too",
      true,
      [held("active")],
      true,
      { do: "nothing" },
    ],
    ["an active grant has it", false, [held("active")], false, { do: "conflict", heldBy: "g_1" }],
    ["a suspect grant has it", false, [held("suspect")], false, { do: "conflict", heldBy: "g_1" }],
    [
      "a lapsed grant has it: the person may come back",
      false,
      [held("lapsed")],
      false,
      { do: "conflict", heldBy: "g_1" },
    ],
    ["a revoked grant has it", false, [held("revoked")], false, { do: "take", from: ["g_1"], moved: [] }],
    [
      "a grant has it that is being revoked",
      false,
      [held("revoking")],
      false,
      { do: "take", from: ["g_1"], moved: [] },
    ],
    ["a move is asked for", false, [held("active")], true, { do: "take", from: ["g_1"], moved: ["g_1"] }],
    [
      "a move is asked for from one, and another was revoked",
      false,
      [held("revoked"), held("lapsed", "g_2")],
      true,
      { do: "take", from: ["g_1", "g_2"], moved: ["g_2"] },
    ],
  ] as const;
  for (const [name, knows, others, move, claim] of cases) {
    test(`claimExternalId: ${name}`, () => assert.deepEqual(claimExternalId(knows, others, move), claim));
  }
});

describe("externalIdsAfter", () => {
  const cases = [
    ["a grant in use gets one more", "active", ["a"], "b", false, ["a", "b"]],
    ["a grant in use keeps the one that it has", "suspect", ["a", "b"], "a", false, ["a", "b"]],
    ["a consent for nobody changes none", "active", ["a", "b"], undefined, false, ["a", "b"]],
    ["a conflict changes none of a lapsed grant", "lapsed", ["a"], undefined, true, ["a"]],
    ["a grant that was ended starts with who came back", "revoked", ["a", "b"], "b", false, ["b"]],
    ["a grant that is being ended, too", "revoking", ["a"], "c", false, ["c"]],
    ["its only user is meant where nobody is named", "revoked", ["a"], undefined, false, ["a"]],
    ["one of several is not", "revoked", ["a", "b"], undefined, false, []],
    ["nor is its only user where somebody else was refused", "revoked", ["a"], undefined, true, []],
  ] as const;
  for (const [name, state, known, named, isConflict, after] of cases) {
    test(`externalIdsAfter: ${name}`, () => assert.deepEqual(externalIdsAfter(state, known, named, isConflict), after));
  }
});
