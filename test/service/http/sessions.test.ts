import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { service } from "../../../src/service/http/app.ts";
import { fastToken } from "../../../src/service/http/fast-token.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import type { Secret, Vault } from "../../../src/index.ts";
import { assertProblem } from "../../support/problem.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { SharedStandin, TestVault } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

interface Api {
  readonly fixture: TestVault;
  readonly vault: Vault;
  readonly key: Secret;
  ask(method: string, path: string, key: string, body?: object | string): Promise<Response>;
  create(body: object | string, key?: string): Promise<Response>;
}

async function api(t: TestContext, grants: readonly string[] = ["*"]): Promise<Api> {
  const fixture = await testVault(t, { shared });
  const vault = await fixture.open();
  const handle = service(vault);
  const { key } = await vault.callers.create("backend", { allow: permissions, grants });
  const ask: Api["ask"] = (method, path, bearer, body) =>
    handle(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${bearer}`,
          ...(body === undefined
            ? {}
            : { "content-type": typeof body === "string" ? "application/x-www-form-urlencoded" : "application/json" }),
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
  return {
    fixture,
    vault,
    key,
    ask,
    create: (body, bearer = key.expose()) => ask("POST", "/v1/sessions", bearer, body),
  };
}

type Made = Readonly<Record<"session_id" | "key" | "expires_at", string>>;

describe("POST /v1/sessions", () => {
  test("gives a key that gets what was asked for and nothing else, on both ways to a token", async (t) => {
    const { fixture, vault, ask, create } = await api(t);
    for (const id of ["a", "b"]) await vault.exchangeCode({ code: fixture.code(`${id}@example.com`), externalId: id });
    const answer = await create({ allow: ["token"], grants: ["ext:a"], expires_in: 60 });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const { key, expires_at: end } = (await answer.json()) as Made;
    assert.equal(new Date(end).getTime(), fixture.clock.now() + 60_000);
    const fast = fastToken(vault);
    assert.equal(fast("/v1/grants/ext:a/token", `Bearer ${key}`), undefined, "not looked up yet");
    assert.equal((await ask("GET", "/v1/grants/ext:a/token", key)).status, 200);
    assert.match(fast("/v1/grants/ext:a/token", `Bearer ${key}`) ?? "", /"access_token"/);
    assert.equal(fast("/v1/grants/ext:b/token", `Bearer ${key}`), undefined);
    await assertProblem(await ask("GET", "/v1/grants/ext:b/token", key), "grant_not_found");
    await assertProblem(await ask("GET", "/v1/grants/ext:a", key), "forbidden");
    await assertProblem(await ask("POST", "/v1/sessions", key, { allow: ["token"], grants: ["ext:a"] }), "forbidden");
    await assertProblem(await ask("GET", "/v1/sessions", key), "forbidden");
    fixture.clock.advance(60_000);
    assert.equal(fast("/v1/grants/ext:a/token", `Bearer ${key}`), undefined);
    await assertProblem(await ask("GET", "/v1/grants/ext:a/token", key), "unauthorized");
  });

  test("a limit of scopes holds on both ways to a token and for the proxy", async (t) => {
    const { fixture, vault, key: makerKey, ask, create } = await api(t);
    const scope = "openid email https://www.googleapis.com/auth/calendar";
    await vault.exchangeCode({ code: fixture.code("a@example.com", scope), externalId: "a" });
    const answer = await create({ allow: ["token", "proxy"], grants: ["ext:a"], scopes: ["x"] });
    const { key } = (await answer.json()) as Made;
    await ask("GET", "/v1/grants/ext:a/token", makerKey.expose());
    await assertProblem(await ask("GET", "/v1/grants/ext:a/token", key), "forbidden", "calendar");
    assert.equal(fastToken(vault)("/v1/grants/ext:a/token", `Bearer ${key}`), undefined);
    const proxied = await ask("GET", "/v1/grants/ext:a/proxy/www.googleapis.com/drive/v3/files/appfolder", key);
    await assertProblem(proxied, "forbidden", "calendar");
  });

  test("takes a form as well as JSON, and ids with spaces as JSON has them", async (t) => {
    const { create } = await api(t);
    const form = await create("allow=token%20proxy&grants=ext%3Aa,ext%3Ab&expires_in=90&scope=x%20y");
    const { allow, grants, scopes } = (await form.json()) as Record<string, unknown>;
    assert.deepEqual(
      [allow, grants, scopes],
      [
        ["token", "proxy"],
        ["ext:a", "ext:b"],
        ["x", "y"],
      ],
    );
    const json = await create({ allow: ["token"], grants: ["ext:a b, c"] });
    assert.deepEqual(((await json.json()) as Record<string, unknown>)["grants"], ["ext:a b, c"]);
  });

  for (const [what, body, parameter] of [
    ["nothing", {}, "allow"],
    ["no grants", { allow: ["token"] }, "grants"],
    ["an empty list", { allow: [], grants: ["*"] }, "allow"],
    ["no permission that there is", { allow: ["Token"], grants: ["*"] }, "allow"],
    ["to make sessions", { allow: ["sessions"], grants: ["*"] }, "allow"],
    ["no selector", { allow: ["token"], grants: ["user-1"] }, "grants"],
    ["a number among selectors", { allow: ["token"], grants: [1] }, "grants"],
    ["a second", { allow: ["token"], grants: ["*"], expires_in: 1 }, "expires_in"],
    ["a text for a time", { allow: ["token"], grants: ["*"], expires_in: "1h" }, "expires_in"],
    ["a week", { allow: ["token"], grants: ["*"], expires_in: 604_800 }, "expires_in"],
  ] as const) {
    test(`refuses a request for ${what}, and names what is wrong`, async (t) => {
      const { create, vault } = await api(t);
      const problem = await assertProblem(await create(body), "invalid_request");
      assert.equal(problem["parameter"], parameter);
      assert.deepEqual((await vault.sessions.list()).sessions, []);
    });
  }

  test("asking for more than the caller has is forbidden, names it, and makes nothing", async (t) => {
    const { create, vault } = await api(t, ["ext:team1:*"]);
    for (const grants of ["ext:team*", "*", "ext:team2:a", `g_${"x".repeat(22)}`]) {
      const problem = await assertProblem(await create({ allow: ["token"], grants: [grants] }), "forbidden");
      assert.match(String(problem["error_description"]), /does not see what fits the selector /);
    }
    assert.deepEqual((await vault.sessions.list()).sessions, []);
  });
});

describe("DELETE /v1/sessions/{session_id}", () => {
  test("ends an own session; another caller's is answered as one that is not there, byte for byte", async (t) => {
    const { vault, key, ask, create } = await api(t);
    const own = (await (await create({ allow: ["grants:read"], grants: ["*"] })).json()) as Made;
    await vault.callers.create("another", { allow: permissions });
    const foreign = await vault.sessions.create("another", { allow: ["token"], grants: ["*"] });
    const end = async (id: string): Promise<string> => (await ask("DELETE", `/v1/sessions/${id}`, key.expose())).text();
    assert.equal(await end(foreign.session.sessionId), await end("0".repeat(16)));
    assert.equal(await end(foreign.session.sessionId), await end("nonsense"));
    await vault.callers.authenticate(`Bearer ${foreign.key.expose()}`);
    assert.equal((await ask("GET", "/v1/grants", own.key)).status, 200);
    assert.deepEqual(JSON.parse(await end(own.session_id)), { session_id: own.session_id, ended: true });
    await assertProblem(await ask("GET", "/v1/grants", own.key), "unauthorized");
    assert.equal(await end(own.session_id), await end("0".repeat(16)));
  });
});
