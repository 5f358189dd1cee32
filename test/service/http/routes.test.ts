import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { describe, test } from "node:test";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";
import { appData, outcomes } from "../../support/test-vault.ts";

type Body = Record<string, unknown>;

const profileClaims = ["sub", "email", "email_verified", "name", "picture", "locale", "family_name", "given_name"];
const posted = { "x-requested-with": "XMLHttpRequest" };

describe("POST /authcode", () => {
  test("POST /authcode without X-Requested-With is refused before the code is spent; with it, the same code works", async (t) => {
    const { fixture, url } = await testService(t);
    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com") });
    await assertProblem(await fetch(`${url}/authcode`, { method: "POST", body }), "csrf_rejected");
    assert.equal(fixture.newRequests().length, 0);

    const response = await fetch(`${url}/authcode`, { method: "POST", body, headers: posted });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const answer = (await response.json()) as Body;
    for (const claim of profileClaims) assert.ok(answer[claim] !== undefined, claim);
    assert.equal(answer["email"], "ada@example.com");
    assert.equal(answer["offline"], true);
    assert.match(String(answer["grant_id"]), /^g_/);
    assert.ok(String(answer["scope"]).split(" ").includes(appData));
    assert.doesNotMatch(JSON.stringify(answer), /ya29\.|1\/\/|refresh_token|access_token|id_token/);
  });

  for (const [kind, body, type] of [
    [
      "a form",
      (code: string) => new URLSearchParams({ authCode: code }).toString(),
      "application/x-www-form-urlencoded",
    ],
    [
      "a form with the other name",
      (code: string) => `code=${encodeURIComponent(code)}`,
      "application/x-www-form-urlencoded",
    ],
    ["JSON", (code: string) => JSON.stringify({ authCode: code, source: "ios" }), "application/json; charset=UTF-8"],
    ["JSON with a null", (code: string) => JSON.stringify({ code, nonce: null }), "application/json"],
    [
      "a form, encoded twice",
      (code: string) => `authCode=${encodeURIComponent(encodeURIComponent(code))}`,
      "application/x-www-form-urlencoded",
    ],
  ] as const) {
    test(`POST /authcode takes ${kind}`, async (t) => {
      const { fixture, url } = await testService(t);
      const response = await fetch(`${url}/authcode`, {
        method: "POST",
        headers: { ...posted, "content-type": type },
        body: body(fixture.code("ada@example.com")),
      });
      assert.equal(response.status, 200, await response.clone().text());
    });
  }

  test("POST /authcode says what was not granted, and why there is no offline access, and what to do", async (t) => {
    const { fixture, url } = await testService(t);
    const code = fixture.standin.code({ email: "ada@example.com", scope: "openid email", accessType: "online" });
    const body = new URLSearchParams({ authCode: code, scope: `openid email ${appData}` });
    const response = await fetch(`${url}/authcode`, { method: "POST", body, headers: posted });
    const answer = (await response.json()) as Body;
    assert.deepEqual(answer["missing_scopes"], [appData]);
    assert.equal(answer["offline"], false);
    assert.match(String(answer["offline_reason"]), /no refresh token/);
    assert.match(String(answer["hint"]), /access_type=offline/);
  });

  test("POST /authcode asserts who signed in, for the app's backend to verify with the published keys", async (t) => {
    const { fixture, url } = await testService(t);
    const code = fixture.standin.code({ email: "ada@example.com", nonce: "n-1" });
    const body = new URLSearchParams({ authCode: code, nonce: "n-1" });
    const answer = (await (await fetch(`${url}/authcode`, { method: "POST", body, headers: posted })).json()) as Body;
    const [header = "", payload = "", signature = ""] = String(answer["sign_in_assertion"]).split(".");
    const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as {
      keys: Record<string, string>[];
    };
    const { alg, kid } = JSON.parse(Buffer.from(header, "base64url").toString()) as { alg: string; kid: string };
    assert.equal(alg, "ES256");
    const jwk = keys.find((key) => key["kid"] === kid);
    assert.ok(jwk !== undefined);
    assert.equal(jwk["d"], undefined, "the public half alone");
    const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" as const };
    assert.ok(verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url")));
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Body;
    assert.equal(claims["sub"], answer["sub"]);
    assert.equal(claims["grant_id"], answer["grant_id"]);
    assert.deepEqual([claims["iss"], claims["aud"], claims["nonce"]], [url, url, "n-1"]);
    assert.equal(Number(claims["exp"]) - Number(claims["iat"]), 300);
    assert.equal(claims["iat"], fixture.clock.now() / 1_000);
  });

  test("POST /authcode does not let a public request say whose grant it becomes", async (t) => {
    const { fixture, url } = await testService(t);
    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com"), external_id: "user-42" });
    await assertProblem(await fetch(`${url}/authcode`, { method: "POST", body, headers: posted }), "forbidden");
    assert.equal(fixture.newRequests().length, 0);
  });
});

describe("a caller", () => {
  test("a caller makes a grant for a user of the app, reads it, lists it, gets tokens, and ends it", async (t) => {
    const { fixture, ask } = await testService(t);
    const made = await ask("/v1/grants", {
      method: "POST",
      body: new URLSearchParams({ code: fixture.code("ada@example.com"), external_id: "user 42/ä", source: "android" }),
    });
    assert.equal(made.status, 200);
    const { grant: shown, ...consent } = (await made.json()) as Record<string, string> & { grant: object };
    const { grant_id: grantId, external_id: externalId, sub } = consent;
    assert.equal(externalId, "user 42/ä");
    assert.deepEqual(shown, await (await ask(`/v1/grants/${grantId}`)).json(), "the grant as it is shown elsewhere");

    const refs = [
      String(grantId),
      `sub:${sub}`,
      `ext:${encodeURIComponent("user 42/ä")}`,
      `sub:${sub}?provider=google`,
    ];
    for (const ref of refs) {
      const read = await ask(`/v1/grants/${ref}`);
      assert.equal(read.status, 200, ref);
      const grant = (await read.json()) as Body;
      assert.equal(grant["grant_id"], grantId);
      assert.deepEqual(
        [grant["state"], grant["offline"], grant["provider"], grant["subject"], grant["external_id"]],
        ["active", true, "google", sub, "user 42/ä"],
      );
      assert.doesNotMatch(JSON.stringify(grant), /ya29\.|1\/\//);
    }

    const query = new URLSearchParams({ external_id: "user 42/ä", state: "active", limit: "1" });
    const listed = (await (await ask(`/v1/grants?${query.toString()}`)).json()) as { grants: Body[]; cursor?: string };
    assert.deepEqual(
      listed.grants.map((grant) => grant["grant_id"]),
      [grantId],
    );
    assert.equal(listed.cursor, undefined);

    const token = await ask(`/v1/grants/${grantId}/token`);
    assert.equal(token.headers.get("cache-control"), "no-store");
    const body = (await token.json()) as Body;
    const { access_token: given, ...facts } = body;
    assert.match(String(given), /^ya29\./);
    const life = 3_599;
    const now = fixture.clock.now();
    assert.deepEqual(facts, {
      token_type: "Bearer",
      scope: (await fixture.open().then((vault) => vault.grant(String(grantId)))).scopes.join(" "),
      expires_in: life,
      expires_at: now / 1_000 + life,
      refresh_at: new Date(now + life * 850).toISOString(),
      grant_id: grantId,
      provider: "google",
      generation: 1,
    });

    fixture.clock.advance(1_500_500);
    const later = (await (await ask(`/v1/grants/${grantId}/token`)).json()) as Body;
    assert.equal(later["expires_in"], 2_098, "rounded down: never longer than it lives");

    const ended = await ask(`/v1/grants/${grantId}`, { method: "DELETE" });
    assert.equal(((await ended.json()) as Body)["state"], "revoked");
    const over = await assertProblem(await ask(`/v1/grants/${grantId}/token`), "reauthorization_required");
    assert.equal(over["reason"], "revoked");
    assert.equal(over["since"], new Date(fixture.clock.now()).toISOString());
    assert.equal(over["grant_id"], grantId);
  });

  test("a code that comes again with its Idempotency-Key gives the same grant, and with another one none", async (t) => {
    const { fixture, ask } = await testService(t);
    const body = JSON.stringify({ code: fixture.code("ada@example.com"), source: "android" });
    const send = (key: string): Promise<Response> =>
      ask("/v1/grants", {
        method: "POST",
        body,
        headers: { "content-type": "application/json", "idempotency-key": key },
      });
    const first = (await (await send("k".repeat(16))).json()) as Body;
    const again = (await (await send("k".repeat(16))).json()) as Body;
    assert.equal(again["grant_id"], first["grant_id"]);
    await assertProblem(await send("l".repeat(16)), "code_rejected");
    await assertProblem(await send("short"), "invalid_request");
  });

  test("a caller learns where tokens may be sent, of the providers in its reach alone", async (t) => {
    const { fixture, vault, url, ask, keyFor } = await testService(t);
    const list = (await (await ask("/v1/providers")).json()) as { providers: Body[] };
    const { apiHosts, tokenHosts, issuer } = fixture.provider;
    assert.deepEqual(list, {
      providers: [
        {
          name: "google",
          issuer,
          api_hosts: apiHosts,
          token_hosts: tokenHosts,
          api_base_url: fixture.standin.url,
          token_refusals: [],
        },
      ],
    });
    const { key } = await vault.callers.create("elsewhere", { allow: ["token"], providers: ["github"] });
    const asked = (value: string): Promise<Response> =>
      fetch(`${url}/v1/providers`, { headers: { authorization: `Bearer ${value}` } });
    assert.deepEqual(await (await asked(key.expose())).json(), { providers: [] });
    await assertProblem(await asked(await keyFor("grants:read", "proxy")), "forbidden");
  });

  test("a caller pages through grants by cursor", async (t) => {
    const { ask, grant } = await testService(t);
    const ids = [];
    for (let turn = 0; turn < 3; turn++) ids.push((await grant()).grantId);
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask(`/v1/grants?limit=1${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      const body = (await page.json()) as { grants: Body[]; cursor?: string };
      seen.push(...body.grants.map((each) => each["grant_id"]));
      cursor = body.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(seen, ids.sort());
  });

  test("a caller asks for a longer life and gets it by one refresh, also a hundred at once", async (t) => {
    const { fixture, ask, grant } = await testService(t);
    const { grantId } = await grant();
    fixture.clock.advance(2_000_000);
    fixture.newRequests();
    const answers = await Promise.all(
      Array.from(
        { length: 100 },
        async () =>
          ((await (await ask(`/v1/grants/${grantId}/token?min_ttl_seconds=3000`)).json()) as Body)["access_token"],
      ),
    );
    assert.equal(new Set(answers).size, 1);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });

  test("a caller is told why and since when a grant ended at the provider", async (t) => {
    const { fixture, ask, grant } = await testService(t);
    const { grantId } = await grant("ada@example.com");
    fixture.clock.advance(3_700_000);
    fixture.standin.revoke("ada@example.com");
    const body = await assertProblem(await ask(`/v1/grants/${grantId}/token`), "reauthorization_required");
    assert.deepEqual(
      [body["grant_id"], body["reason"], body["since"]],
      [grantId, "invalid_grant", new Date(fixture.clock.now()).toISOString()],
    );
  });

  test("a caller is told what is the provider's and what is our configuration's fault", async (t) => {
    const { fixture, ask, grant } = await testService(t, { vault: { random: () => 0 } });
    const { grantId } = await grant();
    fixture.clock.advance(3_700_000);
    fixture.standin.fault("POST", "/token", { times: 1, status: 503, retryAfter: 7 });
    const down = await ask(`/v1/grants/${grantId}/token`);
    assert.equal(down.headers.get("retry-after"), "7");
    await assertProblem(down, "provider_unavailable");
    fixture.clock.advance(7_000);
    fixture.standin.fault("POST", "/token", { times: 1, status: 401, body: { error: "invalid_client" } });
    const body = await assertProblem(await ask(`/v1/grants/${grantId}/token`), "client_misconfigured");
    assert.deepEqual([body["client_id"], body["provider_error"]], [fixture.standin.clientId, "invalid_client"]);
    const { state } = (await (await ask(`/v1/grants/${grantId}`)).json()) as Body;
    assert.equal(state, "active");
  });

  test("a caller whose user connects two accounts gets them by their labels, and is told which where it names none", async (t) => {
    const { fixture, ask } = await testService(t);
    const post = async (email: string, more: object = {}): Promise<Body> => {
      const response = await ask("/v1/grants", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code: fixture.code(email), external_id: "user-42", ...more }),
      });
      assert.equal(response.status, 200, await response.clone().text());
      return (await response.json()) as Body;
    };
    const work = await post("ada@example.com", { account: "ada@example.com" });
    const home = await post("carl@example.com");
    assert.deepEqual([work["external_id"], work["account"]], ["user-42", "ada@example.com"]);
    assert.equal(home["account"], home["sub"]);
    const accounts = [
      { account: "ada@example.com", provider: "google", grant_id: work["grant_id"] },
      { account: home["sub"], provider: "google", grant_id: home["grant_id"] },
    ];
    for (const [method, verb] of [
      ["GET", ""],
      ["GET", "/token"],
      ["DELETE", ""],
      ["POST", "/proxy/www.googleapis.com/drive/v3/files"],
    ] as const) {
      const body = await assertProblem(await ask(`/v1/grants/ext:user-42${verb}`, { method }), "ambiguous_grant");
      assert.deepEqual(new Set(body["accounts"] as object[]), new Set(accounts), verb);
    }
    for (const [label, grantId] of [
      ["ada%40example.com", work["grant_id"]],
      [String(home["sub"]), home["grant_id"]],
    ] as const) {
      const query = `?provider=google&account=${label}`;
      const shown = (await (await ask(`/v1/grants/ext:user-42${query}`)).json()) as Body;
      assert.equal(shown["grant_id"], grantId);
      assert.equal((await ask(`/v1/grants/ext:user-42/token${query}`)).status, 200);
      const { rows } = (await (await ask(`/v1/audit?grant=ext:user-42&account=${label}`)).json()) as { rows: Body[] };
      assert.deepEqual([...new Set(rows.map((row) => row["grant_id"]))], [grantId]);
      for (const narrowed of [
        `?external_id=user-42&account=${label}`,
        `?account=${label}`,
        `?subject=${String(shown["subject"])}&account=${label}`,
      ]) {
        const { grants } = (await (await ask(`/v1/grants${narrowed}`)).json()) as { grants: Body[] };
        assert.deepEqual(
          grants.map((grant) => [grant["grant_id"], grant["external_ids"]]),
          [[grantId, [{ external_id: "user-42", account: decodeURIComponent(label) }]]],
          narrowed,
        );
      }
    }
    await assertProblem(await ask("/v1/grants/ext:user-42?account=Ada%40example.com"), "grant_not_found");
    await assertProblem(await ask("/v1/grants/ext:user-42?account="), "invalid_request");
    const none = (await (await ask("/v1/grants?external_id=user-42&account=nobody")).json()) as Body;
    assert.deepEqual(none["grants"], []);
    const ended = await ask("/v1/grants/ext:user-42?account=ada%40example.com", { method: "DELETE" });
    const { state, account } = (await ended.json()) as Body;
    assert.deepEqual([state, account], ["revoked", "ada@example.com"]);
    const left = (await (await ask("/v1/grants/ext:user-42")).json()) as Body;
    assert.deepEqual([left["grant_id"], left["state"]], [home["grant_id"], "active"]);
  });

  test("a caller whose user signs in with another account under one label is told, and may move the label to it", async (t) => {
    const { fixture, ask } = await testService(t);
    const post = (email: string, more: object = {}): Promise<Response> =>
      ask("/v1/grants", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code: fixture.code(email), external_id: "user-42", account: "work", ...more }),
      });
    const { grant_id: first } = (await (await post("ada@example.com")).json()) as Body;
    const body = await assertProblem(await post("carl@example.com"), "external_id_conflict");
    assert.deepEqual([body["account"], body["held_by"]], ["work", first]);
    const other = (await (await ask(`/v1/grants/${String(body["grant_id"])}`)).json()) as Body;
    assert.deepEqual([other["state"], other["external_id"], other["external_ids"]], ["active", undefined, []]);
    await assertProblem(await post("carl@example.com", { move_external_id: "maybe" }), "invalid_request");
    const moved = (await (await post("carl@example.com", { move_external_id: true })).json()) as Body;
    assert.deepEqual([moved["grant_id"], moved["external_id"]], [body["grant_id"], "user-42"]);
    const named = (await (await ask("/v1/grants/ext:user-42")).json()) as Body;
    assert.deepEqual(named["external_ids"], [{ external_id: "user-42", account: "work" }]);
    assert.equal(named["grant_id"], body["grant_id"]);
  });
});

describe("what anyone may read", () => {
  test("what anyone may read: health, readiness, the description of the API, the errors page", async (t) => {
    const { url } = await testService(t);
    assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: "ok" });
    assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), { status: "ready" });
    const { openapi, servers } = (await (await fetch(`${url}/openapi.json`)).json()) as Record<string, unknown>;
    assert.match(String(openapi), /^3\.1\./);
    assert.deepEqual(servers, [{ url }]);
    const errors = await fetch(`${url}/docs/errors.md`);
    assert.match(errors.headers.get("content-type") ?? "", /^text\/markdown/);
    for (const code of ["csrf_rejected", "reauthorization_required"])
      assert.match(await errors.clone().text(), new RegExp(code));
  });

  test("what anyone may read: a head says what a read would, without its body", async (t) => {
    const { ask, url, grant } = await testService(t);
    const { grantId } = await grant();
    for (const response of [
      await fetch(`${url}/healthz`, { method: "HEAD" }),
      await ask(`/v1/grants/${grantId}`, { method: "HEAD" }),
      await ask(`/v1/grants/${grantId}/token`, { method: "HEAD" }),
    ]) {
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "");
    }
  });
});
