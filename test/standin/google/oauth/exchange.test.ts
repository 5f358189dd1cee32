import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { type CodeSpec } from "../../../../src/standin/index.ts";
import { testStandin } from "../../../support/test-standin.ts";
import { alive, appData, exchange, json, post, stillClock, token } from "../../talk.ts";

/** Without sign-in scopes the stand-in signs no ID token, which these tests do not need. */
const person = { email: "ada@example.com", scope: appData };

describe("redirect_uri at the exchange", () => {
  const callback = "http://127.0.0.1:8787/callback";
  const origin = "http://localhost:8787";
  const table: [kind: string, spec: Partial<CodeSpec>, redirectUri: string | undefined, accepted: boolean][] = [
    ["native", {}, "", true],
    ["native", {}, callback, true],
    ["native", {}, undefined, true],
    ["native", {}, "postmessage", false],
    ["native", {}, "https://example.com/callback", false],
    ["native", {}, `${callback}#part`, false],
    ["native", {}, " ", false],
    ["native without a page", { origin }, origin, true],
    ["popup", { kind: "popup" }, "postmessage", true],
    ["popup", { kind: "popup" }, origin, true],
    ["popup of a known page", { kind: "popup", origin }, origin, true],
    ["popup of a known page", { kind: "popup", origin }, "http://localhost:8788", false],
    ["popup", { kind: "popup" }, `${origin}/path`, false],
    ["popup", { kind: "popup" }, "", false],
    ["popup", { kind: "popup" }, undefined, false],
    ["redirect", { kind: "redirect", redirectUri: callback }, callback, true],
    ["redirect", { kind: "redirect", redirectUri: callback }, `${callback}/`, false],
    ["redirect", { kind: "redirect", redirectUri: callback }, "http://127.0.0.1:8788/callback", false],
    ["redirect", { kind: "redirect", redirectUri: callback }, "postmessage", false],
    ["redirect", { kind: "redirect", redirectUri: callback }, "", false],
    ["redirect", { kind: "redirect", redirectUri: callback }, undefined, false],
  ];
  for (const [kind, spec, redirectUri, accepted] of table) {
    test(`redirect_uri at the exchange: ${kind}: ${JSON.stringify(redirectUri)} is ${accepted ? "accepted" : "refused"}`, async () => {
      await using standin = await testStandin({ clock: stillClock() });
      const code = standin.code({ ...person, ...spec });
      const sent = redirectUri === undefined ? {} : { redirect_uri: redirectUri };
      const answer = await token(standin, { grant_type: "authorization_code", code, ...sent });
      assert.equal(answer.status, accepted ? 200 : 400);
      assert.equal(answer.body["error"], accepted ? undefined : "redirect_uri_mismatch");
    });
  }

  test("a redirect_uri that does not match leaves the code usable, unless the setting says to burn it", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const kept = standin.code({ ...person });
    await exchange(standin, kept, { redirect_uri: "postmessage" });
    assert.equal((await exchange(standin, kept)).status, 200);
    standin.settings({ burnCodeOnMismatch: true });
    const burnt = standin.code({ ...person });
    await exchange(standin, burnt, { redirect_uri: "postmessage" });
    assert.equal((await exchange(standin, burnt)).body["error"], "invalid_grant");
  });
});

