import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { grantStates, isUsable, missingScopes, scopesOf } from "../../src/core/grant.ts";

const email = "https://www.googleapis.com/auth/userinfo.email";
const canonical = { email };

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

describe("missingScopes", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
    ["nothing asked, nothing missing", [], ["openid"], []],
    ["a name that the provider answers under another", ["openid", "email"], ["openid", email], []],
    ["the same, the other way round", [email], ["email"], []],
    ["an unticked scope, by its canonical name", ["openid", "email"], ["openid"], [email]],
    ["one name, asked for twice", ["drive", "drive"], [], ["drive"]],
    ["one scope under two names", ["email", email], [], [email]],
    ["words that every JavaScript object knows", ["constructor", "toString"], [], ["constructor", "toString"]],
  ];
  for (const [name, requested, granted, missing] of cases) {
    test(`missingScopes: ${name}`, () => assert.deepEqual(missingScopes(requested, granted, canonical), missing));
  }

  test("missingScopes needs no table of names", () => assert.deepEqual(missingScopes(["a", "b"], ["b"]), ["a"]));
});

describe("isUsable", () => {
  test("isUsable serves what is active or suspect, and nothing that is ending or over", () => {
    assert.deepEqual(grantStates.filter(isUsable), ["active", "suspect"]);
  });
});
