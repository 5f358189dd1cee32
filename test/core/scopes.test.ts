import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { canonicalScope, lostScopes, missingScopes } from "../../src/core/scopes.ts";

const email = "https://www.googleapis.com/auth/userinfo.email";
const canonical = { email };
const graph = { "https://graph.microsoft.com/*": "*" };

describe("canonicalScope", () => {
  for (const [scope, names, own] of [
    ["email", canonical, email],
    [email, canonical, email],
    ["https://graph.microsoft.com/Mail.Read", graph, "Mail.Read"],
    ["https://graph.microsoft.com/", graph, "https://graph.microsoft.com/"],
    ["https://graph.microsoft.com.evil/Mail.Read", graph, "https://graph.microsoft.com.evil/Mail.Read"],
    ["short/$&", { "short/*": "https://api.example/*" }, "https://api.example/$&"],
    ["constructor", canonical, "constructor"],
    ["anything", {}, "anything"],
  ] as const) {
    test(`canonicalScope: ${scope} is ${own}`, () => assert.equal(canonicalScope(scope, names), own));
  }
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

describe("missingScopes by proof", () => {
  const both = { signedIn: true, offline: true };
  const cases = [
    ["offline_access beside a refresh token", ["openid", "offline_access"], ["openid"], both, []],
    ["offline_access without one", ["offline_access"], ["openid"], { signedIn: true }, ["offline_access"]],
    ["openid where an ID token was verified", ["openid", "files"], ["files"], { signedIn: true }, []],
    ["openid where none was", ["openid"], ["files"], {}, ["openid"]],
    ["email is proved by nothing", ["email"], ["openid"], both, [email]],
    ["a scope that only looks like it", ["Offline_Access"], [], both, ["Offline_Access"]],
  ] as const;
  for (const [name, requested, granted, proof, missing] of cases) {
    test(`missingScopes by proof: ${name}`, () =>
      assert.deepEqual(missingScopes(requested, granted, canonical, proof), missing));
  }

  test("missingScopes by proof: names of the provider's own, with a rest", () => {
    const asked = ["openid", "offline_access", "https://graph.microsoft.com/Mail.Read", "User.Read"];
    assert.deepEqual(missingScopes(asked, ["Mail.Read", "User.Read"], graph, both), []);
    assert.deepEqual(missingScopes(asked, ["https://graph.microsoft.com/User.Read"], graph, both), ["Mail.Read"]);
  });
});

describe("lostScopes", () => {
  const cases = [
    ["nothing, in another order", ["a", "b"], ["b", "a"], []],
    ["nothing, where more came", ["a"], ["b", "a"], []],
    ["nothing, under the other name", ["email", "a"], [email, "a"], []],
    ["what is not there any more", ["a", "b", "c"], ["b"], ["a", "c"]],
    ["all, where the sets have nothing in common", ["a", "b"], ["c"], ["a", "b"]],
    ["neither openid nor offline_access", ["openid", "offline_access", "a"], ["a"], []],
  ] as const;
  for (const [name, before, after, lost] of cases) {
    test(`lostScopes: ${name}`, () => assert.deepEqual(lostScopes(before, after, canonical), lost));
  }

  test("lostScopes: none is lost that is there after, and all that is lost was there before", () => {
    const scopes = fc.array(fc.constantFrom("openid", "email", email, "a", "b", "c"));
    fc.assert(
      fc.property(scopes, scopes, (before, after) => {
        const lost = lostScopes(before, after, canonical);
        assert.deepEqual(lostScopes(before, [...after, ...lost], canonical), []);
        assert.ok(lost.every((scope) => before.some((each) => canonicalScope(each, canonical) === scope)));
      }),
    );
  });
});
