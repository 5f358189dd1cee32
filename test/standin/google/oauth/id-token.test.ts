import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { type IdTokenFlaw, type Standin, startStandin } from "../../../../src/standin/index.ts";
import { testStandin } from "../../../support/test-standin.ts";
import { appData, call, exchange, json, post, refresh } from "../../talk.ts";

const email = "ada@example.com";
const phone = "1234567890-and0r01dand0r01d.apps.googleusercontent.com";

async function keysOf(standin: Standin): Promise<ReturnType<typeof createLocalJWKSet>> {
  const { body } = await json(await fetch(`${standin.url}/oauth2/v3/certs`));
  return createLocalJWKSet(body as unknown as JSONWebKeySet);
}

/** The checks a careful client makes. */
async function verified(standin: Standin, token: unknown, nonce: string): Promise<Record<string, unknown>> {
  const { payload } = await jwtVerify(String(token), await keysOf(standin), {
    algorithms: ["RS256"],
    audience: standin.clientId,
    issuer: "https://accounts.google.com",
    requiredClaims: ["sub", "exp", "iat"],
    currentDate: new Date(standin.now()),
  });
  assert.equal(payload["nonce"], nonce);
  return payload;
}

describe("ID tokens", () => {
  test("the stand-in's ID tokens say who signed in, for whom, by which phone, and for which access token", async () => {
    await using standin = await testStandin();
    standin.person({ email, hd: "example.com" });
    const code = standin.code({ email, nonce: "n-1", scope: `openid email profile ${appData}` });
    const { body } = await exchange(standin, code);
    const claims = await verified(standin, body["id_token"], "n-1");
    const hash = createHash("sha256").update(String(body["access_token"])).digest().subarray(0, 16);
    assert.match(String(claims["sub"]), /^\d{21}$/);
    assert.match(String(claims["picture"]), /^http:\/\/127\.0\.0\.1:\d+\/picture\/\d+\.svg$/);
    assert.deepEqual(
      { ...claims, sub: 0, picture: 0, iat: 0, exp: 0 },
      {
        iss: "https://accounts.google.com",
        aud: standin.clientId,
        azp: phone,
        sub: 0,
        hd: "example.com",
        email,
        email_verified: true,
        name: "Ada Lovelace",
        given_name: "Ada",
        family_name: "Lovelace",
        picture: 0,
        locale: "en-GB",
        at_hash: hash.toString("base64url"),
        nonce: "n-1",
        iat: 0,
        exp: 0,
      },
    );
    assert.equal(Number(claims["exp"]) - Number(claims["iat"]), 3_600);
    const again = await refresh(standin, body["refresh_token"]);
    const later = (await jwtVerify(String(again.body["id_token"]), await keysOf(standin))).payload;
    assert.deepEqual([later.sub, later["nonce"]], [claims["sub"], undefined]);
  });

  test("the stand-in's ID tokens come only with an identity scope, and carry no more than it reaches", async () => {
    await using standin = await testStandin();
    const tokenFor = async (scope: string): Promise<unknown> =>
      (await exchange(standin, standin.code({ email, scope }))).body["id_token"];
    assert.equal(await tokenFor(appData), undefined);
    const { payload } = await jwtVerify(String(await tokenFor("openid")), await keysOf(standin));
    assert.deepEqual([payload["email"], payload["name"]], [undefined, undefined]);
  });

  test("the stand-in's ID tokens have the audience as azp where a browser got the code", async () => {
    await using standin = await testStandin();
    const code = standin.code({ email, kind: "popup" });
    const { body } = await exchange(standin, code, { redirect_uri: "postmessage" });
    const { payload } = await jwtVerify(String(body["id_token"]), await keysOf(standin));
    assert.equal(payload["azp"], standin.clientId);
  });

  const flaws: IdTokenFlaw[] = [
    "wrong_aud",
    "wrong_iss",
    "alg_none",
    "expired",
    "bad_signature",
    "missing_sub",
    "wrong_nonce",
    "hs256_with_public_key",
    "unknown_kid",
  ];
  for (const flaw of flaws) {
    test(`the stand-in's ID tokens can be wrong on purpose: ${flaw} is refused by a careful client`, async () => {
      await using standin = await testStandin({ idTokenFlaw: flaw });
      const { status, body } = await exchange(standin, standin.code({ email, nonce: "n-1" }));
      assert.equal(status, 200);
      await assert.rejects(verified(standin, body["id_token"], "n-1"));
      standin.settings({ idTokenFlaw: null });
      const right = await exchange(standin, standin.code({ email, nonce: "n-1" }));
      await verified(standin, right.body["id_token"], "n-1");
    });
  }
});

