import assert from "node:assert/strict";
import { test } from "node:test";
import { defined } from "../../src/core/defined.ts";

test("defined() leaves out what is undefined, and keeps null, 0, false and the empty string", () => {
  const members = { a: undefined, b: null, c: 0, d: false, e: "", f: "x" };
  const kept = defined(members);
  assert.deepEqual(kept, { b: null, c: 0, d: false, e: "", f: "x" });
  assert.equal("a" in kept, false, "a member that is undefined would overrule a default");
});
