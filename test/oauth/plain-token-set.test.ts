import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { Secret } from "../../src/core/secret.ts";
import { readAnswer } from "../../src/oauth/answer-members.ts";
import type { LifetimeHabits } from "../../src/oauth/lifetimes.ts";
import { plainTokenSet, tokenSetOf } from "../../src/oauth/token-set.ts";
import type { TokenSet } from "../../src/oauth/token-set.ts";
import { bentShapes } from "../support/bent-answers.ts";

/** A token set with its secrets as texts, so that equal means equal. */
function shown(tokens: TokenSet | undefined): object | undefined {
  if (tokens === undefined) return undefined;
  const open = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(open)
      : typeof value === "object" && value !== null
        ? (value as Secret).expose()
        : value;
  return Object.fromEntries(Object.entries(tokens).map(([name, value]) => [name, open(value)]));
}

/** What the reader of every form makes of an answer. */
function carefully(text: string, habits: LifetimeHabits = {}): TokenSet | undefined {
  const answer = readAnswer(text);
  return answer === undefined ? undefined : tokenSetOf(answer.members, { ...answer, sentAt: 0, habits });
}

const least = { access_token: "at", token_type: "Bearer", expires_in: 3599 };

describe("an answer in the form of RFC 6749", () => {
  const plain: readonly (readonly [string, object])[] = [
    ["to a refresh", least],
    ["with a scope", { ...least, scope: "openid https://www.googleapis.com/auth/drive.file" }],
    ["to a first consent", { ...least, refresh_token: "1//r", scope: "openid email", id_token: "e.y.J" }],
    ["in another order", { id_token: "e.y.J", scope: "openid", expires_in: 1, access_token: "a/b+c=" }],
  ];
  for (const [what, body] of plain) {
    for (const text of [JSON.stringify(body), JSON.stringify(body, undefined, 2), ` ${JSON.stringify(body)}\r\n`]) {
      test(`an answer ${what} is read at once, as every form is read: ${JSON.stringify(text)}`, () => {
        const tokens = plainTokenSet(text);
        assert.ok(tokens !== undefined);
        assert.deepEqual(shown(tokens), shown(carefully(text)));
      });
    }
  }

  const others: readonly (readonly [string, string])[] = [
    ["a refresh token that another one hides", '{"refresh_token":"a","refresh_token":"b"}'],
    ["a refresh token that null hides", '{"refresh_token":"a","refresh_token":null}'],
    ["an access token that another one hides", '{"access_token":"b"}'],
    ["a name with an escape", '{"refresh\\u005ftoken":"a"}'],
    ["a value with an escape", '{"refresh_token":"1\\/\\/r"}'],
    ["a name that has a space", '{"refresh_token ":"a"}'],
    ["a name in capitals", '{"Refresh_Token":"a"}'],
    ["a member that nobody knows", '{"session_state":"s"}'],
    ["an error beside the token", '{"error":"invalid_grant"}'],
    ["an end of the consent", '{"authorization_expires_in":86400}'],
    ["scopes in a list", '{"scope":["openid"]}'],
    ["scopes with a comma", '{"scope":"openid,email"}'],
    ["scopes with two spaces", '{"scope":"openid  email"}'],
    ["a scope that comes twice", '{"scope":"openid openid"}'],
    ["a list of scopes in a text", '{"scope":"[openid]"}'],
    ["an empty scope", '{"scope":""}'],
    ["no scope by null", '{"scope":null}'],
    ["a life in digits", '{"expires_in":"3599"}'],
    ["a life with a fraction", '{"expires_in":3599.7}'],
    ["a life of nothing", '{"expires_in":0}'],
    ["a life below nothing", '{"expires_in":-1}'],
    ["a point in time instead of a life", '{"expires_in":1800000000}'],
    ["a refresh token that says that there is none", '{"refresh_token":"null"}'],
    ["an empty refresh token", '{"refresh_token":""}'],
    ["a refresh token with a space around it", '{"refresh_token":"r "}'],
    ["scopes with a semicolon", '{"scope":"openid;email"}'],
    ["scopes that were encoded", '{"scope":"openid%20email"}'],
    ["scopes in single quotes", '{"scope":"\'openid\'"}'],
    ["a refresh token in digits", '{"refresh_token":17}'],
    ["a token that is bound to a key", '{"token_type":"DPoP"}'],
    ["an access token with a space around it", '{"access_token":" at "}'],
    ["an access token that no header can carry", '{"access_token":"a\\nt"}'],
    ["an access token that is none", '{"access_token":null}'],
  ];
  for (const [what, extra] of others) {
    test(`an answer with ${what} is left to the reader of every form`, () => {
      const text = `{"access_token":"at","token_type":"Bearer","expires_in":3599,${extra.slice(1)}`;
      assert.equal(plainTokenSet(text), undefined);
    });
  }
  for (const text of ["", "null", "[]", "{}", '"{}"', "<html>", '{"access_token":"at"}', '{"access_token":"a']) {
    test(`${JSON.stringify(text)} is left to the reader of every form`, () =>
      assert.equal(plainTokenSet(text), undefined));
  }

  test("a member to which the provider's record gives another meaning is left to the reader that knows it", () => {
    const habits: LifetimeHabits = { announcedEnds: { expires_in: "moves" } };
    assert.equal(plainTokenSet(JSON.stringify(least), habits), undefined);
    assert.equal(carefully(JSON.stringify(least), habits)?.refreshTokenExpiresInSeconds, 3599);
  });

  test("both readers say the same of every answer that is read at once", () => {
    const values = fc.oneof(
      fc.constantFrom("at", "null", " ", "a b", "a,b", "[a]", "é", 0, 1, 3599, 1e12, null),
      fc.json(),
    );
    const members = fc.dictionary(fc.constantFrom(...Object.keys(least), "refresh_token", "scope", "id_token"), values);
    fc.assert(
      fc.property(members, fc.nat(2), (body, indent) => {
        const text = JSON.stringify({ ...least, ...body }, undefined, indent);
        const tokens = plainTokenSet(text);
        if (tokens !== undefined) assert.deepEqual(shown(tokens), shown(carefully(text)));
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(bentShapes, ({ bend }) => {
        const { arrived, isCut } = bend("at-7", "rt-7");
        const tokens = isCut ? undefined : plainTokenSet(arrived);
        if (tokens !== undefined) assert.deepEqual(shown(tokens), shown(carefully(arrived)));
      }),
      { numRuns: 2_000 },
    );
  });
});
