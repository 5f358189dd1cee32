import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { describe, test } from "node:test";
import type { JWK } from "jose";
import { usableKeys } from "../../src/oauth/usable-keys.ts";
import { base64url, ellipticMinter } from "./minting.ts";
import { checkThatFails, claims, good, key, other, verify } from "./verifying.ts";

/** A token that is rightly signed with an RSA key of any strength, and that key as it is published. */
function signedWith(modulusLength: number, publicExponent = 65_537): { readonly token: string; readonly jwk: JWK } {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength, publicExponent });
  const input = `${base64url({ alg: "RS256", kid: "k" })}.${base64url(claims)}`;
  const signature = sign("sha256", Buffer.from(input), privateKey).toString("base64url");
  return { token: `${input}.${signature}`, jwk: { ...publicKey.export({ format: "jwk" }), kid: "k" } };
}

const elliptic = ellipticMinter("k-ec");
const bytes = (length: number): string => Buffer.alloc(length, 0xff).toString("base64url");
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });

describe("a key of a provider's key set", () => {
  for (const [what, { token, jwk }] of [
    ["of 512 bits", signedWith(512)],
    ["of 1,024 bits", signedWith(1_024)],
    ["of 2,047 bits", signedWith(2_047)],
    ["with the exponent 3", signedWith(2_048, 3)],
    ["with the exponent 17", signedWith(2_048, 17)],
  ] as const) {
    test(`a key of a provider's key set is not used where it is weak: RSA ${what}`, async () => {
      assert.equal(await checkThatFails(token, {}, [jwk, other.jwk]), "kid");
      assert.equal(await checkThatFails(token, {}, [jwk]), "kid");
      // The same with leading zeros, and under an algorithm that it says it is for.
      const padded = Buffer.concat([Buffer.alloc(200), Buffer.from(jwk.n ?? "", "base64url")]).toString("base64url");
      assert.equal(await checkThatFails(token, {}, [{ ...jwk, n: padded, alg: "RS256" }, other.jwk]), "kid");
    });
  }

  test("a key of a provider's key set is used where it is RSA of 2,048 or 3,072 bits", async () => {
    for (const bits of [2_048, 3_072]) {
      const { token, jwk } = signedWith(bits);
      assert.equal((await verify(token, {}, [jwk, other.jwk])).sub, claims.sub, String(bits));
    }
  });

  const misdeclared: readonly (readonly [string, object])[] = [
    ["for encryption", { use: "enc" }],
    ["for a use that nobody knows", { use: "SIG" }],
    ["for a use of null", { use: null }],
    ["for another algorithm", { alg: "PS256" }],
    ["for an algorithm of encryption", { alg: "RSA-OAEP-256" }],
    ["to encrypt", { key_ops: ["encrypt"] }],
    ["to sign alone", { key_ops: ["sign"] }],
    ["to verify and to encrypt", { key_ops: ["verify", "encrypt"] }],
    ["for nothing", { key_ops: [] }],
    ["for no list of operations", { key_ops: "verify" }],
    ["as another type", { kty: "EC" }],
    ["as a shared secret", { kty: "oct", k: bytes(32) }],
    ["with a shared secret in it", { k: bytes(32) }],
    ["with its private half", { d: privateKey.export({ format: "jwk" }).d }],
    ["with an exponent of 1", { e: "AQ" }],
    ["with an even exponent", { e: "AQAA" }],
    ["without an exponent", { e: undefined }],
    ["with an empty exponent", { e: "" }],
    ["without a modulus", { n: undefined }],
    ["with a modulus that is a number", { n: 5 }],
    ["with a modulus of 16,392 bits", { n: bytes(2_049) }],
    ["with a modulus of a million bytes", { n: bytes(1_000_000) }],
  ];
  for (const [what, changed] of misdeclared) {
    test(`a key of a provider's key set is not used where it is declared ${what}`, async () => {
      assert.equal(await checkThatFails(good, {}, [{ ...key.jwk, ...changed }, other.jwk]), "kid");
      // Another key under the same name is not in its way.
      assert.equal((await verify(good, {}, [{ ...key.jwk, ...changed }, key.jwk])).sub, claims.sub);
    });
  }

  test("a key of a provider's key set is used where it says what it is for, and beside keys of other kinds", async () => {
    const declared = { ...key.jwk, use: "sig", alg: "RS256", key_ops: ["verify"], x5u: "https://evil.example/c" };
    assert.equal((await verify(good, {}, [elliptic.jwk, declared])).sub, claims.sub);
  });

  test("a key of a provider's key set that is no key hides no other", async () => {
    for (const odd of [{}, { kty: "RSA" }, { kty: 1 }, { kty: "LMS", kid: key.kid }]) {
      assert.equal((await verify(good, {}, [odd as JWK, key.jwk])).sub, claims.sub);
    }
  });

  test("a key of a provider's key set is looked for only where there is a key set", () => {
    for (const text of [
      "",
      "[]",
      "{}",
      '{"keys":{}}',
      '{"keys":[]}',
      "<html>",
      '{"keys":["key"]}',
      '{"keys":[null]}',
    ]) {
      assert.equal(usableKeys(text), undefined, text);
    }
  });
});
