import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { testStandin } from "../../support/test-standin.ts";
import { alive, appData, control, exchange, grant, json, refresh, stillClock, token } from "../talk.ts";

describe("the control routes", () => {
  test("the control routes hand out a code as a phone would get it", async () => {
    await using standin = await testStandin();
    const { status, body } = await control(standin, "code", {
      kind: "native",
      email: "new.person@example.com",
      client_id: standin.clientId,
      scope: `openid email profile ${appData}`,
      granted_scopes: "openid",
      state: "s",
    });
    assert.equal(status, 200);
    assert.deepEqual([body["state"], body["email"]], ["s", "new.person@example.com"]);
    const exchanged = await exchange(standin, String(body["code"]));
    assert.equal(exchanged.body["scope"], body["scope"]);
    assert.equal(String(body["scope"]).includes(appData), false, "unticked");
    assert.match(String(body["scope"]), /userinfo\.profile/, "sign-in scopes have no tick box");
  });

  test("the control routes move the clock, their own or the one they were given", async () => {
    const clock = stillClock(Date.UTC(2026, 0, 1));
    await using shared = await testStandin({ clock });
    const moved = await control(shared, "clock", { advance_seconds: 3_700 });
    assert.equal(moved.body["now"], "2026-01-01T01:01:40.000Z");
    assert.equal(clock.now(), Date.UTC(2026, 0, 1, 1, 1, 40), "the service beside it sees the same time");

    await using own = await testStandin({ clock: { now: () => 1_000 } });
    const { accessToken } = await grant(own);
    own.advance(3_599_000);
    assert.equal(own.now(), 3_600_000);
    assert.equal(await alive(own, accessToken), 401);
  });

  test("the control routes remove the app for a person", async () => {
    await using standin = await testStandin();
    const { refreshToken } = await grant(standin);
    assert.deepEqual((await control(standin, "revoke", { email: "ada@example.com" })).body, { revoked: 1 });
    assert.equal((await refresh(standin, refreshToken)).body["error"], "invalid_grant");
  });

  test("the control routes register clients and people, and change them", async () => {
    await using standin = await testStandin();
    const made = await control(standin, "clients", { name: "Other", redirect_uris: ["https://app.example/cb"] });
    assert.match(String(made.body["client_secret"]), /^GOCSPX-/);
    const changed = await control(standin, "clients", { client_id: made.body["client_id"], state: "disabled" });
    assert.deepEqual(
      [changed.body["client_secret"], changed.body["redirect_uris"], changed.body["state"]],
      [made.body["client_secret"], ["https://app.example/cb"], "disabled"],
    );
    await control(standin, "people", { email: "ada@example.com", name: "Augusta Ada King", email_verified: false });
    const { body } = await exchange(standin, standin.code({ email: "ada@example.com" }));
    const claims = JSON.parse(
      Buffer.from(String(body["id_token"]).split(".")[1] ?? "", "base64url").toString(),
    ) as unknown;
    assert.deepEqual(
      [(claims as Record<string, unknown>)["name"], (claims as Record<string, unknown>)["email_verified"]],
      ["Augusta Ada King", false],
    );
  });

  test("the control routes hand out client files of both kinds, and none with a secret that does not exist", async () => {
    await using standin = await testStandin();
    const fileOf = async (clientId: string): Promise<Record<string, Record<string, unknown>>> => {
      const query = new URLSearchParams({ client_id: clientId });
      const response = await fetch(`${standin.url}/standin/client_secret.json?${query.toString()}`);
      return (await response.json()) as Record<string, Record<string, unknown>>;
    };
    const { web } = await fileOf(standin.clientId);
    assert.deepEqual([web?.["client_secret"], web?.["token_uri"]], [standin.clientSecret, `${standin.url}/token`]);
    const { clients } = (await json(await fetch(`${standin.url}/standin/clients`))).body;
    const kinds = (clients as Record<string, string>[]).map(({ kind = "", client_id: id = "" }) => [kind, id] as const);
    for (const [kind, id] of kinds.filter(([kind]) => kind !== "web")) {
      const { installed } = await fileOf(id);
      assert.equal(typeof installed?.["client_secret"], kind === "installed" ? "string" : "undefined", kind);
    }
    assert.equal((await fetch(`${standin.url}/standin/client_secret.json?client_id=x`)).status, 400);
  });

  const wrong: [path: string, body: unknown, message: RegExp][] = [
    ["code", {}, /email must be an e-mail address/],
    ["code", { email: "ada" }, /email must be an e-mail address/],
    ["code", { email: "a@b.c", kind: "carrier-pigeon" }, /kind must be one of "native", "popup", "redirect"/],
    ["code", { email: "a@b.c", client_id: "nobody" }, /there is no client with the id "nobody"/],
    ["code", { email: "a@b.c", scope: "everything" }, /no scope everything/],
    ["code", { email: "a@b.c", kind: "redirect" }, /needs the redirect URI/],
    ["code", { email: "a@b.c", clientId: "x" }, /unknown member "clientId": the members are kind, email, client_id/],
    ["clock", {}, /advance_seconds is required/],
    ["clock", { advance_seconds: -1 }, /advance_seconds must be a number from 0/],
    ["code", { email: null }, /email must be an e-mail address/],
    ["code", { scope: "openid" }, /email is required/],
    ["code", { email: "a@b.c", kind: "redirect" }, /redirect_uri is required/],
    ["code", { email: "a@b.c", force: "yes" }, /force must be true or false/],
    ["clock", { advance_seconds: "1" }, /advance_seconds must be a number/],
    ["clock", { advance_seconds: null }, /advance_seconds must be a number/],
    ["clock", { advance: 1 }, /unknown member "advance": the members are advance_seconds/],
    ["clock?advance_seconds=5", {}, /unknown query parameter "advance_seconds"/],
    ["settings?rotation=strict", {}, /unknown query parameter "rotation"/],
    ["settings", { rotation: "sometimes" }, /rotation must be one of "none", "grace", "strict"/],
    ["settings", { access_token_ttl_seconds: 0 }, /access_token_ttl_seconds must be a number from 1/],
    ["settings", [], /must be an object/],
    ["faults", { path: "/token", times: 0 }, /times must be/],
    ["settings", { refusal: "no" }, /refusal must be one of/],
    ["settings", { rotations: "none" }, /unknown member "rotations"/],
    ["faults", { path: "token" }, /path must be a path such as "\/token"/],
    ["faults", { path: "/token?x=1" }, /path must be a path/],
    ["faults", { method: "PSOT" }, /method must be one of GET, POST/],
    ["faults", { status: "503" }, /status must be a number/],
    ["faults", { status: 503.5 }, /status must be a whole number/],
    ["faults", { times: 1.5 }, /times must be/],
    ["faults", { headers: ["a"] }, /headers must be an object/],
    ["faults", { stauts: 503 }, /unknown member "stauts"/],
    ["revoke", {}, /email is required/],
    ["revoke", { email: 1 }, /email must be a string/],
    ["revoke", { mail: "ada@example.com" }, /unknown member "mail"/],
    ["password", {}, /email is required/],
    ["risc", {}, /type is required: type must be one of/],
    ["risc", { type: "sessions-revoked" }, /email is required: .*sessions-revoked/],
    ["risc", { type: "token-revoked" }, /email is required, or refresh_token/],
    ["risc", { type: "account-disabled", email: 5 }, /email must be a string/],
    ["risc", { type: "account-disabled", mail: "ada@example.com" }, /unknown member "mail"/],
    ["people", {}, /email is required/],
    ["revoke", { email: "nobody@example.com" }, /there is no person with the address/],
    ["risc", { email: "ada@example.com" }, /type must be one of/],
    ["risc", { type: "session-revoked", email: "ada@example.com" }, /type must be one of .*, or the URI/],
    ["risc", { type: "verification", flaw: "bad" }, /flaw must be one of "forged", "unknown_key"/],
    ["risc", { type: "verification", iat: "now" }, /iat must be a number from 0/],
    ["risc", { type: "token-revoked", email: "nobody@example.com" }, /there is no person with the address/],
    ["people", { name: "Nobody" }, /email must be an e-mail address/],
    ["clients", { redirect_uris: "x" }, /redirect_uris must be a list/],
    ["keys", { action: "burn" }, /action must be one of "rotate"/],
  ];
  for (const [path, body, message] of wrong) {
    test(`the control routes say what is wrong with ${path} ${JSON.stringify(body)}`, async () => {
      await using standin = await testStandin();
      const answer = await control(standin, path, body);
      assert.deepEqual([answer.status, answer.body["error"]], [400, "invalid_request"]);
      assert.match(String(answer.body["error_description"]), message);
    });
  }

  test("the control routes refuse what is no JSON, a form, and a strange method", async () => {
    await using standin = await testStandin();
    const send = (init: RequestInit): Promise<Response> =>
      fetch(`${standin.url}/standin/code`, { method: "POST", ...init });
    assert.equal((await send({ body: "{" })).status, 400);
    assert.equal((await send({ body: new URLSearchParams({ email: "ada@example.com" }) })).status, 400);
    assert.equal((await fetch(`${standin.url}/standin/code`)).status, 405);
  });

  for (const [path, message] of [
    ["log?since=x", /since must be the number of a log entry/],
    ["log?since=", /since must be/],
    ["log?since=-1", /since must be/],
    ["log?since=1e3", /since must be/],
    ["log?sicne=3", /unknown query parameter "sicne": there is since/],
    ["log?since=1&since=2", /since must be given once/],
    ["client_secret.json?id=x", /unknown query parameter "id": there is client_id/],
    ["settings?all=1", /unknown query parameter "all": there are none/],
  ] as const) {
    test(`the control routes say what is wrong with GET ${path}`, async () => {
      await using standin = await testStandin();
      const { status, body } = await json(await fetch(`${standin.url}/standin/${path}`));
      assert.deepEqual([status, body["error"]], [400, "invalid_request"]);
      assert.match(String(body["error_description"]), message);
    });
  }

  test("the JavaScript interface names the same slips", async () => {
    await using standin = await testStandin();
    const standinOf = standin as unknown as Record<string, (...given: unknown[]) => unknown>;
    const slips: [call: string, given: unknown[], message: RegExp][] = [
      ["code", [{}], /email is required/],
      ["code", [{ email: "a@b.c", kind: "redirect" }], /redirectUri is required/],
      ["risc", [{ type: "sessions-revoked" }], /email is required/],
      ["risc", [{ type: "token-revoked" }], /email is required, or refreshToken/],
      ["revoke", [], /email is required/],
      ["changePassword", [undefined], /email is required/],
      ["advance", ["1"], /the time to advance by/],
      ["fault", ["POST", undefined, {}], /path is required/],
      ["fault", ["PSOT", "/token", {}], /method must be one of/],
      ["fault", ["POST", "token", {}], /path must be a path/],
      ["log", ["1"], /since must be a number/],
    ];
    for (const [call, given, message] of slips) {
      assert.throws(() => standinOf[call]?.(...given), { name: "BadInput", message }, call);
    }
  });

  test("the control routes serve pages of this machine, and no web site that somebody happens to visit", async () => {
    await using standin = await testStandin();
    const from = (origin: string, method = "GET"): Promise<Response> =>
      fetch(`${standin.url}/standin/settings`, { method, headers: { origin } });
    assert.equal((await from("https://evil.example")).status, 403);
    assert.equal((await from("http://127.0.0.1.evil.example")).status, 403);
    const near = await from("http://localhost:8787");
    assert.deepEqual([near.status, near.headers.get("access-control-allow-origin")], [200, "http://localhost:8787"]);
    const asked = await from("http://localhost:8787", "OPTIONS");
    assert.deepEqual([asked.status, asked.headers.get("access-control-allow-headers")], [204, "content-type"]);
  });
});

