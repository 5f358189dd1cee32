import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { exportJWK, SignJWT } from "jose";
import type { OAuth2Standin } from "../../../src/standin/index.ts";
import { json } from "../talk.ts";
import type { Answered } from "../talk.ts";
import { provider } from "./talk.ts";

type Form = Readonly<Record<string, string>>;

async function send(standin: OAuth2Standin, form: Form, headers: Record<string, string> = {}): Promise<Answered> {
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: "rt-x", ...form });
  return json(await fetch(`${standin.url}/token`, { method: "POST", headers, body }));
}

/** A client that was let in is told that its refresh token is unknown. */
const letIn = "invalid_grant";

const basic = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`,
});

describe("client authentication of the kind oauth2", () => {
  test("each client is let in by the one method it is registered for, and by no other", async () => {
    await using standin = await provider();
    const secret = "a secret: with signs+";
    const uris = ["https://app.example/cb"];
    for (const method of ["client_secret_post", "client_secret_basic", "none"] as const) {
      standin.client({
        clientId: method,
        tokenEndpointAuthMethod: method,
        redirectUris: uris,
        ...(method === "none" ? {} : { clientSecret: secret }),
      });
    }
    const ways: Readonly<Record<string, (id: string) => [Form, Record<string, string>]>> = {
      client_secret_post: (id) => [{ client_id: id, client_secret: secret }, {}],
      client_secret_basic: (id) => [{}, basic(id, secret)],
      none: (id) => [{ client_id: id }, {}],
    };
    for (const [way, made] of Object.entries(ways)) {
      for (const registered of Object.keys(ways)) {
        const { status, body } = await send(standin, ...made(registered));
        const expected = way === registered ? [400, letIn] : [401, "invalid_client"];
        assert.deepEqual([way, registered, status, body["error"]], [way, registered, ...expected]);
      }
    }
  });

  test("a client that failed with a Basic header gets a challenge, and one in two places is refused", async () => {
    await using standin = await provider();
    const wrong = await send(standin, {}, basic("standin-basic", "wrong"));
    assert.deepEqual([wrong.status, wrong.headers.get("www-authenticate")], [401, `Basic realm="${standin.url}"`]);
    const both = await send(standin, { client_id: "standin-basic", client_secret: "x" }, basic("standin-basic", "x"));
    assert.deepEqual([both.status, both.body["error"]], [400, "invalid_request"]);
    const foreign = await send(standin, { client_id: standin.clientId }, basic("standin-basic", standin.clientSecret));
    assert.deepEqual([foreign.status, foreign.body["error"]], [400, "invalid_request"]);
    const same = await send(standin, { client_id: "standin-basic" }, basic("standin-basic", standin.clientSecret));
    assert.equal(same.body["error"], letIn);
  });
});

const keys = {
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: generateKeyPairSync("ed25519"),
  RS256: generateKeyPairSync("rsa", { modulusLength: 2_048 }),
};

interface Assertion {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly alg?: keyof typeof keys | "PS256";
  readonly by?: keyof typeof keys;
}

describe("private_key_jwt of the kind oauth2", () => {
  const clientId = "signing-client";

  const open = async (): Promise<OAuth2Standin> => {
    const standin = await provider();
    const jwks = { keys: await Promise.all(Object.values(keys).map(({ publicKey }) => exportJWK(publicKey))) };
    standin.client({ clientId, tokenEndpointAuthMethod: "private_key_jwt", jwks });
    return standin;
  };

  const assertion = (
    { url, now }: OAuth2Standin,
    { claims = {}, alg = "ES256", by }: Assertion = {},
  ): Promise<string> => {
    const at = Math.floor(now() / 1_000);
    const usual = { iss: clientId, sub: clientId, aud: url, iat: at, exp: at + 60, jti: crypto.randomUUID() };
    const key = keys[by ?? (alg === "PS256" ? "RS256" : alg)].privateKey;
    return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg }).sign(key);
  };

  const sent = async (standin: OAuth2Standin, jwt: string, more: Form = {}): Promise<Answered> =>
    send(standin, {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: jwt,
      ...more,
    });

  test("a client assertion is good in each algorithm, with and without client_id, and once", async () => {
    await using standin = await open();
    for (const alg of ["ES256", "EdDSA", "RS256", "PS256"] as const) {
      const jwt = await assertion(standin, { alg });
      assert.equal((await sent(standin, jwt, { client_id: clientId })).body["error"], letIn, alg);
      const again = await sent(standin, jwt);
      assert.deepEqual([alg, again.status, again.body["error_description"]], [alg, 401, "jti was used before."]);
    }
    assert.equal((await sent(standin, await assertion(standin))).body["error"], letIn);
  });

  test("a client assertion is refused where a claim is wrong, and its jti is then not used up", async () => {
    await using standin = await open();
    const at = Math.floor(standin.now() / 1_000);
    const wrong: readonly Readonly<Record<string, unknown>>[] = [
      { aud: `${standin.url}/token` },
      { aud: [standin.url, "https://other.example"] },
      { aud: `${standin.url}/` },
      { aud: undefined },
      { iss: "somebody" },
      { iss: undefined },
      { sub: "somebody" },
      { sub: undefined },
      { exp: at },
      { exp: undefined },
      { exp: at + 7_200 },
      { exp: String(at + 60) },
      { iat: at + 120 },
      { nbf: at + 120 },
      { jti: undefined },
      { jti: "" },
    ];
    for (const claims of wrong) {
      const jwt = await assertion(standin, { claims: { jti: "once", ...claims } });
      const { status, body } = await sent(standin, jwt, { client_id: clientId });
      assert.deepEqual([claims, status, body["error"]], [claims, 401, "invalid_client"]);
    }
    assert.equal((await sent(standin, await assertion(standin, { claims: { jti: "once" } }))).body["error"], letIn);
  });

  test("a client assertion is refused with a wrong, foreign or missing signature", async () => {
    await using standin = await open();
    const [head, body, signature] = (await assertion(standin)).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const at = Math.floor(standin.now() / 1_000);
    const claims = { iss: clientId, sub: clientId, aud: standin.url, exp: at + 60, jti: "a" };
    const jwts = [
      `${String(head)}.${String(body)}.`,
      `${none}.${String(body)}.`,
      `${none}.${String(body)}.${String(signature)}`,
      `${String(head)}.${String(body)}.${String(signature).slice(2)}AA`,
      `${String(head)}.${String(body)}`,
      "nothing",
      await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(foreign),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: "HS256" })
        .sign(Buffer.from("a secret that everybody knows..")),
    ];
    for (const jwt of jwts) {
      assert.deepEqual([jwt, (await sent(standin, jwt, { client_id: clientId })).status], [jwt, 401]);
    }
  });

  test("a client assertion is refused beside a secret, without its type, and for another client", async () => {
    await using standin = await open();
    const jwt = (): Promise<string> => assertion(standin);
    const beside = await sent(standin, await jwt(), { client_id: clientId, client_secret: "x" });
    assert.deepEqual([beside.status, beside.body["error"]], [400, "invalid_request"]);
    const untyped = await sent(standin, await jwt(), { client_assertion_type: "jwt" });
    assert.deepEqual([untyped.status, untyped.body["error"]], [400, "invalid_request"]);
    const other = await sent(standin, await jwt(), { client_id: standin.clientId });
    assert.deepEqual([other.status, other.body["error"]], [401, "invalid_client"]);
  });
});