describe("keys", () => {
  test("the stand-in's keys are published as JWKS and as certificates, the same ones", async () => {
    await using standin = await testStandin();
    standin.rotateKeys();
    const response = await fetch(`${standin.url}/oauth2/v3/certs`);
    assert.match(response.headers.get("cache-control") ?? "", /max-age=\d+/);
    const { keys } = (await response.json()) as { keys: { kid: string; kty: "RSA"; n: string; e: string }[] };
    const certificates = (await json(await fetch(`${standin.url}/oauth2/v1/certs`))).body;
    assert.equal(keys.length, 2);
    assert.deepEqual(
      Object.keys(certificates).sort(),
      keys.map(({ kid }) => kid).sort((a, b) => (a < b ? -1 : 1)),
    );
    for (const key of keys) {
      assert.deepEqual(Object.keys(key).sort(), ["alg", "e", "kid", "kty", "n", "use"]);
      const certificate = new X509Certificate(String(certificates[key.kid]));
      const published = createPublicKey({ key, format: "jwk" });
      assert.equal(certificate.verify(certificate.publicKey), true);
      assert.equal(certificate.publicKey.equals(published), true);
      assert.ok(
        certificate.validFromDate.getTime() < standin.now() && standin.now() < certificate.validToDate.getTime(),
      );
    }
  });

  test("the stand-in's keys rotate: the new one signs, the last one stays, and after a leak it does not", async () => {
    await using standin = await testStandin();
    const { body } = await exchange(standin, standin.code({ email }));
    const kid = standin.rotateKeys();
    await jwtVerify(String(body["id_token"]), await keysOf(standin));
    const next = await exchange(standin, standin.code({ email }));
    assert.equal(decodeProtectedHeader(String(next.body["id_token"])).kid, kid);
    standin.rotateKeys({ keepOld: false });
    await assert.rejects(jwtVerify(String(next.body["id_token"]), await keysOf(standin)));
  });

  test("two stand-ins that were given no key sign ID tokens with different keys", async () => {
    await using first = await startStandin();
    await using second = await startStandin();
    const { body } = await exchange(first, first.code({ email }));
    await assert.rejects(jwtVerify(String(body["id_token"]), await keysOf(second)));
  });

  test("a stand-in signs ID tokens with the key that it was given, until it rotates its keys", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    await using standin = await startStandin({ signingKey: privateKey });
    const { body } = await exchange(standin, standin.code({ email }));
    await jwtVerify(String(body["id_token"]), publicKey);
    await jwtVerify(String(body["id_token"]), await keysOf(standin));
    standin.rotateKeys();
    const next = await exchange(standin, standin.code({ email }));
    await assert.rejects(jwtVerify(String(next.body["id_token"]), publicKey));
  });

  test("a stand-in that is given a signing key other than a private RSA key does not start", async () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    await assert.rejects(startStandin({ signingKey: publicKey }), /signingKey must be a private RSA key/);
  });
});

describe("the discovery document", () => {
  test("the discovery document has Google's issuer and endpoints under the base URL", async () => {
    await using standin = await testStandin();
    const { body } = await json(await fetch(`${standin.url}/.well-known/openid-configuration`));
    assert.equal(body["issuer"], "https://accounts.google.com");
    assert.equal(body["authorization_response_iss_parameter_supported"], true);
    for (const [name, value] of Object.entries(body)) {
      if (/_endpoint$|_uri$/.test(name)) assert.ok(String(value).startsWith(`${standin.url}/`), name);
    }
  });

  test("the discovery document names the stand-in itself where asked to, and so do the ID tokens", async () => {
    await using standin = await testStandin({ issuer: "self" });
    const { body } = await json(await fetch(`${standin.url}/.well-known/openid-configuration`));
    assert.equal(body["issuer"], standin.url);
    const exchanged = await exchange(standin, standin.code({ email }));
    const { payload } = await jwtVerify(String(exchanged.body["id_token"]), await keysOf(standin));
    assert.equal(payload.iss, standin.url);
  });
});

describe("userinfo and tokeninfo", () => {
  test("userinfo and tokeninfo say what the token reaches", async () => {
    await using standin = await testStandin();
    const { body } = await exchange(standin, standin.code({ email, scope: `openid email ${appData}` }));
    const bearer = String(body["access_token"]);
    const claims = (await json(await call(standin, "/v1/userinfo", bearer))).body;
    assert.deepEqual([claims["email"], claims["email_verified"], claims["name"]], [email, true, undefined]);
    const older = (await json(await call(standin, "/oauth2/v2/userinfo", bearer))).body;
    assert.deepEqual([older["id"], older["verified_email"]], [claims["sub"], true]);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const info = (await json(await call(standin, "/tokeninfo", bearer, { method: "POST", headers }))).body;
    assert.deepEqual(
      { ...info, exp: "0", expires_in: "0", sub: "0" },
      {
        azp: phone,
        aud: standin.clientId,
        sub: "0",
        scope: body["scope"],
        exp: "0",
        expires_in: "0",
        email,
        email_verified: "true",
        access_type: "offline",
      },
    );
    assert.deepEqual((await post(standin, "/tokeninfo", { access_token: bearer })).body["aud"], standin.clientId);
    const idToken = String(body["id_token"]);
    const fromIdToken = (await json(await fetch(`${standin.url}/tokeninfo?id_token=${idToken}`))).body;
    assert.deepEqual([fromIdToken["email_verified"], fromIdToken["alg"]], ["true", "RS256"]);
    standin.advance(3_600_000);
    for (const query of [`id_token=${idToken}`, `access_token=${bearer}`, "id_token=a.b.c", "id_token=x", ""]) {
      assert.equal((await fetch(`${standin.url}/tokeninfo?${query}`)).status, 400, query);
    }
  });

  test("userinfo and tokeninfo tell unknown bearers and missing scopes apart", async () => {
    await using standin = await testStandin();
    const unknown = await call(standin, "/v1/userinfo", "ya29.nobody");
    assert.equal(unknown.status, 401);
    assert.match(unknown.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
    const { body } = await exchange(standin, standin.code({ email, scope: appData }));
    for (const path of ["/v1/userinfo", "/oauth2/v2/userinfo"]) {
      assert.equal((await call(standin, path, String(body["access_token"]))).status, 403);
    }
  });

  test("userinfo and tokeninfo serve the picture that the claims name", async () => {
    await using standin = await testStandin();
    const { body } = await exchange(standin, standin.code({ email }));
    const claims = (await json(await call(standin, "/v1/userinfo", String(body["access_token"])))).body;
    const picture = await fetch(String(claims["picture"]));
    assert.equal(picture.headers.get("content-type"), "image/svg+xml; charset=utf-8");
    assert.match(await picture.text(), /^<svg\s/);
    assert.equal((await fetch(`${standin.url}/picture/1.svg`)).status, 404);
  });
});
