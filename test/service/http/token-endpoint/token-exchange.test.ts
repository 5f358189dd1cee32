import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { generateKeyPair } from "jose";
import type { JWTPayload } from "jose";
import { appIssuer } from "../../../support/app-issuer.ts";
import type { AppIssuer } from "../../../support/app-issuer.ts";
import { basicOf, endpointOver, oauthError, tokenIn } from "../../../support/token-endpoint.ts";
import type { OAuthClient, TokenEndpoint } from "../../../support/token-endpoint.ts";
import { appData, outcomes, sharedStandin, testVault } from "../../../support/test-vault.ts";
import type { SharedStandin } from "../../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const jwtType = "urn:ietf:params:oauth:token-type:jwt";
const idTokenType = "urn:ietf:params:oauth:token-type:id_token";
const handleType = "urn:onbehalf:params:token-type:grant-handle";
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";

type Fields = Readonly<Record<string, string>>;

interface Exchange extends TokenEndpoint {
  readonly issuer: AppIssuer;
  /** The id by which the app knows whose the grant is. */
  readonly user: string;
  /** Exchanges a JWT about that user. An empty field counts as left out. */
  exchange(fields?: Fields, as?: OAuthClient): Promise<Response>;
  /** The JWT of these claims, exchanged. */
  claims(claims: JWTPayload, header?: object): Promise<Response>;
}

async function here(
  t: TestContext,
  entry: Parameters<typeof appIssuer>[1] = {},
  algorithm?: string,
): Promise<Exchange> {
  const fixture = await testVault(t, { shared });
  const issuer = await appIssuer(fixture.clock, entry, algorithm);
  const endpoint = await endpointOver(
    fixture,
    await fixture.open({ trustedIssuers: [issuer.entry], fetch: issuer.fetch }),
  );
  const { externalId: user = "" } = await endpoint.vault.grant({ grantId: endpoint.grantId });
  const exchange: Exchange["exchange"] = async (fields = {}, as = endpoint.client) =>
    endpoint.send(
      new URLSearchParams({
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token_type: jwtType,
        audience: "google",
        ...fields,
        subject_token: fields["subject_token"] ?? (await issuer.sign({ sub: user })),
      }),
      { authorization: basicOf(as) },
    );
  const claims: Exchange["claims"] = async (given, header) =>
    exchange({ subject_token: await issuer.sign({ sub: user, ...given }, header) });
  return { ...endpoint, issuer, user, exchange, claims };
}

