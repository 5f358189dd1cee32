import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OAuth2Standin } from "../../../src/standin/index.ts";
import { json, post } from "../talk.ts";
import type { Answered } from "../talk.ts";
import {
  asClient,
  callback,
  challengeOf,
  exchange,
  granted,
  lastOutcome,
  provider,
  refresh,
  user,
  verifier,
} from "./talk.ts";

const ada = "ada@example.com";

/** A request, and the answer of RFC 6749 section 5.2 that it must get. */
interface Row {
  readonly title: string;
  readonly send: (standin: OAuth2Standin) => Promise<Answered>;
  readonly status?: number;
  readonly error: string;
  /** Where the log says more than the error. */
  readonly outcome?: string;
}

const bound = { redirectUri: callback, codeChallenge: challengeOf(verifier) };
const right = { redirect_uri: callback, code_verifier: verifier };
const code = (standin: OAuth2Standin): string => standin.code({ email: ada, ...bound });
const other = (standin: OAuth2Standin): Record<string, string> => {
  const { clientId, clientSecret = "" } = standin.client({ redirectUris: ["https://app.example/cb"] });
  return { client_id: clientId, client_secret: clientSecret };
};

const rows: readonly Row[] = [
  {
    title: "without a grant_type",
    send: (standin) => asClient(standin, "/token", {}),
    error: "invalid_request",
  },
  {
    title: "of a grant type that there is not",
    send: (standin) => asClient(standin, "/token", { grant_type: "password" }),
    error: "unsupported_grant_type",
  },
  {
    title: "of a grant type in characters that no description may have",
    send: (standin) => asClient(standin, "/token", { grant_type: 'ü"\\\n' }),
    error: "unsupported_grant_type",
  },
  { title: "without a client", send: (standin) => post(standin, "/token", {}), status: 401, error: "invalid_client" },
  {
    title: "of a client that there is not",
    send: (standin) => refresh(standin, "rt-x", { client_id: "nobody" }),
    status: 401,
    error: "invalid_client",
  },
  {
    title: "with a wrong client secret",
    send: (standin) => refresh(standin, "rt-x", { client_secret: "wrong" }),
    status: 401,
    error: "invalid_client",
  },
  {
    title: "without the client secret, as of a public client",
    send: (standin) => refresh(standin, "rt-x", { client_secret: "" }),
    status: 401,
    error: "invalid_client",
  },
  { title: "without a code", send: (standin) => exchange(standin, ""), error: "invalid_request" },
  { title: "with an unknown code", send: (standin) => exchange(standin, "ac-x", right), error: "invalid_grant" },
  {
    title: "with an expired code",
    send: (standin) => {
      const old = code(standin);
      standin.advance(601_000);
      return exchange(standin, old, right);
    },
    error: "invalid_grant",
  },
  {
    title: "with another client's code",
    send: (standin) => exchange(standin, code(standin), { ...right, ...other(standin) }),
    error: "invalid_grant",
    outcome: "foreign_code",
  },
  {
    title: "without the redirect_uri of the authorization request",
    send: (standin) => exchange(standin, code(standin), { code_verifier: verifier }),
    error: "invalid_grant",
    outcome: "redirect_uri_mismatch",
  },
  {
    title: "with another registered redirect_uri",
    send: (standin) => exchange(standin, code(standin), { ...right, redirect_uri: `${callback}/` }),
    error: "invalid_grant",
    outcome: "redirect_uri_mismatch",
  },
  {
    title: "with a redirect_uri that is not registered, where the authorization request named none",
    send: (standin) => exchange(standin, standin.code({ email: ada }), { redirect_uri: "https://evil.example/" }),
    error: "invalid_grant",
    outcome: "redirect_uri_mismatch",
  },
  {
    title: "with a code_verifier that is too short, however right its hash",
    send: (standin) =>
      exchange(standin, standin.code({ email: ada, codeChallenge: challengeOf("short") }), { code_verifier: "short" }),
    error: "invalid_grant",
    outcome: "verifier_mismatch",
  },
  {
    title: "without the code_verifier",
    send: (standin) => exchange(standin, code(standin), { redirect_uri: callback }),
    error: "invalid_grant",
    outcome: "verifier_mismatch",
  },
  {
    title: "with a wrong code_verifier",
    send: (standin) => exchange(standin, code(standin), { ...right, code_verifier: `${verifier}x` }),
    error: "invalid_grant",
    outcome: "verifier_mismatch",
  },
  {
    title: "with the challenge in place of the verifier",
    send: (standin) => exchange(standin, code(standin), { ...right, code_verifier: challengeOf(verifier) }),
    error: "invalid_grant",
    outcome: "verifier_mismatch",
  },
  {
    title: "with a code_verifier that no challenge came before",
    send: (standin) => exchange(standin, standin.code({ email: ada }), { code_verifier: verifier }),
    error: "invalid_grant",
    outcome: "verifier_mismatch",
  },
  {
    title: "after the person took the access back",
    send: (standin) => {
      const taken = code(standin);
      standin.revoke(ada);
      return exchange(standin, taken, right);
    },
    error: "invalid_grant",
  },
  { title: "without a refresh token", send: (standin) => refresh(standin, ""), error: "invalid_request" },
  { title: "with an unknown refresh token", send: (standin) => refresh(standin, "rt-x"), error: "invalid_grant" },
  {
    title: "with another client's refresh token",
    send: async (standin) => refresh(standin, (await granted(standin))["refresh_token"], other(standin)),
    error: "invalid_grant",
    outcome: "foreign_token",
  },
  {
    title: "with an access token as refresh token",
    send: async (standin) => refresh(standin, (await granted(standin))["access_token"]),
    error: "invalid_grant",
  },
  {
    title: "for more scopes than were granted",
    send: async (standin) => refresh(standin, (await granted(standin))["refresh_token"], { scope: "read write" }),
    error: "invalid_scope",
  },
  {
    title: "for a resource that was not granted",
    send: async (standin) =>
      refresh(standin, (await granted(standin))["refresh_token"], { resource: "https://api.example/" }),
    error: "invalid_target",
  },
  {
    title: "for a resource with a fragment",
    send: async (standin) =>
      refresh(standin, (await granted(standin))["refresh_token"], { resource: "https://api.example/#a" }),
    error: "invalid_target",
  },
];

