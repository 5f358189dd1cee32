import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OnbehalfError, isOnbehalfError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";
import { clockDifferenceMs, namesOtherCode } from "../../src/oauth/id-token.ts";
import type { IdTokenChecks } from "../../src/oauth/id-token.ts";
import { google } from "../../src/providers/google.ts";
import { oidc } from "../../src/providers/oidc.ts";
import { base64url, minted, signed } from "./minting.ts";
import {
  accessToken,
  checkThatFails,
  claims,
  clientId,
  good,
  halfHash,
  key,
  now,
  other,
  provider,
  seconds,
  stranger,
  verify,
} from "./verifying.ts";

const without = (claim: keyof typeof claims): object => ({ ...claims, [claim]: undefined });

describe("an ID token as Google signs it", () => {
  test("an ID token as Google signs it says who signed in, in registered names and no others", async () => {
    const profile = await verify(minted(key, { ...claims, hd: "example.com", phone_number: "+1", groups: ["a"] }), {
      accessToken,
    });
    assert.deepEqual(profile, {
      sub: "110169484474386276334",
      email: "ada@example.com",
      email_verified: true,
      name: "Ada Lovelace",
      picture: "https://example.com/ada.png",
      given_name: "Ada",
      family_name: "Lovelace",
      locale: "en",
      hd: "example.com",
    });
  });

  const accepted: readonly (readonly [string, object, object?])[] = [
    ["with the shorter name of the issuer", { ...claims, iss: "accounts.google.com" }],
    ["for the app's own Android client", { ...claims, azp: "1234567890-android.apps.googleusercontent.com" }],
    ["without azp", without("azp")],
    ["without at_hash", without("at_hash")],
    ["with an audience in a list of one", { ...claims, aud: [clientId] }],
    ["with several audiences and azp", { ...claims, aud: [clientId, "somebody-else"] }],
    ["that has just expired by our clock", { ...claims, exp: seconds - 59 }],
    ["from a provider whose clock is ahead", { ...claims, iat: seconds + 60, nbf: seconds + 60 }],
    ["with a life of 90 days", { ...claims, exp: seconds + 7_776_000 }],
    ["with nbf of some minutes ago", { ...claims, nbf: seconds - 300 }],
    [
      "with fractions of seconds in its times",
      { ...claims, iat: seconds - 0.5, nbf: seconds - 0.25, exp: seconds + 3_600.123_456 },
    ],
    ["that has just expired by our clock, and a fraction of a second", { ...claims, exp: seconds - 59.5 }],
    ["with a nonce of null, which is none", { ...claims, nonce: null }],
    ["with an empty nonce, which is none", { ...claims, nonce: "" }],
    ["without a type", claims, { typ: undefined }],
    ["with its type in small letters", claims, { typ: "jwt" }],
    ["with its type in full", claims, { typ: "application/jwt" }],
    [
      "with places to fetch keys from, which nobody asks",
      claims,
      { jku: "https://evil.example/k", x5u: "https://evil.example/c" },
    ],
    ["with a key in its header, which nobody uses", claims, { jwk: stranger.jwk }],
  ];
  for (const [what, changed, header] of accepted) {
    test(`an ID token as Google signs it is accepted ${what}`, async () => {
      assert.equal((await verify(minted(key, changed, header), { accessToken })).sub, claims.sub);
    });
  }

  test("an ID token as Google signs it is accepted from any of the published keys", async () => {
    assert.equal((await verify(minted(other, claims))).sub, claims.sub);
  });

  for (const exp of [
    `${seconds + 3_600}.0`,
    `${(seconds + 3_600) / 1e9}E9`,
    `${seconds + 3_600}.000000000000000000001`,
  ]) {
    test(`an ID token as Google signs it is accepted with an end that is spelled ${exp}`, async () => {
      const spelled = JSON.stringify(claims).replace(`"exp":${claims.exp}`, `"exp":${exp}`);
      const token = signed(key, base64url({ alg: key.alg, kid: key.kid }), base64url(spelled));
      assert.equal((await verify(token)).sub, claims.sub);
    });
  }

  test("an ID token as Google signs it is accepted with a sub of 255 letters", async () => {
    const sub = "s".repeat(255);
    assert.equal((await verify(minted(key, { ...claims, sub }))).sub, sub);
  });
});