describe("starting", () => {
  test("starting a stand-in takes every setting as an option, and no misspelt one", async () => {
    await using standin = await testStandin({ rotation: "grace", graceSeconds: 5 });
    assert.deepEqual([standin.settings().rotation, standin.settings().graceSeconds], ["grace", 5]);
    const misspelt = { rotations: "grace", graceSeconds: 5 };
    await assert.rejects(testStandin(misspelt), /unknown member "rotations"/);
    await assert.rejects(testStandin({ accessTokenTtlSeconds: -1 }), /accessTokenTtlSeconds must be/);
  });

  test("starting a stand-in takes a port, and says so when that is not free", async () => {
    await using standin = await testStandin();
    const port = Number(new URL(standin.url).port);
    await assert.rejects(testStandin({ port }), { code: "EADDRINUSE" });
  });
});

describe("the log", () => {
  test("the stand-in's log has every request, in order, with secrets shortened, and counts outcomes", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken, accessToken } = await grant(standin);
    await refresh(standin, refreshToken);
    await alive(standin, accessToken);
    await fetch(`${standin.url}/revoke?token=${encodeURIComponent(accessToken)}`, { method: "POST" });
    await refresh(standin, refreshToken);
    const { body } = await json(await fetch(`${standin.url}/standin/log`));
    const entries = body["entries"] as Record<string, unknown>[];
    assert.deepEqual(
      entries.map(({ seq, outcome, status }) => [seq, outcome, status]),
      [
        [1, "exchanged", 200],
        [2, "refreshed", 200],
        [3, "served", 200],
        [4, "revoked", 200],
        [5, "invalid_grant", 400],
      ],
    );
    assert.deepEqual(body["counts"], { exchanged: 1, refreshed: 1, served: 1, revoked: 1, invalid_grant: 1 });
    assert.deepEqual(entries[1], {
      seq: 2,
      at: "2026-11-22T00:00:00.000Z",
      method: "POST",
      path: "/token",
      parameters: {
        grant_type: "refresh_token",
        refresh_token: `${refreshToken.slice(0, 6)}…`,
        client_id: standin.clientId,
        client_secret: "GOCSPX…",
      },
      refresh_token_fingerprint: createHash("sha256").update(refreshToken).digest("hex").slice(0, 16),
      status: 200,
      outcome: "refreshed",
      grant: "ada@example.com",
      client_id: standin.clientId,
      family: 1,
      generation: 0,
    });
    const all = JSON.stringify(body);
    for (const secret of [refreshToken, accessToken, standin.clientSecret]) assert.equal(all.includes(secret), false);
    const since = (await json(await fetch(`${standin.url}/standin/log?since=4`))).body["entries"] as unknown[];
    assert.equal(since.length, 1);
    assert.deepEqual(standin.log(5).entries, []);
  });

  test("the stand-in's log tells which token of which family was presented, so that a used one can be found", async () => {
    await using standin = await testStandin({ rotation: "strict" });
    const { refreshToken } = await grant(standin);
    const second = (await refresh(standin, refreshToken)).body["refresh_token"];
    await refresh(standin, second);
    await refresh(standin, refreshToken);
    const [exchanged, first, next, reused] = standin.log().entries;
    assert.equal(first?.refresh_token_fingerprint, exchanged?.issued_fingerprint);
    assert.equal(next?.refresh_token_fingerprint, first?.issued_fingerprint);
    assert.deepEqual([first?.generation, next?.generation, reused?.generation], [0, 1, 0]);
    assert.equal(reused?.refresh_token_fingerprint, first?.refresh_token_fingerprint);
  });

  test("the stand-in's log keeps secrets out wherever they are sent", async () => {
    await using standin = await testStandin();
    const { accessToken, refreshToken } = await grant(standin);
    const code = standin.code({ email: "ada@example.com" });
    await fetch(`${standin.url}/tokeninfo?access_token=${accessToken}&odd=${encodeURIComponent(refreshToken)}`);
    await token(standin, { grant_type: "authorization_code", code, code_verifier: "v".repeat(43), odd: accessToken });
    const basic = Buffer.from(`${standin.clientId}:${standin.clientSecret}`).toString("base64");
    await fetch(`${standin.url}/token`, { method: "POST", headers: { authorization: `Basic ${basic}` } });
    const all = JSON.stringify(standin.log());
    for (const secret of [accessToken, refreshToken, code, "v".repeat(43), basic])
      assert.equal(all.includes(secret), false);
  });
});

