import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { Profile } from "../../src/core/grant.ts";
import { oidc } from "../../src/providers/oidc.ts";
import { base64url, edwardsMinter, ellipticMinter, minted, signed } from "./minting.ts";
import type { Minter } from "./minting.ts";
import {
  accessToken,
  checkThatFails,
  claims,
  good,
  halfHash,
  key,
  other,
  seconds,
  stranger,
  verify,
} from "./verifying.ts";

const elliptic = ellipticMinter("k-ec");

describe("an ID token that is not signed as it must be", () => {
  const hmac = (secret: string | Buffer, header: object): string => {
    const input = `${base64url({ typ: "JWT", kid: key.kid, ...header })}.${base64url(claims)}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
  const pem = key.publicKey.export({ format: "pem", type: "spki" });
  const der = key.publicKey.export({ format: "der", type: "spki" });
  const unsigned = (header: object): string => `${base64url(header)}.${base64url(claims)}.`;
  const certificate = { ...stranger.jwk, kid: "mine" };

  const refused: readonly (readonly [string, string, string])[] = [
    ["no algorithm and no signature", "form", unsigned({ alg: "none" })],
    ["no algorithm, in capitals", "form", unsigned({ alg: "NONE" })],
    ["no algorithm, and some signature", "alg", `${unsigned({ alg: "none", kid: key.kid })}AAAA`],
    ["no algorithm named", "form", `${unsigned({ kid: key.kid })}AAAA`],
    ["an algorithm that is no text", "form", `${unsigned({ alg: ["RS256"], kid: key.kid })}AAAA`],
    ["the public key as a shared secret, as PEM", "alg", hmac(pem, { alg: "HS256" })],
    ["the public key as a shared secret, as DER", "alg", hmac(der, { alg: "HS256" })],
    ["the public key as a shared secret, as JWK", "alg", hmac(JSON.stringify(key.jwk), { alg: "HS256" })],
    ["another algorithm with the same key", "alg", minted(key, claims, { alg: "PS256" })],
    ["an algorithm that the issuer does not use", "alg", minted(elliptic, claims)],
    ["a stranger's key under a known name", "signature", minted(stranger, claims)],
    ["a known key under the other's name", "signature", minted(key, claims, { kid: other.kid })],
    ["a key that nobody published", "kid", minted(key, claims, { kid: "k-9" })],
    ["no key named, and two to choose from", "kid", minted(key, claims, { kid: undefined })],
    ["a key of its own in the header", "signature", minted(stranger, claims, { jwk: stranger.jwk })],
    ["a key of its own, and its name", "kid", minted(stranger, claims, { kid: "mine", jwk: certificate })],
    ["a place to fetch a key from", "kid", minted(stranger, claims, { kid: "mine", jku: "https://evil.example/keys" })],
    ["a place to fetch a certificate from", "signature", minted(stranger, claims, { x5u: "https://evil.example/c" })],
    ["a certificate of its own", "signature", minted(stranger, claims, { x5c: [base64url("certificate")] })],
    ["an extension that must be understood", "form", minted(key, claims, { crit: ["exp"], exp: seconds })],
    ["an extension that is not there", "form", minted(key, claims, { crit: ["nothing"] })],
    ["a payload that is not encoded", "form", minted(key, claims, { crit: ["b64"], b64: false })],
    ["a payload that is encoded, and says so", "form", minted(key, claims, { crit: ["b64"], b64: true })],
    ["a payload that is said not to be encoded", "form", minted(key, claims, { b64: false })],
    ["an empty list of extensions", "form", minted(key, claims, { crit: [] })],
    ["extensions of null", "form", minted(key, claims, { crit: null })],
    [
      "claims that were changed",
      "signature",
      `${good.split(".")[0]}.${base64url({ ...claims, sub: "1" })}.${good.split(".")[2]}`,
    ],
    ["claims that were left out", "signature", `${good.split(".")[0]}..${good.split(".")[2]}`],
    [
      "a header that was changed",
      "signature",
      `${base64url({ alg: "RS256", kid: key.kid })}.${good.split(".").slice(1).join(".")}`,
    ],
    ["claims that are a list", "form", signed(key, base64url({ alg: "RS256", kid: key.kid }), base64url([claims]))],
    ["claims that are no JSON", "form", signed(key, base64url({ alg: "RS256", kid: key.kid }), base64url("claims"))],
    ["a header that is no JSON", "form", signed(key, base64url("header"), base64url(claims))],
    ["a header that is null", "form", signed(key, base64url("null"), base64url(claims))],
  ];
  for (const [what, check, token] of refused) {
    test(`an ID token that is not signed as it must be is refused for ${check}: ${what}`, async () =>
      assert.equal(await checkThatFails(token), check));
  }

  test("an ID token that is not signed as it must be is refused with any bit of its signature changed", async () => {
    const [header = "", payload = "", signature = ""] = good.split(".");
    const bytes = Buffer.from(signature, "base64url");
    for (const bit of [0, 7, 8, 1_000, bytes.length * 8 - 1]) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(await checkThatFails(`${header}.${payload}.${changed.toString("base64url")}`), "signature");
    }
    const longer = Buffer.concat([Buffer.alloc(1), bytes]).toString("base64url");
    const shorter = bytes.subarray(1).toString("base64url");
    for (const wrong of [longer, shorter]) {
      assert.equal(await checkThatFails(`${header}.${payload}.${wrong}`), "signature");
    }
  });

  test("an ID token that is not signed as it must be is refused where its key is for encryption", async () => {
    assert.equal(await checkThatFails(good, {}, [{ ...key.jwk, use: "enc" }, other.jwk]), "kid");
    assert.equal(await checkThatFails(good, {}, [{ ...key.jwk, key_ops: ["encrypt"] }, other.jwk]), "kid");
  });
});

/** Lenient decoders take all of these for the token that was signed. */
const respellings: Readonly<Record<string, (part: string) => string>> = {
  "a blank before": (part) => ` ${part}`,
  "a blank behind": (part) => `${part} `,
  "a blank inside": (part) => `${part.slice(0, 4)} ${part.slice(4)}`,
  "a line break behind": (part) => `${part}\n`,
  "a tab inside": (part) => `${part.slice(0, 4)}\t${part.slice(4)}`,
  padding: (part) => `${part}=`,
  "double padding": (part) => `${part}==`,
  "a sign beyond the alphabet": (part) => `${part}?`,
  "signs beyond the alphabet": (part) => `####${part}`,
  "the other alphabet": (part) => `${part}+/`,
  "a letter beyond ASCII": (part) => `${part}ä`,
  "a null": (part) => `${part}\u0000`,
};

describe("an ID token that is spelled in another way", () => {
  const parts = good.split(".");
  for (const [index, name] of ["header", "claims", "signature"].entries()) {
    for (const [what, respell] of Object.entries(respellings)) {
      test(`an ID token that is spelled in another way is refused: ${what}, in its ${name}`, async () => {
        const token = parts.map((part, at) => (at === index ? respell(part) : part)).join(".");
        assert.equal(await checkThatFails(token), "form");
      });
    }
  }

  test("an ID token that is spelled in another way is refused with bits set that no byte uses", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // 256 bytes of signature leave two letters for the last byte, and four unused bits in the second of them.
    const last = alphabet.indexOf(good.at(-1) ?? "");
    assert.equal(last % 16, 0);
    for (let bits = 1; bits < 16; bits++) {
      assert.equal(await checkThatFails(good.slice(0, -1) + alphabet[last + bits]), "form");
    }
  });

  test("an ID token that is spelled in another way is refused even where the odd spelling itself was signed", async () => {
    const header = base64url({ alg: "RS256", kid: key.kid });
    for (const [what, respell] of Object.entries(respellings)) {
      assert.equal(await checkThatFails(signed(key, respell(header), base64url(claims))), "form", what);
      assert.equal(await checkThatFails(signed(key, header, respell(base64url(claims)))), "form", what);
    }
  });

  const [header = "", payload = "", signature = ""] = parts;
  const shapes: Readonly<Record<string, string>> = {
    "no parts": "",
    "one part": header,
    "two parts": `${header}.${payload}`,
    "no signature": `${header}.${payload}.`,
    "no header": `.${payload}.${signature}`,
    "dots alone": "..",
    "a fourth part, empty": `${good}.`,
    "a fourth part": `${good}.foo`,
    "five parts, as if encrypted": `${header}..${payload}.${signature}.${signature}`,
    "JSON serialization": JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    "a scheme before it": `Bearer ${good}`,
  };
  for (const [what, token] of Object.entries(shapes)) {
    test(`an ID token that is spelled in another way is refused: ${what}`, async () =>
      assert.equal(await checkThatFails(token), "form"));
  }

  test("an ID token that is spelled in another way is refused, whatever text it is", async () => {
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.stringMatching(/^[A-Za-z0-9_-]*$/), { minLength: 3, maxLength: 3 }).map((each) => each.join(".")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (token) => assert.notEqual(await checkThatFails(token), "none of them")),
      { numRuns: 50 },
    );
  });

  const header1 = { alg: "RS256", kid: key.kid };
  const twice = (json: object, more: string): string => `{${more},${JSON.stringify(json).slice(1)}`;
  const repeated: readonly (readonly [what: string, header: string, payload: string])[] = [
    ["its subject, the wrong one first", JSON.stringify(header1), twice(claims, '"sub":"evil"')],
    ["its subject, equal both times", JSON.stringify(header1), twice(claims, `"sub":"${claims.sub}"`)],
    ["its subject, once with an escape", JSON.stringify(header1), twice(claims, String.raw`"\u0073ub":"evil"`)],
    ["its subject, with white space between", JSON.stringify(header1), twice(claims, '\n "sub"\t:\r"evil" ')],
    ["a claim that nobody knows", JSON.stringify(header1), twice(claims, '"x":1,"x":2')],
    ["a member of an object in it", JSON.stringify(header1), twice(claims, '"act":{"sub":"a","sub":"b"}')],
    ["a member of an object in a list in it", JSON.stringify(header1), twice(claims, '"l":[1,{"a":[{}],"a":2}]')],
    ["a member called __proto__", JSON.stringify(header1), twice(claims, '"__proto__":1,"__proto__":2')],
    ["an empty name", JSON.stringify(header1), twice(claims, '"":1,"":2')],
    [
      "its subject, beside lists as deep as no stack is",
      JSON.stringify(header1),
      twice(claims, `"sub":"evil","x":${"[".repeat(30_000)}${"]".repeat(30_000)}`),
    ],
    ["its algorithm", twice(header1, '"alg":"none"'), JSON.stringify(claims)],
    ["its key's name", twice(header1, '"kid":"k-9"'), JSON.stringify(claims)],
  ];
  for (const [what, head, body] of repeated) {
    test(`an ID token that is spelled in another way is refused where a member comes twice: ${what}`, async () => {
      assert.equal(await checkThatFails(signed(key, base64url(head), base64url(body))), "form");
    });
  }

  const single: readonly (readonly [what: string, payload: string])[] = [
    ["spread over lines", JSON.stringify(claims, undefined, 2)],
    ["the same name in two objects", twice(claims, '"a":{"sub":"x"},"b":[{"sub":"y"},{"sub":"z"}]')],
    ["what looks like a member in a text", twice(claims, String.raw`"a":"\",\"sub\":\"x","b":"{\"sub\":1}"`)],
    ["names that differ in case", twice(claims, '"SUB":"x","Sub":"y"')],
    ["a name that is a number, out of its order", twice(claims, '"z":1,"1":2')],
    ["escapes that it does not need", twice(claims, String.raw`"\u0061":"\u0062"`)],
  ];
  for (const [what, body] of single) {
    test(`an ID token that is spelled in another way is accepted where no member comes twice: ${what}`, async () => {
      const { sub } = await verify(signed(key, base64url(JSON.stringify(header1)), base64url(body)));
      assert.equal(sub, claims.sub);
    });
  }
});