describe("an ID token whose claims are wrong", () => {
  const refused: readonly (readonly [string, string, object])[] = [
    ["another audience", "aud", { ...claims, aud: "1234567890-other.apps.googleusercontent.com" }],
    ["an audience that merely begins like ours", "aud", { ...claims, aud: `${clientId}.evil.example` }],
    ["an empty list of audiences", "aud", { ...claims, aud: [] }],
    ["an audience that is no text", "aud", { ...claims, aud: { id: clientId } }],
    ["no audience", "aud", without("aud")],
    ["several audiences and no azp", "azp", { ...claims, aud: [clientId, "x"], azp: undefined }],
    ["a stranger's azp", "azp", { ...claims, azp: "9999999999-android.apps.googleusercontent.com" }],
    [
      "a stranger's azp that begins like our project",
      "azp",
      { ...claims, azp: "12345678901-x.apps.googleusercontent.com" },
    ],
    ["an empty azp", "azp", { ...claims, azp: "" }],
    ["an azp of null", "azp", { ...claims, azp: null }],
    ["an azp in a list", "azp", { ...claims, azp: [clientId] }],
    ["another issuer", "iss", { ...claims, iss: "https://accounts.example.net" }],
    ["an issuer that merely begins like ours", "iss", { ...claims, iss: "https://accounts.google.com.evil.example" }],
    ["an issuer with a slash too many", "iss", { ...claims, iss: "https://accounts.google.com/" }],
    ["an issuer in a list", "iss", { ...claims, iss: ["https://accounts.google.com"] }],
    ["no issuer", "iss", without("iss")],
    ["an end that is over", "exp", { ...claims, exp: seconds - 60 }],
    ["an end long ago", "exp", { ...claims, iat: seconds - 7_200, exp: seconds - 3_600 }],
    ["an end in digits", "exp", { ...claims, exp: String(seconds + 3_600) }],
    ["an end of null", "exp", { ...claims, exp: null }],
    ["no end", "exp", without("exp")],
    ["a beginning in the future", "iat", { ...claims, iat: seconds + 61 }],
    ["a beginning in digits", "iat", { ...claims, iat: String(seconds) }],
    ["no beginning", "iat", without("iat")],
    ["a time before which it is not valid", "nbf", { ...claims, nbf: seconds + 61 }],
    ["an end in 91 days", "exp", { ...claims, exp: seconds + 7_776_001 }],
    ["an end in ten years", "exp", { ...claims, exp: seconds + 315_360_000 }],
    ["an end in milliseconds", "exp", { ...claims, exp: (seconds + 3_600) * 1_000 }],
    ["an end beyond all numbers", "exp", { ...claims, exp: 1e300 }],
    ["an end below zero", "exp", { ...claims, exp: -1 }],
    ["an end that was over for half a second", "exp", { ...claims, exp: seconds - 60.5 }],
    ["an end with a fraction in digits", "exp", { ...claims, exp: `${seconds + 3_600}.5` }],
    ["an end in milliseconds with a fraction", "exp", { ...claims, exp: (seconds + 3_600) * 1_000 + 0.5 }],
    ["an end in 90 days and half a second", "exp", { ...claims, exp: seconds + 7_776_000.5 }],
    [
      "an end half a second before the leeway at its beginning",
      "exp",
      { ...claims, iat: seconds + 60, exp: seconds - 0.5 },
    ],
    ["an end before its beginning", "exp", { ...claims, iat: seconds + 60, exp: seconds }],
    ["a beginning years ago", "iat", { ...claims, iat: seconds - 315_360_000 }],
    ["a beginning at zero", "iat", { ...claims, iat: 0 }],
    ["a beginning below zero", "iat", { ...claims, iat: -3_600 }],
    ["a beginning a fraction below zero", "iat", { ...claims, iat: -0.5 }],
    ["a beginning half a second too far in the future", "iat", { ...claims, iat: seconds + 60.5 }],
    ["a beginning beyond all numbers", "iat", { ...claims, iat: 1e300 }],
    ["a beginning of null", "iat", { ...claims, iat: null }],
    ["a beginning in a list", "iat", { ...claims, iat: [seconds] }],
    ["validity in digits", "nbf", { ...claims, nbf: String(seconds) }],
    ["validity below zero", "nbf", { ...claims, nbf: -1 }],
    ["validity in a second and a half beyond the leeway", "nbf", { ...claims, nbf: seconds + 61.5 }],
    ["validity since years ago", "nbf", { ...claims, nbf: 1 }],
    ["validity of null", "nbf", { ...claims, nbf: null }],
    ["several audiences, one of them no text", "aud", { ...claims, aud: [clientId, 5] }],
    ["several audiences and a stranger's azp", "azp", { ...claims, aud: [clientId, "x"], azp: "x" }],
    ["an audience that comes twice and no azp", "azp", { ...claims, aud: [clientId, clientId], azp: undefined }],
    [
      "the event of a logout token",
      "events",
      { ...claims, events: { "http://schemas.openid.net/event/backchannel-logout": {} } },
    ],
    ["the events of a security event token", "events", { ...claims, events: {} }],
    ["events of null", "events", { ...claims, events: null }],
    ["no subject", "sub", without("sub")],
    ["an empty subject", "sub", { ...claims, sub: "" }],
    ["a subject of null", "sub", { ...claims, sub: null }],
    ["a subject that is a number", "sub", { ...claims, sub: 110_169_484 }],
    ["a subject that is too long", "sub", { ...claims, sub: "s".repeat(256) }],
    ["another access token's hash", "at_hash", { ...claims, at_hash: halfHash("sha256", "ya29.other") }],
    ["a hash of another kind", "at_hash", { ...claims, at_hash: halfHash("sha512") }],
    ["a hash with padding", "at_hash", { ...claims, at_hash: `${claims.at_hash}==` }],
    ["a hash that is no text", "at_hash", { ...claims, at_hash: null }],
  ];
  for (const [what, check, changed] of refused) {
    test(`an ID token whose claims are wrong is refused for ${check}: ${what}`, async () => {
      assert.equal(await checkThatFails(minted(key, changed), { accessToken }), check);
    });
  }

  for (const claim of ["exp", "iat", "nbf"] as const) {
    test(`an ID token whose claims are wrong is refused for ${claim}: a number that is too large for any program`, async () => {
      const spelled = JSON.stringify({ ...claims, [claim]: 0 }).replace(`"${claim}":0`, `"${claim}":1e400`);
      const token = signed(key, base64url({ alg: key.alg, kid: key.kid }), base64url(spelled));
      assert.equal(await checkThatFails(token), claim);
    });
  }

  for (const [what, changed] of [
    ["no nonce", claims],
    ["another nonce", { ...claims, nonce: "not-the-one" }],
    ["a nonce that is no text", { ...claims, nonce: ["n-1"] }],
  ] as const) {
    test(`an ID token whose claims are wrong is refused for nonce where one was sent: ${what}`, async () => {
      assert.equal(await checkThatFails(minted(key, changed), { nonce: "n-1" }), "nonce");
      await verify(minted(key, { ...claims, nonce: "n-1" }), { nonce: "n-1" });
    });
  }

  for (const nonce of ["n-1", "0", 0, false, ["n-1"], {}, " "]) {
    test(`an ID token whose claims are wrong is refused for nonce where the request names none: ${JSON.stringify(nonce)}`, async () => {
      const token = minted(key, { ...claims, nonce });
      assert.equal(await checkThatFails(token), "nonce");
      await assert.rejects(verify(token), (error) => {
        assert.ok(isOnbehalfError(error, "id_token_invalid"));
        assert.match(error.hint, /send the nonce that the app started the sign-in with.*unknownNonces/s);
        return true;
      });
    });
  }

  test("an ID token whose claims are wrong may have a nonce that nobody could tell us, and then no wrong one either", async () => {
    const token = minted(key, { ...claims, nonce: "made by a library" });
    await verify(token, { isNonceUnknown: true });
    assert.equal(await checkThatFails(token, { isNonceUnknown: true, nonce: "another" }), "nonce");
  });

  for (const typ of [
    "at+jwt",
    "application/at+jwt",
    "logout+jwt",
    "secevent+jwt",
    "dpop+jwt",
    "JWS",
    "JOSE",
    "",
    " JWT",
    "JWT ",
    "ID",
  ]) {
    test(`an ID token whose claims are wrong is refused for typ: ${JSON.stringify(typ)}`, async () => {
      assert.equal(await checkThatFails(minted(key, claims, { typ })), "typ");
    });
  }

  test("an ID token whose claims are wrong is refused for the c_hash of another code, and accepted with that of its own", async () => {
    const code = new Secret("4/0Aone");
    const withHash = (c_hash: unknown): Secret => new Secret(minted(key, { ...claims, c_hash }));
    assert.equal(namesOtherCode(withHash(halfHash("sha256", code.expose())), code), false);
    assert.equal(namesOtherCode(withHash(undefined), code), false);
    for (const other of [
      halfHash("sha256", "4/0Aother"),
      halfHash("sha512", code.expose()),
      "",
      null,
      1,
      [halfHash("sha256", code.expose())],
    ]) {
      assert.equal(namesOtherCode(withHash(other), code), true, JSON.stringify(other));
    }
    assert.equal(await checkThatFails(good, { isOtherCode: true }), "c_hash");
  });

  test("an ID token whose claims are wrong is refused for hd where a domain is required", async () => {
    const ours = { provider: google({ clientId, hostedDomain: "example.com" }) };
    for (const hd of [undefined, "evil.example", "example.com.evil.example", "Example.com", ["example.com"]]) {
      assert.equal(await checkThatFails(minted(key, { ...claims, hd }), ours), "hd");
    }
    assert.equal((await verify(minted(key, { ...claims, hd: "example.com" }), ours)).hd, "example.com");
  });

  test("an ID token whose claims are wrong says of a code for or from another client what to do", async () => {
    for (const [member, advice] of [
      ["aud", /serverClientId/],
      ["azp", /authorizedParties/],
      ["iss", /new sign-in/],
    ] as const) {
      await assert.rejects(verify(minted(key, { ...claims, [member]: "somebody-else" })), (error) => {
        assert.ok(isOnbehalfError(error, "id_token_invalid"));
        assert.match(error.hint, advice);
        return true;
      });
    }
  });
});

