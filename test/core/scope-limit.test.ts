import assert from "node:assert/strict";
import { test } from "node:test";
import { scopesBeyond, whyBeyond } from "../../src/core/scope-limit.ts";

const canonical = { email: "https://p.example/email", files: "https://p.example/files" };

const rows: readonly (readonly [
  what: string,
  limit: readonly string[],
  granted: readonly string[],
  beyond: readonly string[] | undefined,
])[] = [
  ["the same scopes", ["files"], ["files"], undefined],
  ["fewer scopes", ["files", "mail"], ["mail"], undefined],
  ["one scope more", ["files"], ["files", "mail"], ["mail"]],
  ["another spelling of one scope", ["files"], ["https://p.example/files"], undefined],
  ["who signed in, in both spellings", ["files"], ["openid", "profile", "https://p.example/email", "files"], undefined],
  ["a sign-in alone", ["files"], ["openid", "email"], undefined],
  ["offline access", ["files"], ["files", "offline_access"], undefined],
  ["a scope whose name begins as one that is allowed", ["files"], ["files.readonly"], ["files.readonly"]],
  ["another case", ["Files"], ["files"], ["https://p.example/files"]],
  ["no scope that anybody knows of", ["files"], [], []],
  ["no scope that anybody knows of, and a limit of none", [], [], []],
];

for (const [what, limit, granted, beyond] of rows) {
  test(`a limit of ${JSON.stringify(limit)} and a grant with ${what}: ${beyond === undefined ? "within" : "beyond"}`, () => {
    assert.deepEqual(scopesBeyond(limit, granted, canonical), beyond);
  });
}

test("what is beyond a limit is said with the first scope and a number", () => {
  assert.match(whyBeyond([]), /does not say/);
  assert.match(whyBeyond(["a"]), /covers a as well/);
  assert.match(whyBeyond(["a", "b", "c"]), /covers a and 2 more as well/);
});
