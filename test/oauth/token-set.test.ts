import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { fromJournal, journalText, tokenSetOf } from "../../src/oauth/token-set.ts";
import type { TokenSet } from "../../src/oauth/token-set.ts";
import { Secret } from "../../src/core/secret.ts";

/** A token set without its wrappings, so that equal means equal. */
function exposed(tokens: TokenSet | undefined): object | undefined {
  if (tokens === undefined) return undefined;
  const { accessToken, refreshToken, otherRefreshTokens, idToken, ...rest } = tokens;
  return {
    ...rest,
    ...(accessToken === undefined ? {} : { accessToken: accessToken.expose() }),
    ...(otherRefreshTokens === undefined
      ? {}
      : { otherRefreshTokens: otherRefreshTokens.map((each) => each.expose()) }),
    ...(refreshToken === undefined ? {} : { refreshToken: refreshToken.expose() }),
    ...(idToken === undefined ? {} : { idToken: idToken.expose() }),
  };
}

const bearer = { access_token: "ya29.a", token_type: "Bearer", expires_in: 3_599 };
const plain = { accessToken: "ya29.a", expiresInSeconds: 3_599 };
const century = 3_155_760_000;
const sentAt = Date.UTC(2026, 10, 22);
const { expiresInSeconds: _known, ...unsaid } = plain;

describe("tokenSetOf", () => {
  test("tokenSetOf reads Google's answer to a first consent", () => {
    const body = { ...bearer, refresh_token: "1//r", scope: "openid email", id_token: "e.y.J" };
    assert.deepEqual(exposed(tokenSetOf(body, { sentAt })), {
      ...plain,
      refreshToken: "1//r",
      scope: "openid email",
      idToken: "e.y.J",
    });
  });

  const cases: readonly (readonly [string, Record<string, unknown>, object | undefined])[] = [
    ["the least there is", { access_token: "ya29.a" }, unsaid],
    [
      "time-based access",
      { ...bearer, refresh_token_expires_in: 86_400 },
      { ...plain, refreshTokenExpiresInSeconds: 86_400 },
    ],
    [
      "consent without an end, written as 0",
      { ...bearer, refresh_token_expires_in: 0 },
      { ...plain, refreshTokenExpiresInSeconds: 0 },
    ],
    ["consent with a nonsensical end", { ...bearer, refresh_token_expires_in: "never" }, plain],
    ["members that nobody knows", { ...bearer, not_before_policy: 0 }, plain],

    ["bearer in small letters", { ...bearer, token_type: "bearer" }, plain],
    ["no type", { ...bearer, token_type: undefined }, plain],
    ["a type that is no text", { ...bearer, token_type: null }, plain],
    ["a token that is bound to a key", { ...bearer, token_type: "DPoP" }, undefined],
    ["a token that is signed with each request", { ...bearer, token_type: "mac" }, undefined],
    ["what is no access token, by its type", { ...bearer, token_type: "N_A" }, undefined],
    ["a token of a type that nobody knows", { ...bearer, token_type: "jwt-bearer" }, plain],
    ["a type with a blank", { ...bearer, token_type: "Bearer " }, plain],
    ["an empty type", { ...bearer, token_type: "" }, plain],
    ["a type in a list", { ...bearer, token_type: ["Bearer"] }, plain],
    [
      "a bound token with a refresh token",
      { ...bearer, token_type: "dpop", refresh_token: "r" },
      { expiresInSeconds: 3_599, refreshToken: "r" },
    ],
    ["a refresh token alone", { refresh_token: "r" }, { refreshToken: "r" }],

    ["a life in digits", { ...bearer, expires_in: "3599" }, plain],
    ["a life with a fraction", { ...bearer, expires_in: 3_599.9 }, plain],
    ["no life left", { ...bearer, expires_in: 0 }, { ...plain, expiresInSeconds: 0 }],
    ["a life that has ended", { ...bearer, expires_in: -5 }, { ...plain, expiresInSeconds: 0 }],
    ["a life that has ended, in digits", { ...bearer, expires_in: "-5" }, { ...plain, expiresInSeconds: 0 }],
    ["a life that is no number", { ...bearer, expires_in: "an hour" }, unsaid],
    ["a life of null", { ...bearer, expires_in: null }, unsaid],
    ["a life of nothing that is a number", { ...bearer, expires_in: NaN }, unsaid],
    ["a life of yes", { ...bearer, expires_in: true }, unsaid],
    ["a life beyond all dates", { ...bearer, expires_in: 1e300 }, { ...plain, expiresInSeconds: century }],
    ["an endless life", { ...bearer, expires_in: Infinity }, { ...plain, expiresInSeconds: century }],

    ["no scope", bearer, plain],
    ["an empty scope", { ...bearer, scope: "" }, { ...plain, scopeUnread: true }],
    ["a scope of null", { ...bearer, scope: null }, { ...plain, scopeUnread: true }],
    ["a scope in a list", { ...bearer, scope: ["openid"] }, { ...plain, scope: "openid" }],
    ["scopes", { ...bearer, scopes: ["openid"] }, { ...plain, scope: "openid" }],

    ["an access token with a blank", { ...bearer, access_token: "a b" }, undefined],
    ["an access token with a line break", { ...bearer, access_token: "a\r\nx: y" }, undefined],
    ["an access token with a letter beyond ASCII", { ...bearer, access_token: "ä" }, undefined],
    ["an access token with a delete sign", { ...bearer, access_token: "a\u007f" }, undefined],
    ["an access token in a list", { ...bearer, access_token: ["a"] }, undefined],
    [
      "an access token with every sign that is allowed",
      { ...bearer, access_token: '!~{}"' },
      { ...plain, accessToken: '!~{}"' },
    ],

    // A form can carry any text: dropping a refresh token for its look would lose the grant.
    ["a refresh token with a blank", { ...bearer, refresh_token: "r 1" }, { ...plain, refreshToken: "r 1" }],
    [
      "a refresh token with odd letters",
      { ...bearer, refresh_token: "r\u0001ä" },
      { ...plain, refreshToken: "r\u0001ä" },
    ],
    ["an empty refresh token", { ...bearer, refresh_token: "" }, plain],
    ["a refresh token of null", { ...bearer, refresh_token: null }, plain],
    ["a refresh token of blanks", { ...bearer, refresh_token: " \n" }, plain],
    ["a refresh token of null, as a word", { ...bearer, refresh_token: "null" }, plain],
    ["a refresh token of yes", { ...bearer, refresh_token: true }, plain],
    ["a refresh token of nothing", { ...bearer, refresh_token: {} }, plain],
    ["a refresh token in a list", { ...bearer, refresh_token: ["r"] }, { ...plain, refreshToken: "r" }],
    [
      "two refresh tokens in a list, of which nobody knows which one counts",
      { ...bearer, refresh_token: ["r", "s"] },
      { ...plain, otherRefreshTokens: ["r", "s"] },
    ],
    // The verifier refuses it later; it must not be treated as if no ID token had come.
    ["an ID token with a line break", { ...bearer, id_token: "e.y.J\n" }, { ...plain, idToken: "e.y.J\n" }],
    ["an empty ID token", { ...bearer, id_token: "" }, plain],
  ];
  for (const [what, body, expected] of cases) {
    test(`tokenSetOf reads ${what}`, () => assert.deepEqual(exposed(tokenSetOf(body, { sentAt })), expected));
  }

  test("tokenSetOf keeps every life within the range of a date", () => {
    const life = fc.oneof(fc.double(), fc.maxSafeInteger(), fc.bigInt().map(String), fc.string());
    fc.assert(
      fc.property(life, life, (expires_in, refresh_token_expires_in) => {
        const tokens = tokenSetOf({ ...bearer, expires_in, refresh_token_expires_in }, { sentAt });
        for (const seconds of [tokens?.expiresInSeconds ?? 0, tokens?.refreshTokenExpiresInSeconds ?? 0]) {
          assert.ok(Number.isSafeInteger(seconds));
          assert.ok(!Number.isNaN(new Date(Date.UTC(2100, 0) + seconds * 1000).getTime()));
        }
      }),
    );
  });
});