describe("the token endpoint of the kind oauth2 refuses a request", () => {
  for (const { title, send, status = 400, error, outcome = error } of rows) {
    test(`the token endpoint of the kind oauth2 refuses a request ${title}`, async () => {
      await using standin = await provider();
      const answer = await send(standin);
      assert.deepEqual([answer.status, answer.body["error"], lastOutcome(standin)], [status, error, outcome]);
      assert.match(String(answer.body["error_description"]), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
      assert.match(answer.headers.get("cache-control") ?? "", /no-store/);
    });
  }

  test("the token endpoint of the kind oauth2 refuses a parameter that comes twice, and a body that is no form", async () => {
    await using standin = await provider();
    const twice = `client_id=${standin.clientId}&client_secret=${standin.clientSecret}&grant_type=refresh_token&scope=a&scope=b`;
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const repeated = await json(await fetch(`${standin.url}/token`, { method: "POST", headers: form, body: twice }));
    assert.deepEqual([repeated.status, repeated.body["error"]], [400, "invalid_request"]);
    const text = await json(await fetch(`${standin.url}/token`, { method: "POST", body: "{}" }));
    assert.deepEqual([text.status, text.body["error"]], [400, "invalid_request"]);
  });
});

describe("a code of the kind oauth2", () => {
  test("a code of the kind oauth2 brings tokens without an ID token, and userinfo in members of its own", async () => {
    await using standin = await provider();
    const { status, body, headers } = await exchange(standin, code(standin), right);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ["access_token", "token_type", "expires_in", "refresh_token", "scope"]);
    assert.deepEqual([body["token_type"], body["expires_in"], body["scope"]], ["Bearer", 3_600, "profile"]);
    assert.match(headers.get("cache-control") ?? "", /no-store/);
    const who = await user(standin, body["access_token"]);
    assert.deepEqual(who.body, { id: 583_231, login: "ada", name: "Ada Lovelace", email: ada });
  });

  test("a code of the kind oauth2 for two resources brings a token for those that the exchange names", async () => {
    await using standin = await provider();
    const resources = ["https://a.example/", "https://b.example/"];
    const audience = async (asked: readonly string[]): Promise<unknown> => {
      const form = new URLSearchParams({
        client_id: standin.clientId,
        client_secret: standin.clientSecret,
        grant_type: "authorization_code",
        code: standin.code({ email: ada, resource: resources }),
      });
      for (const resource of asked) form.append("resource", resource);
      const { body } = await json(await fetch(`${standin.url}/token`, { method: "POST", body: form }));
      return (await asClient(standin, "/introspect", { token: String(body["access_token"]) })).body["aud"];
    };
    assert.deepEqual(await audience([]), resources);
    assert.deepEqual(await audience(resources.slice(1)), ["https://b.example/"]);
    assert.deepEqual(await audience(resources), resources);
    assert.equal(await audience([...resources, "https://c.example/"]), undefined);
  });

  test("a code of the kind oauth2 that comes again ends what it brought, but not what another code brought", async () => {
    await using standin = await provider();
    const used = code(standin);
    const { body } = await exchange(standin, used, right);
    const next = (await refresh(standin, body["refresh_token"])).body;
    const sibling = await granted(standin);
    const again = await exchange(standin, used, right);
    assert.deepEqual([again.body["error"], lastOutcome(standin)], ["invalid_grant", "reused_code"]);
    assert.equal((await user(standin, body["access_token"])).status, 401);
    assert.equal((await user(standin, next["access_token"])).status, 401);
    assert.equal((await refresh(standin, next["refresh_token"])).body["error"], "invalid_grant");
    assert.equal((await user(standin, sibling["access_token"])).status, 200);
  });

  test("a code of the kind oauth2 that comes again ends an access token that came without a refresh token", async () => {
    await using standin = await provider({ refreshToken: "never" });
    const used = code(standin);
    const { body } = await exchange(standin, used, right);
    await exchange(standin, used, right);
    assert.equal((await user(standin, body["access_token"])).status, 401);
  });

  test("a code of the kind oauth2 that another client presents is not used up, and ends nothing", async () => {
    await using standin = await provider();
    const mine = code(standin);
    await exchange(standin, mine, { ...right, ...other(standin) });
    const { status, body } = await exchange(standin, mine, right);
    assert.equal(status, 200);
    await exchange(standin, mine, { ...right, ...other(standin) });
    assert.equal((await user(standin, body["access_token"])).status, 200);
  });

  test("a wrong redirect_uri uses a code up where burn_code_on_mismatch says so", async () => {
    for (const burnCodeOnMismatch of [false, true]) {
      await using standin = await provider({ burnCodeOnMismatch });
      const mine = code(standin);
      await exchange(standin, mine, { ...right, redirect_uri: "http://127.0.0.1:1/else" });
      assert.equal((await exchange(standin, mine, right)).status, burnCodeOnMismatch ? 400 : 200);
    }
  });
});