describe("token exchange", () => {
  test("a JWT of the app's own issuer becomes its user's access token, with the type that was issued", async (t) => {
    const { exchange, vault, grantId } = await here(t);
    for (const subject_token_type of [jwtType, idTokenType]) {
      const body = await tokenIn(await exchange({ subject_token_type, requested_token_type: accessTokenType }));
      assert.equal(body["issued_token_type"], accessTokenType);
      assert.equal(body["token_type"], "Bearer");
      assert.equal(body["expires_in"], 3_599);
      assert.equal(body["access_token"], (await vault.getAccessToken({ grantId })).token);
      assert.equal(body["refresh_token"], undefined);
    }
  });

  test("a handle becomes its grant's access token; an audience must be the handle's provider", async (t) => {
    const { exchange, secret } = await here(t);
    const fields = { subject_token: secret, subject_token_type: handleType };
    for (const audience of ["", "google"]) {
      const body = await tokenIn(await exchange({ ...fields, audience }));
      assert.equal(body["issued_token_type"], accessTokenType);
    }
    await oauthError(await exchange({ ...fields, audience: "github" }), "invalid_target");
    await oauthError(await exchange({ ...fields, subject_token_type: jwtType }), "invalid_grant");
    assert.match(
      await oauthError(await exchange({ subject_token_type: handleType }), "invalid_grant"),
      /^subject_token must be a handle/,
    );
  });

  test("the only provider need not be named; another one is invalid_target, as one that the caller may not use", async (t) => {
    const { exchange, newClient, vault } = await here(t);
    await tokenIn(await exchange({ audience: "" }));
    const says = await oauthError(await exchange({ audience: "github" }), "invalid_target");
    const narrow = await newClient({ providers: ["github"] });
    assert.equal(await oauthError(await exchange({ audience: "google" }, narrow), "invalid_target"), says);
    assert.equal(vault.providers.length, 1);
  });

  test("nobody known by that id is the same answer as somebody out of the caller's reach, byte by byte", async (t) => {
    const { exchange, newClient, issuer, user, fixture, vault } = await here(t);
    const client = await newClient({ grants: ["ext:somebody-else"] });
    const foreign = await exchange({ subject_token: await issuer.sign({ sub: user }) }, client);
    const nobody = await exchange({ subject_token: await issuer.sign({ sub: "nobody" }) }, client);
    const withoutId = ({ headers }: Response): unknown => [...headers].filter(([name]) => name !== "x-request-id");
    assert.deepEqual(withoutId(foreign), withoutId(nobody));
    assert.equal(await foreign.clone().text(), await nobody.text());
    assert.match(await oauthError(foreign, "invalid_grant"), /nobody is known here by that id at google/);
    await vault.exchangeCode({ code: fixture.code("else@example.com"), externalId: "somebody-else" });
    await tokenIn(await exchange({ subject_token: await issuer.sign({ sub: "somebody-else" }) }, client));
  });

  test("of several accounts of one user the label chooses; without one the answer says that it is needed", async (t) => {
    const { exchange, user, fixture, vault } = await here(t);
    await vault.exchangeCode({ code: fixture.code("work@example.com"), externalId: user, account: "work" });
    assert.match(await oauthError(await exchange(), "invalid_request"), /send account/);
    await tokenIn(await exchange({ account: "work" }));
    await oauthError(await exchange({ account: "home" }), "invalid_grant");
  });

  test("a person who must consent again is invalid_grant that says so", async (t) => {
    const { exchange, vault, grantId } = await here(t);
    await vault.revoke({ grantId });
    assert.match(await oauthError(await exchange(), "invalid_grant"), /^consent is needed again/);
  });

  test("scope and resource are held to what the token can be used for", async (t) => {
    const { exchange, ask } = await here(t);
    await tokenIn(await exchange({ scope: appData, resource: "https://www.googleapis.com/drive/v3/" }));
    await oauthError(await exchange({ scope: "https://mail.google.com/" }), "invalid_scope");
    for (const resource of [
      "https://mail.example/",
      "http://www.googleapis.com/",
      "https://www.googleapis.com/#part",
      "www.googleapis.com",
      "https://oauth2.googleapis.com/token",
    ]) {
      await oauthError(await exchange({ resource }), "invalid_target");
      await oauthError(await ask({ resource }), "invalid_target");
    }
    await tokenIn(await ask({ resource: "https://www.googleapis.com/drive/v3/" }));
  });

  for (const [what, fields, says] of [
    ["an actor", { actor_token: "x", actor_token_type: jwtType }, /actor_token is not supported/],
    ["an actor's type alone", { actor_token_type: jwtType }, /actor_token_type is not supported/],
    ["another type of token", { requested_token_type: jwtType }, /requested_token_type must be/],
    ["a refresh token", { requested_token_type: "urn:ietf:params:oauth:token-type:refresh_token" }, /must be/],
    ["no subject token", { subject_token: "" }, /subject_token is missing/],
    ["no type of the subject token", { subject_token_type: "" }, /subject_token_type is missing/],
    ["SAML", { subject_token_type: "urn:ietf:params:oauth:token-type:saml2" }, /subject_token_type must be one of/],
  ] as const) {
    test(`a token exchange with ${what} is invalid_request`, async (t) => {
      const { exchange } = await here(t);
      assert.match(await oauthError(await exchange(fields), "invalid_request"), says);
    });
  }

  test("where no issuer is trusted, a JWT is invalid_request that names the setting; a handle works", async (t) => {
    const fixture = await testVault(t, { shared });
    const { send, client, secret } = await endpointOver(fixture, await fixture.open());
    const usual = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: secret };
    const asked = (subject_token_type: string): Promise<Response> =>
      send(new URLSearchParams({ ...usual, subject_token_type }), { authorization: basicOf(client) });
    assert.match(await oauthError(await asked(jwtType), "invalid_request"), /ONBEHALF_TRUSTED_ISSUERS_FILE/);
    await tokenIn(await asked(handleType));
  });

  test("a flood of exchanges shares one refresh", async (t) => {
    const { exchange, fixture } = await here(t);
    fixture.clock.advance(3_700_000);
    fixture.newRequests();
    await Promise.all(Array.from({ length: 20 }, async () => tokenIn(await exchange())));
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });
});