describe("codes", () => {
  test("the stand-in's codes work once", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const code = standin.code({ ...person });
    const first = await exchange(standin, code);
    assert.equal(first.status, 200);
    const second = await exchange(standin, code);
    assert.deepEqual([second.status, second.body], [400, { error: "invalid_grant", error_description: "Bad Request" }]);
    assert.equal(
      await alive(standin, first.body["access_token"]),
      200,
      "what the first use brought stays, as Google leaves it",
    );
  });

  test("the stand-in's codes end what they brought when used twice, if the setting says so", async () => {
    await using standin = await testStandin({ clock: stillClock(), revokeOnCodeReuse: true });
    const code = standin.code({ ...person });
    const { body } = await exchange(standin, code);
    await exchange(standin, code);
    assert.equal(await alive(standin, body["access_token"]), 401);
  });

  test("the stand-in's codes live for ten minutes of the stand-in's clock", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const [inTime, late] = [standin.code({ ...person }), standin.code({ ...person })];
    standin.advance(599_000);
    assert.equal((await exchange(standin, inTime)).status, 200);
    standin.advance(1_001);
    assert.equal((await exchange(standin, late)).body["error_description"], "Bad Request");
  });

  test("the stand-in's codes contain a slash, so that encoding matters: one that is still percent-encoded is malformed", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const code = standin.code({ ...person });
    assert.match(code, /^4\/0A[\w-]+$/);
    for (const odd of [
      encodeURIComponent(code),
      encodeURIComponent(encodeURIComponent(code)),
      `${code} `,
      "x",
      code.slice(2),
    ]) {
      const { status, body } = await exchange(standin, odd);
      assert.deepEqual(
        [status, body],
        [400, { error: "invalid_grant", error_description: "Malformed auth code." }],
        odd,
      );
    }
    assert.equal((await exchange(standin, code)).status, 200, "none of these spent it");
  });

  test("the stand-in's codes belong to one client: another one's is unauthorized_client", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const other = standin.client({ name: "Other" });
    const code = standin.code({ ...person });
    const credentials = { client_id: other.clientId, client_secret: other.clientSecret ?? "" };
    const { status, body } = await exchange(standin, code, credentials);
    assert.deepEqual([status, body["error"]], [401, "unauthorized_client"]);
    assert.equal((await exchange(standin, code)).status, 200);
  });

  test("the stand-in's codes die with the authorization they stand for", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const code = standin.code({ ...person });
    standin.revoke(person.email);
    assert.equal((await exchange(standin, code)).body["error"], "invalid_grant");
  });
});

describe("the refresh token of an exchange", () => {
  test("the refresh token of an exchange comes the first time, and later only when consent is forced", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const brings = async (spec: Partial<CodeSpec>): Promise<boolean> =>
      "refresh_token" in (await exchange(standin, standin.code({ ...person, ...spec }))).body;
    assert.equal(await brings({}), true);
    assert.equal(await brings({}), false);
    assert.equal(await brings({ force: true }), true);
    assert.equal(await brings({ prompt: "consent" }), true);
    assert.equal(await brings({ accessType: "online" }), false);
    standin.revoke(person.email);
    assert.equal(await brings({}), true, "after the person removed the app, consent is new");
  });

  test("the refresh token of an exchange does not come online, not even the first time", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { body } = await exchange(standin, standin.code({ ...person, accessType: "online" }));
    assert.equal(body["refresh_token"], undefined);
  });

  test("the refresh token of an exchange has a term when access is time-based", async () => {
    await using standin = await testStandin({ clock: stillClock(), refreshTokenTtlSeconds: 7_200 });
    const { body } = await exchange(standin, standin.code({ ...person }));
    assert.equal(body["refresh_token_expires_in"], 7_200);
  });
});

describe("PKCE", () => {
  const verifier = "a".repeat(43);
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const table: [
    name: string,
    spec: Partial<CodeSpec>,
    sent: Record<string, string>,
    description: string | undefined,
  ][] = [
    ["S256", { codeChallenge: challenge, codeChallengeMethod: "S256" }, { code_verifier: verifier }, undefined],
    ["plain", { codeChallenge: verifier }, { code_verifier: verifier }, undefined],
    ["no verifier", { codeChallenge: challenge, codeChallengeMethod: "S256" }, {}, "Missing code verifier."],
    [
      "wrong",
      { codeChallenge: challenge, codeChallengeMethod: "S256" },
      { code_verifier: "b" },
      "Invalid code verifier.",
    ],
    ["plain is not S256", { codeChallenge: challenge }, { code_verifier: verifier }, "Invalid code verifier."],
    ["needless", {}, { code_verifier: verifier }, "code_verifier or verifier is not needed."],
  ];
  for (const [name, spec, sent, description] of table) {
    test(`PKCE at the stand-in: ${name}: ${description ?? "accepted"}`, async () => {
      await using standin = await testStandin({ clock: stillClock() });
      const { body } = await exchange(standin, standin.code({ ...person, ...spec }), sent);
      assert.equal(body["error_description"], description);
    });
  }
});