test("by how much a provider's clock is ahead is told in whole milliseconds, though its times have fractions", () => {
  const token = new Secret(minted(key, { ...claims, iat: seconds + 900.123_45, exp: seconds + 4_500.123_45 }));
  assert.equal(clockDifferenceMs(token, { receivedAt: now }), 900_123);
});

describe("the authorized party", () => {
  const android = "1234567890-android.apps.googleusercontent.com";
  const elsewhere = "https://id.example";
  const plain = (authorizedParties?: readonly string[]): Partial<IdTokenChecks> => ({
    clientId: "app",
    provider: oidc({
      name: "id",
      issuer: elsewhere,
      clientId: "app",
      ...(authorizedParties === undefined ? {} : { authorizedParties }),
    }),
  });
  const foreign = { ...claims, iss: elsewhere, aud: "app", azp: "phone" };

  test("the authorized party is one of the list, where there is one, and then no other of the same project", async () => {
    const listed = { provider: google({ clientId, authorizedParties: [android] }) };
    await verify(minted(key, { ...claims, azp: android }), listed);
    await verify(good, listed);
    const another = minted(key, { ...claims, azp: "1234567890-ios.apps.googleusercontent.com" });
    assert.equal(await checkThatFails(another, listed), "azp");
  });

  test("the authorized party is nobody but us at a provider of which nothing is known", async () => {
    assert.equal(await checkThatFails(minted(key, foreign), plain()), "azp");
    await verify(minted(key, { ...foreign, azp: "app" }), plain());
    await verify(minted(key, foreign), plain(["phone"]));
  });
});