describe("a refresh of the kind oauth2", () => {
  test("a refresh of the kind oauth2 replaces the refresh token, and one that comes again ends its family", async () => {
    await using standin = await provider();
    const first = await granted(standin);
    const second = (await refresh(standin, first["refresh_token"])).body;
    assert.notEqual(second["refresh_token"], first["refresh_token"]);
    assert.equal((await user(standin, first["access_token"])).status, 200);
    const third = (await refresh(standin, second["refresh_token"])).body;
    const reused = await refresh(standin, first["refresh_token"]);
    assert.deepEqual([reused.body["error"], lastOutcome(standin)], ["invalid_grant", "reused_token"]);
    assert.equal((await refresh(standin, third["refresh_token"])).body["error"], "invalid_grant");
    assert.equal((await user(standin, third["access_token"])).status, 401);
  });

  test("a refresh of the kind oauth2 keeps the refresh token without rotation, and repeats its successor in the grace", async () => {
    await using standin = await provider({ rotation: "none" });
    const { refresh_token: kept } = await granted(standin);
    assert.equal("refresh_token" in (await refresh(standin, kept)).body, false);
    standin.settings({ rotation: "grace", graceSeconds: 30 });
    const { refresh_token: successor } = (await refresh(standin, kept)).body;
    standin.advance(29_000);
    assert.equal((await refresh(standin, kept)).body["refresh_token"], successor);
    standin.advance(2_000);
    assert.equal((await refresh(standin, kept)).body["error"], "invalid_grant");
  });

  test("a refresh of the kind oauth2 may ask for less, and the next one for all again", async () => {
    await using standin = await provider();
    const first = await granted(standin, "profile read write");
    const less = (await refresh(standin, first["refresh_token"], { scope: "read" })).body;
    assert.equal(less["scope"], "read");
    assert.equal((await refresh(standin, less["refresh_token"])).body["scope"], "profile read write");
  });

  test("refresh tokens of the kind oauth2 end by age or by disuse where settings say so", async () => {
    await using aged = await provider({ refreshTokenTtlSeconds: 100 });
    const first = await granted(aged);
    assert.equal(first["refresh_token_expires_in"], 100);
    aged.advance(60_000);
    const second = (await refresh(aged, first["refresh_token"])).body;
    assert.equal(second["refresh_token_expires_in"], 40);
    aged.advance(41_000);
    assert.equal((await refresh(aged, second["refresh_token"])).body["error"], "invalid_grant");

    await using idle = await provider({ refreshTokenIdleSeconds: 100 });
    let token = (await granted(idle))["refresh_token"];
    for (let use = 0; use < 3; use += 1) {
      idle.advance(60_000);
      const { status, body } = await refresh(idle, token);
      assert.equal(status, 200);
      token = body["refresh_token"];
    }
    idle.advance(101_000);
    assert.equal((await refresh(idle, token)).body["error"], "invalid_grant");
  });
});