describe("security events", () => {
  test("security events are signed with the published keys, name the person, and have no exp", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const sub = standin.person({ email: "ada@example.com" }).sub;
    const { status, body } = await control(standin, "risc", {
      email: "ada@example.com",
      type: "account-disabled",
      reason: "hijacking",
    });
    assert.equal(status, 200);
    const keys = (await json(await fetch(`${standin.url}/oauth2/v3/certs`))).body as unknown as JSONWebKeySet;
    const { payload } = await jwtVerify(String(body["set"]), createLocalJWKSet(keys), {
      issuer: "https://accounts.google.com/",
      audience: standin.clientId,
    });
    assert.equal(payload.exp, undefined);
    assert.equal(typeof payload.jti, "string");
    assert.deepEqual(payload["events"], {
      "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {
        subject: { subject_type: "iss-sub", iss: "https://accounts.google.com/", sub },
        reason: "hijacking",
      },
    });
    const configuration = (await json(await fetch(`${standin.url}/.well-known/risc-configuration`))).body;
    assert.equal(configuration["jwks_uri"], `${standin.url}/oauth2/v3/certs`);
    assert.equal(configuration["issuer"], payload.iss);
  });

  test("security events name a refresh token by its first characters, or by the hash of its hash", async () => {
    await using standin = await testStandin();
    const { refreshToken } = await grant(standin);
    const subjectOf = (set: string): Record<string, unknown> => {
      const claims = JSON.parse(Buffer.from(set.split(".")[1] ?? "", "base64url").toString()) as {
        events: Record<string, { subject: Record<string, unknown> }>;
      };
      return claims.events["https://schemas.openid.net/secevent/oauth/event-type/token-revoked"]?.subject ?? {};
    };
    const sha512 = (value: string | Buffer): Buffer => createHash("sha512").update(value).digest();
    assert.deepEqual(subjectOf(standin.risc({ type: "token-revoked", refreshToken })), {
      subject_type: "oauth_token",
      token_type: "refresh_token",
      token_identifier_alg: "hash_base64_sha512_sha512",
      token: sha512(sha512(refreshToken)).toString("base64"),
    });
    assert.equal(
      subjectOf(standin.risc({ type: "token-revoked", refreshToken, identifier: "prefix" }))["token"],
      refreshToken.slice(0, 16),
    );
  });

  test("security events can be about nobody: a verification carries its state", async () => {
    await using standin = await testStandin();
    const set = standin.risc({
      type: "verification",
      state: "hello",
      aud: ["a", "b"],
      iss: "https://x.example",
      jti: "1",
    });
    const claims = JSON.parse(Buffer.from(set.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
    assert.deepEqual([claims["aud"], claims["iss"], claims["jti"]], [["a", "b"], "https://x.example", "1"]);
    assert.deepEqual(claims["events"], {
      "https://schemas.openid.net/secevent/risc/event-type/verification": { state: "hello" },
    });
  });
});