describe("what an ID token says of a person", () => {
  const verified: readonly (readonly [unknown, boolean | undefined])[] = [
    [true, true],
    [false, false],
    ["true", true],
    ["false", false],
    ["TRUE", undefined],
    [1, undefined],
    [null, undefined],
    [undefined, undefined],
  ];
  for (const [email_verified, expected] of verified) {
    test(`what an ID token says of a person reads email_verified ${JSON.stringify(email_verified)} as ${String(expected)}`, async () => {
      const profile = await verify(minted(key, { ...claims, email_verified }));
      assert.equal(profile.email_verified, expected);
      assert.equal("email_verified" in profile, expected !== undefined);
    });
  }

  test("what an ID token says of a person leaves out what is no text", async () => {
    const odd = { email: 1, name: null, picture: ["a"], given_name: {}, family_name: true, locale: undefined, hd: 7 };
    assert.deepEqual(await verify(minted(key, { ...claims, ...odd })), { sub: claims.sub, email_verified: true });
  });
});

describe("a token about which nothing can be known", () => {
  test("a token about which nothing can be known is not called wrong while the provider's keys are out of reach", async () => {
    const down = new OnbehalfError("provider_unavailable", "no keys", {
      hint: "wait",
      details: { issuer: provider.issuer, retryAfterMs: 1 },
    });
    await assert.rejects(verify(good, { getKey: () => Promise.reject(down) }), (error) => error === down);
  });
});
