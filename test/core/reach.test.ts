import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Reach, isSelector } from "../../src/core/reach.ts";

describe("a selector", () => {
  for (const text of ["*", "g_abc-DEF_1", "ext:user-1", "ext:team-a:*", "ext:*", "ext:ü", "ext:a b"])
    test(`a selector may be ${text}`, () => assert.equal(isSelector(text), true));
  for (const text of [
    "",
    "ext:",
    "g_",
    "g_*",
    "EXT:a",
    "ext: a",
    "ext:a ",
    "ext:a*b",
    "ext:**",
    "sub:1",
    "ext:a\n",
    "**",
  ])
    test(`a selector may not be ${JSON.stringify(text)}`, () => assert.equal(isSelector(text), false));
});

describe("a reach", () => {
  const known = { grantId: "g_1", provider: "google" };
  const cases: readonly (readonly [string[], string[], readonly string[] | undefined])[] = [
    [["*"], ["a", "b"], ["a", "b"]],
    [["ext:a"], ["a", "b"], ["a"]],
    [["ext:a"], ["A"], undefined],
    [["ext:a"], ["aa"], undefined],
    [["ext:a*"], ["b", "aa", "a"], ["aa", "a"]],
    [["ext:*"], [], undefined],
    [["ext:*"], ["x"], ["x"]],
    [["g_1"], ["a"], ["a"]],
    [["g_2"], ["a"], undefined],
    [["g_2", "ext:a"], ["a"], ["a"]],
    [[], ["a"], undefined],
    [["nonsense"], ["nonsense"], undefined],
  ];
  for (const [selectors, ids, seen] of cases) {
    test(`a reach of ${JSON.stringify(selectors)} sees ${JSON.stringify(ids)} by ${JSON.stringify(seen)}`, () => {
      assert.deepEqual(
        new Reach({ grants: selectors }).seenIds(known, () => ids),
        seen,
      );
      assert.deepEqual(
        new Reach({ grants: selectors, providers: ["google"] }).seenIds(known, () => ids),
        seen,
      );
      assert.equal(
        new Reach({ grants: selectors, providers: ["other"] }).seenIds(known, () => ids),
        undefined,
      );
    });
  }

  test("a reach opens external ids only where they decide", () => {
    const never = (): never => assert.fail("opened");
    assert.equal(new Reach({ grants: ["g_2"] }).seenIds(known, never), undefined);
    assert.equal(new Reach({ grants: ["ext:a"], providers: ["other"] }).seenIds(known, never), undefined);
  });
});