describe("other algorithms, where an issuer uses them", () => {
  const issuer = "https://id.example";
  const theirs = (minter: Minter): Promise<Profile> =>
    verify(
      minted(minter, { ...claims, iss: issuer, aud: "app", azp: "app", at_hash: hashFor(minter.alg) }),
      {
        clientId: "app",
        accessToken,
        provider: oidc({ name: "id", issuer, clientId: "app", idTokenAlgorithms: [minter.alg] }),
      },
      [minter.jwk],
    );
  const hashFor = (alg: string): string => halfHash(alg.startsWith("Ed") ? "sha512" : "sha256");

  test("other algorithms verify, each with the hash of the access token that goes with it", async () => {
    for (const minter of [elliptic, edwardsMinter("k-ed", "EdDSA"), edwardsMinter("k-ed", "Ed25519")]) {
      assert.equal((await theirs(minter)).sub, claims.sub, minter.alg);
    }
  });

  test("other algorithms refuse signatures of nothing but zeros, and ones that are too long", async () => {
    const input = `${base64url({ alg: "ES256", kid: elliptic.kid })}.${base64url({ ...claims, iss: issuer, aud: "app", azp: "app" })}`;
    const checks = { clientId: "app", provider: oidc({ name: "id", issuer, clientId: "app" }) };
    const padded = Buffer.concat([Buffer.alloc(1), elliptic.signature(input).subarray(0, 32), Buffer.alloc(1)]);
    for (const signature of [Buffer.alloc(64), padded, Buffer.alloc(1)]) {
      const token = `${input}.${signature.toString("base64url")}`;
      assert.equal(await checkThatFails(token, checks, [elliptic.jwk]), "signature");
    }
  });
});
