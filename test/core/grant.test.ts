import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { isUsable, scopesOf } from "../../src/core/grant.ts";
import { grantStates } from "../../src/core/grant-state.ts";

describe("scopesOf", () => {
  for (const [scope, scopes] of [
    ["", []],
    ["openid", ["openid"]],
    ["openid email", ["openid", "email"]],
    ["  openid   email ", ["openid", "email"]],
  ] as const) {
    test(`scopesOf reads ${JSON.stringify(scope)}`, () => assert.deepEqual(scopesOf(scope), scopes));
  }

  test("scopesOf reads back whatever was joined", () => {
    const token = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
    fc.assert(fc.property(fc.array(token), (scopes) => assert.deepEqual(scopesOf(scopes.join(" ")), scopes)));
  });
});

describe("isUsable", () => {
  test("isUsable serves what is active or suspect, and nothing that is ending or over", () => {
    assert.deepEqual(grantStates.filter(isUsable), ["active", "suspect"]);
  });
});