describe("answers of the token endpoint in the words of settings", () => {
  test("settings decide how answers say the life of a token, and whether it ends", async () => {
    const an = 3_600;
    const cases = [
      { expiresIn: "life", said: an, after: 401 },
      { expiresIn: "string", said: String(an), after: 401 },
      { expiresIn: 60, said: 60, after: 401 },
      { expiresIn: "absent", said: undefined, after: 401 },
      { expiresIn: "none", said: undefined, after: 200 },
    ] as const;
    for (const { expiresIn, said, after } of cases) {
      await using standin = await provider({ expiresIn });
      const body = await granted(standin);
      assert.deepEqual([expiresIn, body["expires_in"]], [expiresIn, said]);
      standin.advance(3_500_000);
      assert.equal((await user(standin, body["access_token"])).status, 200);
      standin.advance(100_000);
      assert.deepEqual([expiresIn, (await user(standin, body["access_token"])).status], [expiresIn, after]);
    }
  });

  test("settings decide how answers write scopes", async () => {
    const cases = [
      ["string", "profile read"],
      ["comma", "profile,read"],
      ["array", ["profile", "read"]],
      ["absent", undefined],
    ] as const;
    for (const [scopeAs, said] of cases) {
      await using standin = await provider({ scopeAs });
      assert.deepEqual((await granted(standin))["scope"], said);
    }
  });

  test("settings decide when a refresh token comes", async () => {
    const came = async (standin: OAuth2Standin, scope: string): Promise<boolean> =>
      "refresh_token" in (await granted(standin, scope));
    const cases = [
      ["always", [true, true, true]],
      ["never", [false, false, false]],
      ["first", [true, false, false]],
      ["offline_access", [false, false, true]],
    ] as const;
    for (const [refreshToken, expected] of cases) {
      await using standin = await provider({ refreshToken });
      const seen = [await came(standin, "read"), await came(standin, "read"), await came(standin, "offline_access")];
      assert.deepEqual([refreshToken, ...seen], [refreshToken, ...expected]);
    }
  });

  test("settings decide whether tokens and refusals come as JSON or as a form", async () => {
    await using standin = await provider({ tokenAnswer: "form", identityInAnswer: true });
    const ask = async (accept: string, refreshToken: string): Promise<[string | null, string]> => {
      const { clientId, clientSecret } = standin;
      const form = { client_id: clientId, client_secret: clientSecret, grant_type: "refresh_token" };
      const body = new URLSearchParams({ ...form, refresh_token: refreshToken });
      const response = await fetch(`${standin.url}/token`, { method: "POST", headers: { accept }, body });
      return [response.headers.get("content-type"), await response.text()];
    };
    const formType = "application/x-www-form-urlencoded; charset=utf-8";
    const [type, text] = await ask("application/json", "rt-x");
    assert.deepEqual([type, new URLSearchParams(text).get("error")], [formType, "invalid_grant"]);
    standin.settings({ tokenAnswer: "accept", rotation: "none" });
    const { body } = await json(
      await fetch(`${standin.url}/token`, {
        method: "POST",
        headers: { accept: "application/json" },
        body: new URLSearchParams({
          client_id: standin.clientId,
          client_secret: standin.clientSecret,
          grant_type: "authorization_code",
          code: standin.code({ email: ada, scope: "read write" }),
        }),
      }),
    );
    assert.deepEqual(body["authed_user"], { id: "U583231" });
    const [other, answer] = await ask("*/*", String(body["refresh_token"]));
    const form = new URLSearchParams(answer);
    assert.deepEqual(
      [other, form.get("scope"), form.get("expires_in"), form.get("authed_user[id]")],
      [formType, "read write", "3600", "U583231"],
    );
  });

  test("settings give refusals the status and the words of a provider, but never to invalid_client", async () => {
    await using standin = await provider({
      refusalStatus: 200,
      refusalWords: { invalid_grant: "bad_refresh_token" },
    });
    const refused = await refresh(standin, "rt-x");
    assert.deepEqual([refused.status, refused.body["error"]], [200, "bad_refresh_token"]);
    assert.equal(lastOutcome(standin), "invalid_grant");
    const stranger = await refresh(standin, "rt-x", { client_secret: "wrong" });
    assert.deepEqual([stranger.status, stranger.body["error"]], [401, "invalid_client"]);
  });
});