describe("the journal", () => {
  const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
  const filled = fc.string({ minLength: 1 });
  const anyTokens = fc
    .record({
      access_token: optional(fc.stringMatching(/^[\x21-\x7e]+$/)),
      expires_in: optional(fc.nat(10 ** 8)),
      refresh_token: optional(filled),
      refresh_token_expires_in: optional(fc.integer({ min: 1, max: 10 ** 8 })),
      scope: fc.oneof(optional(filled), fc.constantFrom(null, [], ["a", "b"])),
      id_token: optional(filled),
      others: fc.array(filled, { maxLength: 3 }),
      isWhole: fc.boolean(),
    })
    .map(({ others, isWhole, ...body }) => tokenSetOf(body, { refreshTokens: others, isWhole }))
    .filter((tokens) => tokens !== undefined);

  test("the journal of answers gives back what was written into it", () => {
    fc.assert(
      fc.property(anyTokens, fc.nat(2 ** 45), (tokens, receivedAt) => {
        const back = fromJournal(journalText({ tokens, receivedAt }).expose());
        assert.deepEqual(exposed(back?.tokens), exposed(tokens));
        assert.equal(back?.receivedAt, receivedAt);
      }),
    );
  });

  test("the journal of answers is a secret itself", () => {
    const tokens: TokenSet = {
      accessToken: new Secret("canary"),
      otherRefreshTokens: [new Secret("canary")],
      expiresInSeconds: 1,
    };
    assert.ok(!JSON.stringify(journalText({ tokens, receivedAt: 1 })).includes("canary"));
  });

  for (const text of [
    "",
    "null",
    "{}",
    '{"received_at":1}',
    '{"access_token":"a"}',
    '{"access_token":"a","received_at":"1"}',
  ]) {
    test(`the journal of answers gives nothing back from ${JSON.stringify(text)}`, () =>
      assert.equal(fromJournal(text), undefined));
  }
});
