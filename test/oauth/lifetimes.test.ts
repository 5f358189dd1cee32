import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { lifetimesOf } from "../../src/oauth/lifetimes.ts";
import type { Lifetimes } from "../../src/oauth/lifetimes.ts";

const now = Date.parse("2026-11-22T00:00:00Z");
const nowSeconds = now / 1000;
const century = 3_155_760_000;

describe("the life of an access token", () => {
  const cases: readonly (readonly [string, Record<string, unknown>, number | undefined])[] = [
    ["nothing", {}, undefined],
    ["a number", { expires_in: 3_599 }, 3_599],
    ["a fraction", { expires_in: 3_599.9 }, 3_599],
    ["digits", { expires_in: "3600" }, 3_600],
    ["digits with a fraction", { expires_in: "3600.0" }, 3_600],
    ["digits with blanks", { expires_in: " 3600 " }, 3_600],
    ["a Duration", { expires_in: "3600s" }, 3_600],
    ["0", { expires_in: 0 }, 0],
    ["less than 0", { expires_in: -1 }, 0],
    ["less than 0, in digits", { expires_in: "-1" }, 0],
    ["1e12", { expires_in: 1e12 }, century],
    ["without end", { expires_in: Infinity }, century],
    ["null", { expires_in: null }, undefined],
    ["an empty text", { expires_in: "" }, undefined],
    ["words", { expires_in: "an hour" }, undefined],
    ["a list", { expires_in: [3600] }, undefined],
    ["an object", { expires_in: { seconds: 3600 } }, undefined],
    ["yes", { expires_in: true }, undefined],
    ["hexadecimal digits", { expires_in: "0x10" }, undefined],

    ["a point in time in place of a life", { expires_in: nowSeconds + 600 }, 600],
    ["a point in time in milliseconds in place of a life", { expires_in: now + 600_000 }, 600],
    ["expires_at in seconds", { expires_at: nowSeconds + 600 }, 600],
    ["expires_at in milliseconds", { expires_at: now + 600_000 }, 600],
    ["expires_at in digits", { expires_at: String(nowSeconds + 600) }, 600],
    ["expires_at in ISO 8601", { expires_at: "2026-11-22T00:10:00Z" }, 600],
    ["expires_at with a zone", { expires_at: "2026-11-22T02:10:00.000+02:00" }, 600],
    ["expires_at without a zone: UTC", { expires_at: "2026-11-22 00:10:00" }, 600],
    ["expires_at as HTTP writes it", { expires_at: "Sun, 22 Nov 2026 00:10:00 GMT" }, 600],
    ["expires_at that is a life", { expires_at: 600 }, 600],
    ["expires_at of 0: no end", { expires_at: 0 }, undefined],
    ["expires_at that has passed", { expires_at: nowSeconds - 600 }, 0],
    ["expires_at of no meaning", { expires_at: "tomorrow" }, undefined],
    ["expires_on, as Microsoft writes it", { expires_on: String(nowSeconds + 600) }, 600],
    ["ext_expires_in alone", { ext_expires_in: 7_200 }, 7_200],

    ["a life and a longer one for outages", { expires_in: 3_600, ext_expires_in: 7_200 }, 3_600],
    ["a life and an earlier end", { expires_in: 3_600, expires_at: nowSeconds + 600 }, 600],
    ["a life and a later end", { expires_in: 600, expires_at: nowSeconds + 3_600 }, 600],
    ["a life and an end that has passed by our clock", { expires_in: 3_600, expires_at: nowSeconds - 9_000 }, 3_600],
    ["a life that cannot be read, and an end", { expires_in: "an hour", expires_at: nowSeconds + 600 }, 600],
    ["a life of null, and an end", { expires_in: null, expires_on: nowSeconds + 600 }, 600],
  ];
  for (const [what, members, expected] of cases) {
    test(`the life of an access token is read from ${what}`, () => {
      assert.equal(lifetimesOf(members, now).expiresInSeconds, expected);
    });
  }

  test("the life of an access token that the answer does not say is the one of the provider's record", () => {
    assert.equal(lifetimesOf({}, now, { accessTokenTtlSeconds: 900 }).expiresInSeconds, 900);
    assert.equal(lifetimesOf({ expires_in: 60 }, now, { accessTokenTtlSeconds: 900 }).expiresInSeconds, 60);
  });

  test("the life of an access token is a whole number of seconds within a century, whatever stands there", () => {
    const member = fc.oneof(fc.double(), fc.maxSafeInteger(), fc.bigInt().map(String), fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(member, member, member, member, (expires_in, expires_at, expires_on, refresh_token_expires_in) => {
        const read = lifetimesOf({ expires_in, expires_at, expires_on, refresh_token_expires_in }, now);
        for (const seconds of Object.values(read)) {
          assert.ok(Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= century);
        }
      }),
    );
  });
});

describe("the end of a refresh token or a consent", () => {
  const day = 86_400;
  const cases: readonly (readonly [string, Record<string, unknown>, Omit<Lifetimes, "expiresInSeconds">])[] = [
    ["nothing", {}, {}],
    ["refresh_token_expires_in", { refresh_token_expires_in: day }, { refreshTokenExpiresInSeconds: day }],
    ["Keycloak's refresh_expires_in", { refresh_expires_in: 1_800 }, { refreshTokenExpiresInSeconds: 1_800 }],
    ["Keycloak's refresh token without end", { refresh_expires_in: 0 }, { refreshTokenExpiresInSeconds: 0 }],
    ["refresh_token_timeout", { refresh_token_timeout: String(day) }, { refreshTokenExpiresInSeconds: day }],
    ["a point in time", { refresh_token_expires_at: "2026-11-23T00:00:00Z" }, { refreshTokenExpiresInSeconds: day }],
    ["authorization_expires_in", { authorization_expires_in: day }, { consentExpiresInSeconds: day }],
    [
      "both",
      { refresh_expires_in: 600, authorization_expires_in: day },
      { refreshTokenExpiresInSeconds: 600, consentExpiresInSeconds: day },
    ],
    [
      "two ends of one kind: the earlier one",
      { refresh_expires_in: 600, refresh_token_expires_in: day },
      { refreshTokenExpiresInSeconds: 600 },
    ],
    ["a word", { refresh_token_expires_in: "never" }, {}],
    ["null", { refresh_token_expires_in: null }, {}],
  ];
  for (const [what, members, expected] of cases) {
    test(`the end of a refresh token or a consent is read from ${what}`, () => {
      assert.deepEqual(lifetimesOf(members, now), expected);
    });
  }

  test("the end of a refresh token or a consent has the names and the meaning that the provider's record says", () => {
    const announcedEnds = { rt_ttl: "moves", refresh_token_expires_in: "fixed" } as const;
    assert.deepEqual(lifetimesOf({ rt_ttl: 60, refresh_token_expires_in: 90 }, now, { announcedEnds }), {
      refreshTokenExpiresInSeconds: 60,
      consentExpiresInSeconds: 90,
    });
  });
});