describe("client authentication and the shape of a request", () => {
  const table: [name: string, parameters: Record<string, string>, status: number, error: string][] = [
    ["no grant_type", {}, 400, "invalid_request"],
    ["unknown grant_type", { grant_type: "password" }, 400, "unsupported_grant_type"],
    ["no code", { grant_type: "authorization_code" }, 400, "invalid_request"],
    ["no refresh token", { grant_type: "refresh_token" }, 400, "invalid_request"],
    ["unknown client", { grant_type: "refresh_token", client_id: "nobody" }, 401, "invalid_client"],
    ["wrong secret", { grant_type: "refresh_token", client_secret: "GOCSPX-wrong" }, 401, "invalid_client"],
    ["empty secret", { grant_type: "refresh_token", client_secret: "" }, 400, "invalid_request"],
    ["empty client id", { grant_type: "refresh_token", client_id: "" }, 400, "invalid_request"],
    ["not a refresh token", { grant_type: "refresh_token", refresh_token: "1//0nothing" }, 400, "invalid_grant"],
  ];
  for (const [name, parameters, status, error] of table) {
    test(`the token endpoint: ${name}: ${String(status)} ${error}`, async () => {
      await using standin = await testStandin({ clock: stillClock() });
      const answer = await token(standin, parameters);
      assert.deepEqual([answer.status, answer.body["error"]], [status, error]);
      assert.match(answer.headers.get("cache-control") ?? "", /no-store/);
    });
  }

  test("the token endpoint takes Basic, with both halves form-encoded", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const odd = standin.client({ clientId: "555-odd:client", clientSecret: "s&cret +%" });
    const code = standin.code({ ...person, clientId: odd.clientId });
    const basic = [odd.clientId, odd.clientSecret ?? ""].map((part) =>
      new URLSearchParams({ p: part }).toString().slice(2),
    );
    const response = await fetch(`${standin.url}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(basic.join(":")).toString("base64")}` },
      body: new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: "" }),
    });
    assert.equal(response.status, 200);
  });

  test("the token endpoint: answers a wrong Basic with a challenge, and two ways at once with invalid_request", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const send = async (basic: string, more: Record<string, string> = {}): Promise<Response> =>
      fetch(`${standin.url}/token`, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(basic).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "1//0x", ...more }),
      });
    const wrong = await send(`${standin.clientId}:wrong`);
    assert.equal(wrong.status, 401);
    assert.match(wrong.headers.get("www-authenticate") ?? "", /^Basic /);
    const both = await json(await send(`${standin.clientId}:${standin.clientSecret}`, { client_secret: "x" }));
    assert.equal(both.body["error"], "invalid_request");
  });

  test("the token endpoint refuses a repeated parameter and a body that is not a form", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const right = { client_id: standin.clientId, client_secret: standin.clientSecret, redirect_uri: "" };
    const form = new URLSearchParams({ ...right, grant_type: "authorization_code", code: standin.code(person) });
    form.append("redirect_uri", "");
    const repeated = await json(await fetch(`${standin.url}/token`, { method: "POST", body: form }));
    assert.deepEqual(
      [repeated.status, repeated.body["error_description"]],
      [400, "Parameter specified more than once: redirect_uri"],
    );
    const body = JSON.stringify({ grant_type: "refresh_token" });
    const asJson = await fetch(`${standin.url}/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    assert.equal((await json(asJson)).body["error"], "invalid_request");
  });

  test("the token endpoint says when the client was deleted or disabled, and when a phone's client is used with a secret", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    standin.client({ clientId: standin.clientId, state: "disabled" });
    assert.equal((await token(standin, { grant_type: "refresh_token" })).body["error"], "disabled_client");
    standin.client({ clientId: standin.clientId, state: "deleted" });
    assert.equal((await token(standin, { grant_type: "refresh_token" })).body["error"], "deleted_client");
    const phone = standin.client({ kind: "android" });
    assert.equal(phone.clientSecret, null);
    const misused = { client_id: phone.clientId, client_secret: "GOCSPX-x", grant_type: "refresh_token" };
    assert.equal((await post(standin, "/token", misused)).body["error"], "invalid_client");
  });

  test("the token endpoint: answers on Google's older paths too, and says which methods it takes", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    for (const path of ["/oauth2/v4/token", "/o/oauth2/token"]) {
      assert.equal((await post(standin, path, {})).body["error"], "invalid_request");
    }
    const wrong = await fetch(`${standin.url}/token`);
    assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
  });
});