describe("a JWT of the app's own issuer", () => {
  const seconds = (): number => Math.floor(shared.clock.now() / 1000);

  for (const [what, claims, flaw] of [
    ["another issuer", { iss: "https://login.else.example" }, "issuer is not trusted"],
    ["an issuer with a slash more", { iss: "https://login.app.example/" }, "issuer is not trusted"],
    ["no issuer", { iss: undefined }, "issuer is not trusted"],
    ["another audience", { aud: "other-api" }, "check of aud"],
    ["no audience", { aud: undefined }, "check of aud"],
    ["no end", { exp: undefined }, "check of exp"],
    ["no user", { sub: undefined }, "check of sub"],
    ["an empty user", { sub: "" }, "check of sub"],
    ["a user that is too long", { sub: "x".repeat(513) }, "check of sub"],
    ["security events", { events: {} }, "check of events"],
    ["a key that only its holder has", { cnf: { jkt: "x" } }, "check of cnf"],
  ] as const) {
    test(`a JWT with ${what} is refused, and the description says which check failed`, async (t) => {
      const { claims: exchange } = await here(t);
      const says = await oauthError(await exchange(claims as JWTPayload), "invalid_grant");
      assert.ok(says.startsWith("the subject token is not good: ") && says.includes(flaw), says);
    });
  }

  test("the times of a JWT are compared with a leeway of a minute, and it may live for a day at most", async (t) => {
    const { claims: exchange } = await here(t);
    const at = seconds();
    for (const [claims, flaw] of [
      [{ exp: at - 59 }, undefined],
      [{ exp: at - 61, iat: at - 600 }, "exp"],
      [{ nbf: at + 59 }, undefined],
      [{ nbf: at + 61 }, "nbf"],
      [{ iat: at + 59, exp: at + 600 }, undefined],
      [{ iat: at + 61, exp: at + 600 }, "iat"],
      [{ iat: at, exp: at + 86_400 }, undefined],
      [{ iat: at, exp: at + 86_401 }, "exp"],
      [{ iat: undefined, exp: at + 600 }, undefined],
      [{ iat: undefined, exp: at + 86_500 }, "exp"],
      [{ iat: undefined, exp: 9e15 }, "exp"],
      [{ iat: -1, exp: at + 600 }, "iat"],
    ] as const) {
      const response = await exchange(claims as JWTPayload);
      if (flaw === undefined) await tokenIn(response);
      else assert.match(await oauthError(response, "invalid_grant"), new RegExp(`check of ${flaw}$`));
    }
  });

  test("a JWT that is signed by nobody, with a shared secret, or with somebody else's key is refused", async (t) => {
    const { exchange, issuer, user } = await here(t);
    const good = await issuer.sign({ sub: user });
    const [header = "", payload = "", signature = ""] = good.split(".");
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const { privateKey } = await generateKeyPair("ES256");
    const stolen = await issuer.sign({ sub: user }, {}, privateKey);
    const unknownKey = await issuer.sign({ sub: user }, { kid: "key-of-nobody" });
    const other = encoded({ ...(JSON.parse(Buffer.from(payload, "base64url").toString()) as object), sub: "user-2" });
    for (const [token, flaw] of [
      [`${encoded({ alg: "none" })}.${payload}.`, "form"],
      [`${encoded({ alg: "none" })}.${payload}.${signature}`, "alg"],
      [`${encoded({ alg: "HS256", kid: "key-1" })}.${payload}.${signature}`, "alg"],
      [stolen, "signature"],
      [unknownKey, "kid"],
      [`${header}.${other}.${signature}`, "signature"],
      [`${good}=`, "form"],
      [good.slice(0, -3), "(?:signature|form)"],
      [`${header}.${payload}`, "form"],
      ["no token at all", "form"],
      [`${header}.${payload}.${"x".repeat(20_000)}`, "form"],
      [await issuer.sign({ sub: user }, { typ: "logout+jwt" }), "typ"],
      [await issuer.sign({ sub: user }, { typ: "secevent+jwt" }), "typ"],
    ] as const) {
      const says = await oauthError(await exchange({ subject_token: token }), "invalid_grant");
      assert.match(says, new RegExp(`check of ${flaw}$`));
      assert.ok(!says.includes(payload));
    }
    await tokenIn(await exchange({ subject_token: await issuer.sign({ sub: user }, { typ: "at+jwt" }) }));
  });

  test("the app's own id may stand in a claim of any name, as text or as a whole number", async (t) => {
    const claim = "https://app.example/user";
    const {
      claims: exchange,
      vault,
      fixture,
    } = await here(t, { externalIdClaim: claim, audience: ["web", "app-api"] });
    await vault.exchangeCode({ code: fixture.code("forty-two@example.com"), externalId: "42" });
    await tokenIn(await exchange({ [claim]: "42" }));
    await tokenIn(await exchange({ [claim]: 42, aud: ["web", "more"] }));
    for (const value of [undefined, 4.2, -42, true, ["42"], { id: "42" }, null]) {
      assert.match(await oauthError(await exchange({ [claim]: value }), "invalid_grant"), /check of https:/);
    }
  });

  test("keys are read once and kept; a new key is found by one read more, and an unknown one by none in half a minute", async (t) => {
    const { exchange, issuer, user, fixture } = await here(t);
    await Promise.all(Array.from({ length: 20 }, async () => tokenIn(await exchange())));
    assert.equal(issuer.reads(), 1);
    await issuer.rotate();
    await tokenIn(await exchange());
    assert.equal(issuer.reads(), 2);
    const forged = await issuer.sign({ sub: user }, { kid: "nobody's" });
    for (let n = 0; n < 20; n++) {
      await oauthError(await exchange({ subject_token: forged }), "temporarily_unavailable", 503);
    }
    assert.equal(issuer.reads(), 2, "a flood of unknown keys reads nothing");
    fixture.clock.advance(30_000);
    assert.match(await oauthError(await exchange({ subject_token: forged }), "invalid_grant"), /check of kid$/);
    assert.equal(issuer.reads(), 3);
  });

  test("while the issuer's keys cannot be read, those that were read before verify; without any it is 503", async (t) => {
    const { exchange, issuer, fixture } = await here(t);
    issuer.answerWith(() => new Response("down", { status: 503 }));
    await oauthError(await exchange(), "temporarily_unavailable", 503);
    issuer.answerWith(undefined);
    await tokenIn(await exchange());
    for (const answer of [
      () => new Response("down", { status: 503 }),
      () => new Response("x".repeat(1_000_000)),
      () => Response.json({ keys: [] }),
      () => new Response("no json"),
    ]) {
      issuer.answerWith(answer);
      fixture.clock.advance(600_000);
      await tokenIn(await exchange());
    }
  });

  for (const algorithm of ["RS256", "PS256", "ES384", "EdDSA"]) {
    test(`a JWT that is signed with ${algorithm} is taken`, async (t) => {
      const { exchange } = await here(t, {}, algorithm);
      await tokenIn(await exchange());
    });
  }
});
