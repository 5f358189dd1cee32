import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { claimExternalId, defaultAccount, subjectOfExternalId, tiesAfter } from "../../src/core/external-ids.ts";
import type { ExternalIdClaim, Holder, Named } from "../../src/core/external-ids.ts";
import type { Tie } from "../../src/core/grant.ts";
import type { GrantState } from "../../src/core/grant-state.ts";

const held = (state: GrantState, account: string | undefined, grantId = "g_1"): Holder => ({ grantId, state, account });
/** What a consent of the account with the subject "s" says. */
const ada = (account?: string, move = false): Named => ({ externalId: "ada", account, move });
const took = (account: string, from: string[] = [], moved: string[] = []): ExternalIdClaim => ({
  do: "take",
  tie: { externalId: "ada", account },
  from,
  moved,
});
const conflict = (account: string): ExternalIdClaim => ({ do: "conflict", heldBy: "g_1", account });

describe("claimExternalId", () => {
  const cases: readonly (readonly [string, Named, string | undefined, Holder[], ExternalIdClaim])[] = [
    ["the user's first account", ada(), undefined, [], took("s")],
    ["the first account, with a label", ada("work"), undefined, [], took("work")],
    ["an account that the user knows already", ada(), "s", [held("active", "t")], { do: "nothing" }],
    ["the same label again", ada("work"), "work", [held("active", "t")], { do: "nothing" }],
    ["no label keeps the one that the account has", ada(), "work", [held("active", "t")], { do: "nothing" }],
    ["another account without a label", ada(), undefined, [held("active", "t")], took("s")],
    ["another account with a label", ada("home"), undefined, [held("active", "work")], took("home")],
    ["another label for an account", ada("home"), "work", [held("active", "t")], took("home")],
    ["the label of an active account", ada("work"), undefined, [held("active", "work")], conflict("work")],
    ["the label of a suspect account", ada("work"), undefined, [held("suspect", "work")], conflict("work")],
    [
      "the label of a lapsed account: the person may come back",
      ada("t"),
      undefined,
      [held("lapsed", "t")],
      conflict("t"),
    ],
    ["a renaming to the label of another account", ada("home"), "work", [held("active", "home")], conflict("home")],
    ["another account's label that is this one's subject", ada(), undefined, [held("active", "s")], conflict("s")],
    ["a label in other capitals is another label", ada("Work"), undefined, [held("active", "work")], took("Work")],
    ["an account that was ended gives the id up", ada(), undefined, [held("revoked", "t")], took("s", ["g_1"])],
    ["one that is being ended, too", ada("w"), undefined, [held("revoking", "w")], took("w", ["g_1"])],
    ["an account that does not open, under another label", ada(), undefined, [held("active", undefined)], took("s")],
    [
      "a move without a label takes the id from all",
      ada(undefined, true),
      undefined,
      [held("active", "t"), held("lapsed", "u", "g_2")],
      took("s", ["g_1", "g_2"], ["g_1", "g_2"]),
    ],
    [
      "a move without a label, to an account that the user knows",
      ada(undefined, true),
      "work",
      [held("active", "t")],
      took("work", ["g_1"], ["g_1"]),
    ],
    ["a move of the only account", ada(undefined, true), "s", [], { do: "nothing" }],
    [
      "a move with a label takes that label alone",
      ada("w", true),
      undefined,
      [held("active", "w"), held("active", "u", "g_2")],
      took("w", ["g_1"], ["g_1"]),
    ],
    ["a move of the label that the account has", ada("w", true), "w", [held("active", "u")], { do: "nothing" }],
    [
      "a move from one, and another was revoked",
      ada(undefined, true),
      undefined,
      [held("revoked", "t"), held("lapsed", "u", "g_2")],
      took("s", ["g_1", "g_2"], ["g_2"]),
    ],
  ];
  for (const [name, named, known, others, claim] of cases) {
    test(`claimExternalId: ${name}`, () => assert.deepEqual(claimExternalId(named, known, "s", others), claim));
  }
});

describe("tiesAfter", () => {
  const ties = (...all: string[]): Tie[] => all.map((each) => ({ externalId: each, account: "s" }));
  const work = { externalId: "a", account: "work" };
  const cases: readonly (readonly [string, GrantState, readonly Tie[], Tie | undefined, boolean, readonly Tie[]])[] = [
    ["a grant in use gets one more", "active", ties("a"), ties("b")[0], false, ties("a", "b")],
    ["a grant in use keeps the one that it has", "suspect", ties("a", "b"), ties("a")[0], false, ties("a", "b")],
    ["another label takes the place of the first", "active", ties("a", "b"), work, false, [work, ...ties("b")]],
    ["a consent for nobody changes none", "active", ties("a", "b"), undefined, false, ties("a", "b")],
    ["a conflict changes none of a lapsed grant", "lapsed", ties("a"), undefined, true, ties("a")],
    ["a grant that was ended starts with who came back", "revoked", ties("a", "b"), ties("b")[0], false, ties("b")],
    ["a grant that is being ended, too", "revoking", ties("a"), work, false, [work]],
    ["its only user is meant where nobody is named", "revoked", ties("a"), undefined, false, ties("a")],
    ["one of several is not", "revoked", ties("a", "b"), undefined, false, []],
    ["nor is its only user where somebody else was refused", "revoked", ties("a"), undefined, true, []],
  ];
  for (const [name, state, known, named, isConflict, after] of cases) {
    test(`tiesAfter: ${name}`, () => assert.deepEqual(tiesAfter(state, known, named, isConflict), after));
  }
});

test("a subject that is made of user id and label is another one for each, and without a label what it was before", () => {
  const parts = ["a", ":", "/", "%", "a:b", "a/b", "%3A", "default", "ü", "\ud800"];
  const made = new Map<string, string>();
  for (const externalId of parts) {
    for (const account of parts) {
      const subject = subjectOfExternalId("plain", externalId, account);
      assert.equal(made.get(subject), undefined, subject);
      made.set(subject, `${externalId} ${account}`);
    }
    assert.equal(subjectOfExternalId("plain", externalId), `plain:${externalId}`);
    assert.equal(subjectOfExternalId("plain", externalId, "default"), `plain:${externalId}`);
  }
  assert.equal(subjectOfExternalId("plain", "user-42", "ada@example.com"), "plain/ada@example.com:user-42");
});

test("an account's label is the subject where the app gives none, and default where that is made of the user's id", () => {
  assert.equal(defaultAccount("google", "user-1", "10769150350006150715113082367"), "10769150350006150715113082367");
  assert.equal(defaultAccount("plain", "user-1", "plain:user-1"), "default");
  assert.equal(defaultAccount("plain", "user-1", "plain:user-2"), "plain:user-2");
});
