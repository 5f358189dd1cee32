import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { OnbehalfError } from "../../../src/index.ts";
import type { AuthCodeHandler, AuthCodeHandlerOptions, Vault } from "../../../src/index.ts";
import { toNode } from "../../../src/node/index.ts";
import { express5, listening, quiet } from "../../support/node-frameworks.ts";
import { assertProblem, publicErrors } from "../../support/problem.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { SharedStandin, TestVault } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const url = "https://app.example.com/authcode";

interface App {
  readonly fixture: TestVault;
  readonly vault: Vault;
  readonly handle: AuthCodeHandler;
  /** Sends a code to the app's handler; with the session of this user, where one is named. */
  post(code: string, user?: string, headers?: Record<string, string>): Promise<Response>;
}

async function appWith(t: TestContext, options: AuthCodeHandlerOptions): Promise<App> {
  const fixture = await testVault(t, { shared });
  const vault = await fixture.open({ onFault: () => undefined });
  const handle = vault.authCodeHandler({ publicUrl: "https://app.example.com", ...options });
  return {
    fixture,
    vault,
    handle,
    post: (authCode, user, headers = {}) =>
      handle(
        new Request(url, {
          method: "POST",
          headers: { "x-requested-with": "x", ...(user === undefined ? {} : { cookie: `user=${user}` }), ...headers },
          body: new URLSearchParams({ authCode }),
        }),
      ),
  };
}

/** The app's session. */
const userOf = ({ headers }: Request): string | undefined => /user=([^;]*)/.exec(headers.get("cookie") ?? "")?.[1];

async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

/** That the code is unused: it still becomes a grant, whose app is asked by nobody. */
async function assertUnused({ fixture, vault }: App, code: string): Promise<void> {
  assert.deepEqual(fixture.newRequests(), []);
  assert.equal((await vault.exchangeCode({ code })).state, "active");
}

describe("whose grant a code becomes", () => {
  test("the app's session says whose grant a code becomes", async (t) => {
    const { post, fixture, vault } = await appWith(t, { externalId: userOf });
    const answer = await post(fixture.code("ada@example.com"), "user-42");
    assert.equal(answer.status, 200);
    const { grant_id: grantId } = await bodyOf(answer);
    const grant = await vault.grant({ externalId: "user-42" });
    assert.deepEqual(
      [grant.grantId, grant.externalIds],
      [grantId, [{ externalId: "user-42", account: grant.subject }]],
    );
  });

  test("the app may say which of its user's accounts it is, and that the user is to have this one alone", async (t) => {
    let more: object = {};
    const app = await appWith(t, { externalId: (request) => ({ externalId: userOf(request), ...more }) });
    const { fixture, vault, post } = app;
    const idOf = async (email: string): Promise<unknown> =>
      (await bodyOf(await post(fixture.code(email), "7")))["grant_id"];
    more = { account: "work" };
    const work = await idOf("ada@example.com");
    more = { account: "home" };
    const home = await idOf("carl@example.com");
    assert.equal((await vault.grant({ externalId: "7", account: "work" })).grantId, work);
    assert.equal((await vault.grant({ externalId: "7", account: "home" })).grantId, home);
    more = { moveExternalId: true };
    const only = await idOf("eve@example.com");
    assert.equal((await vault.grant({ externalId: "7" })).grantId, only);
    const code = fixture.code("ada@example.com");
    fixture.newRequests();
    await assertProblem(await post(code), "unauthorized", "", publicErrors);
    for (const wrong of [{ account: 7 }, { moveExternalId: "yes" }, { externalId: {} }, { acount: "work" }]) {
      more = wrong;
      assert.equal((await bodyOf(await post(code, "7")))["error"], "configuration_invalid");
    }
    await assertUnused(app, code);
  });

  test("a phone or a page may not name the account itself", async (t) => {
    const { handle, fixture } = await appWith(t, { externalId: () => "user-42" });
    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com"), account: "work" });
    const headers = { "x-requested-with": "x" };
    await assertProblem(
      await handle(new Request(url, { method: "POST", headers, body })),
      "forbidden",
      "",
      publicErrors,
    );
    assert.deepEqual(fixture.newRequests(), []);
  });

  test("the app may say it later, as a number, and look at the body", async (t) => {
    const seen: string[] = [];
    const app = await appWith(t, {
      externalId: async (request) => {
        seen.push(new URLSearchParams(await request.text()).get("authCode") ?? "");
        return seen.length === 1 ? 42 : 43n;
      },
    });
    const codes = [app.fixture.code("ada@example.com"), app.fixture.code("bo@example.com")];
    for (const code of codes) assert.equal((await app.post(code)).status, 200);
    assert.deepEqual(seen, codes);
    assert.equal((await app.vault.grant({ externalId: "42" })).profile.email, "ada@example.com");
    assert.equal((await app.vault.grant({ externalId: "43" })).profile.email, "bo@example.com");
  });

  const nobody: Readonly<Record<string, unknown>> = {
    "no user": undefined,
    "a user that is null": null,
    "an empty user": "",
  };
  for (const [what, said] of Object.entries(nobody)) {
    test(`a session with ${what} makes no grant that belongs to nobody, and the code stays unused`, async (t) => {
      const app = await appWith(t, { externalId: () => said as undefined });
      const code = app.fixture.code("ada@example.com");
      const problem = await assertProblem(await app.post(code), "unauthorized", what, publicErrors);
      assert.match(String(problem["hint"]), /not used and still works/);
      await assertUnused(app, code);
    });

    test(`a session with ${what} is let through where the app says so`, async (t) => {
      const app = await appWith(t, { externalId: () => said as undefined, requireExternalId: false });
      const answer = await app.post(app.fixture.code("ada@example.com"));
      assert.equal(answer.status, 200);
      const { grant_id: grantId } = await bodyOf(answer);
      assert.deepEqual((await app.vault.grant(grantId as string)).externalIds, []);
    });
  }

  const tooBig = Object.assign(new Error("canary"), { statusCode: 503 });
  const withResponse = Object.assign(new Error("canary"), { getResponse: () => new Response("held", { status: 418 }) });
  const ours = new OnbehalfError("store_unavailable", "no sessions", {
    hint: "wait",
    details: { retryAfterMs: 1_000 },
  });
  const fail = (error: unknown) => (): never => {
    throw error;
  };
  const refusals: Readonly<Record<string, readonly [externalId: () => Response, status: number, says: RegExp]>> = {
    "returning a response": [() => new Response("go away", { status: 401 }), 401, /^go away$/],
    "throwing a response": [fail(new Response("go away", { status: 451 })), 451, /^go away$/],
    "returning a redirect": [() => Response.redirect("https://app.example.com/login", 303), 303, /^$/],
    "throwing an error that holds a response": [fail(withResponse), 418, /^held$/],
    "throwing an error": [fail(new Error("canary")), 403, /"error":"forbidden".*not used and still works/],
    "throwing an error of the kind 401": [
      fail(Object.assign(new Error("canary"), { status: 401 })),
      401,
      /"unauthorized"/,
    ],
    "throwing an error of its server's kind": [fail(tooBig), 500, /"internal_error"/],
    "throwing an error of ours": [fail(ours), 503, /"store_unavailable"/],
    "throwing a text": [fail("canary"), 403, /"forbidden"/],
    "returning what is no id": [() => ({ id: 1 }) as never, 500, /"configuration_invalid".*"externalId must return/],
    "returning half a number": [() => 1.5 as never, 500, /"configuration_invalid"/],
  };
  for (const [how, [externalId, status, says]] of Object.entries(refusals)) {
    test(`the app refuses a sign-in by ${how}, and the code stays unused`, async (t) => {
      const told: unknown[] = [];
      const app = await appWith(t, { externalId, onFault: (error) => told.push(error) });
      const code = app.fixture.code("ada@example.com");
      const answer = await app.post(code);
      const text = await answer.text();
      assert.equal(answer.status, status, text);
      assert.match(text, says);
      assert.ok(!text.includes("canary"));
      assert.equal(answer.headers.get("cache-control"), "no-store");
      await assertUnused(app, code);
      const isUnexpected = /throwing (?:an error|a text)(?! that| of ours)/.test(how);
      assert.equal(told.length, isUnexpected ? 1 : 0, how);
    });
  }

  test("the session is not asked for a forged request, nor for one that says itself whose grant it is", async (t) => {
    let asked = 0;
    const app = await appWith(t, {
      externalId: () => {
        asked += 1;
        return "user-1";
      },
    });
    const code = app.fixture.code("ada@example.com");
    const forged = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    await assertProblem(await app.post(code, "user-1", forged), "csrf_rejected", "", publicErrors);
    const body = new URLSearchParams({ authCode: code, external_id: "user-2" });
    const named = await app.handle(new Request(url, { method: "POST", headers: { "x-requested-with": "x" }, body }));
    await assertProblem(named, "forbidden", "", publicErrors);
    assert.equal(asked, 0);
    await assertUnused(app, code);
  });

  test("the same code from another session does not become another user's grant", async (t) => {
    const { post, fixture, vault } = await appWith(t, { externalId: userOf });
    const code = fixture.code("ada@example.com");
    const headers = { "idempotency-key": "7b0f4a3e-6a0b-4d53-9b1a-1a2b3c4d5e6f" };
    const first = await post(code, "user-1", headers);
    assert.equal(first.status, 200);
    const again = await post(code, "user-1", headers);
    assert.deepEqual([again.status, (await bodyOf(again))["grant_id"]], [200, (await bodyOf(first))["grant_id"]]);
    for (const more of [{}, headers]) {
      assert.notEqual((await post(code, "user-2", more)).status, 200);
      await assert.rejects(vault.grant({ externalId: "user-2" }), { code: "grant_not_found" });
    }
  });

  test("behind Express, the app's hooks see what a middleware has put on the request", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const app = quiet(express5());
    app.use(express5.urlencoded({ extended: false }));
    app.use((request: { session?: object }, _response: unknown, next: () => void) => {
      request.session = { userId: "user-9" };
      next();
    });
    const handle = vault.authCodeHandler({
      externalId: (_request, { incoming }) => (incoming as { session: { userId: string } }).session.userId,
      onGrant: (_grant, _request, { incoming }) => ({ session: (incoming as { session: object }).session }),
    });
    app.use("/authcode", toNode(handle));
    const answer = await fetch(`${await listening(t, app)}/authcode`, {
      method: "POST",
      headers: { "x-requested-with": "x" },
      body: new URLSearchParams({ authCode: fixture.code("ada@example.com") }),
    });
    assert.deepEqual((await bodyOf(answer))["session"], { userId: "user-9" });
    assert.equal((await vault.grant({ externalId: "user-9" })).profile.email, "ada@example.com");
  });
});

describe("what the app does with a grant", () => {
  test("onGrant may answer itself, with a cookie and what would have been sent", async (t) => {
    const app = await appWith(t, {
      allowedOrigins: ["https://page.example"],
      onGrant: (grant, request, { answer }) =>
        Response.json(
          { ...answer, hello: grant.profile.name, path: new URL(request.url).pathname },
          {
            status: 201,
            headers: { "set-cookie": `session=${grant.subject}; HttpOnly`, vary: "cookie" },
          },
        ),
    });
    const code = app.fixture.standin.code({ kind: "popup", email: "ada@example.com" });
    const answer = await app.post(code, "user-1", { origin: "https://page.example" });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.getSetCookie().length, 1);
    assert.equal(answer.headers.get("access-control-allow-origin"), "https://page.example");
    assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
    assert.equal(answer.headers.get("vary"), "cookie, origin");
    const { email, path, sign_in_assertion: assertion } = await bodyOf(answer);
    assert.deepEqual([email, path, typeof assertion], ["ada@example.com", "/authcode", "string"]);
  });

  test("onGrant may add members to the answer, and replaces none", async (t) => {
    const app = await appWith(t, { onGrant: async () => ({ session: "s-1", email: "somebody@else.example" }) });
    const { session, email } = await bodyOf(await app.post(app.fixture.code("ada@example.com")));
    assert.deepEqual([session, email], ["s-1", "ada@example.com"]);
  });

  const nothing: Readonly<Record<string, unknown>> = {
    undefined,
    null: null,
    "a number": 7,
    "a text": "text",
    "a list": ["a"],
    "an object of a class": new Map([["a", 1]]),
  };
  for (const [what, said] of Object.entries(nothing)) {
    test(`what onGrant returns is left out of the answer where it is ${what}`, async (t) => {
      const app = await appWith(t, { onGrant: () => said as undefined });
      const answer = await app.post(app.fixture.code("ada@example.com"));
      assert.deepEqual(
        Object.keys(await bodyOf(answer)).filter((name) => /^(?:\d+|a)$/.test(name)),
        [],
      );
      assert.equal(answer.status, 200);
    });
  }

  test("where onGrant fails, the grant stays, the answer says so, and the same request calls it again", async (t) => {
    const told: unknown[] = [];
    let calls = 0;
    const failure = new Error("canary");
    const app = await appWith(t, {
      externalId: userOf,
      onGrant: () => {
        calls += 1;
        if (calls === 1) throw failure;
        return { calls };
      },
      onFault: (error) => told.push(error),
    });
    const code = app.fixture.code("ada@example.com");
    const answer = await app.post(code, "user-1");
    const text = await answer.text();
    assert.ok(!text.includes("canary"));
    const problem = JSON.parse(text) as Record<string, string>;
    assert.deepEqual([answer.status, problem["error"]], [500, "internal_error"]);
    assert.match(problem["error_description"] ?? "", /has become a grant, which is stored/);
    assert.equal((await app.vault.grant({ externalId: "user-1" })).grantId, problem["grant_id"]);
    assert.deepEqual(told, [failure]);
    const again = await app.post(code, "user-1");
    assert.deepEqual([again.status, (await bodyOf(again))["calls"]], [200, 2]);
    assert.equal(app.fixture.newRequests().length, 1);
  });

  for (const publicUrl of ["https://app.example.com", undefined]) {
    const where = publicUrl === undefined ? "nobody signs" : "there is a public URL";
    test(`onGrant begins no session for whoever has only read a code, where ${where}`, async (t) => {
      const app = await appWith(t, { publicUrl, onGrant: () => ({ session: "s-1" }) } as AuthCodeHandlerOptions);
      const sessionOf = async (code: string, key?: string): Promise<unknown> => {
        const answer = await app.post(code, undefined, key === undefined ? {} : { "idempotency-key": key });
        return answer.status === 200 ? (await bodyOf(answer))["session"] : answer.status;
      };
      const read = app.fixture.code("ada@example.com");
      assert.deepEqual([await sessionOf(read), await sessionOf(read)], ["s-1", undefined]);
      const proved = app.fixture.code("ada@example.com");
      const key = "d9b2d63d-a233-4123-847a-7a2c5c5f2d11";
      assert.deepEqual([await sessionOf(proved, key), await sessionOf(proved, key)], ["s-1", "s-1"]);
      assert.equal(await sessionOf(proved), 400, "the same code without the key is another request");
    });
  }

  test("where onGrant throws an error of ours, its code and its wait stay", async (t) => {
    const app = await appWith(t, {
      onGrant: () => {
        throw new OnbehalfError("store_unavailable", "no", { hint: "wait", details: { retryAfterMs: 2_000 } });
      },
    });
    const answer = await app.post(app.fixture.code("ada@example.com"));
    assert.equal(answer.headers.get("retry-after"), "2");
    const problem = await assertProblem(answer, "store_unavailable", "", publicErrors);
    assert.match(String(problem["error_description"]), /which is stored/);
    assert.match(String(problem["grant_id"]), /^g_/);
  });

  test("where onGrant throws a response, that is the answer, and the grant stays", async (t) => {
    const app = await appWith(t, {
      externalId: userOf,
      onGrant: () => {
        throw Response.redirect("https://app.example.com/terms", 303);
      },
    });
    const answer = await app.post(app.fixture.code("ada@example.com"), "user-1");
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, "https://app.example.com/terms"]);
    assert.equal((await app.vault.grant({ externalId: "user-1" })).state, "active");
  });

  test("an onFault that throws keeps no answer back", async (t) => {
    const app = await appWith(t, {
      onGrant: () => {
        throw new Error("one");
      },
      onFault: () => {
        throw new Error("two");
      },
    });
    assert.equal((await app.post(app.fixture.code("ada@example.com"))).status, 500);
  });
});

describe("the code handler in an app that has read the body", () => {
  for (const options of [{}, { externalId: () => "user-1" }]) {
    test(`a body that was read before is named, ${"externalId" in options ? "with" : "without"} hooks`, async (t) => {
      const app = await appWith(t, options);
      const code = app.fixture.code("ada@example.com");
      const init = {
        method: "POST",
        headers: { "x-requested-with": "x" },
        body: new URLSearchParams({ authCode: code }),
      };
      const request = new Request(url, init);
      await request.text();
      const answer = await app.handle(request);
      const problem = await bodyOf(answer);
      assert.deepEqual([answer.status, problem["error"]], [500, "configuration_invalid"]);
      assert.match(String(problem["hint"]), /request\.clone\(\)/);
      await assertUnused(app, code);
    });
  }
});

describe("where the code handler's errors lead", () => {
  test("errors lead to the page in the repository, or to where the app says", async (t) => {
    const app = await appWith(t, {});
    await assertProblem(await app.post("x".repeat(3_000)), "invalid_request", "", publicErrors);
    const other = app.vault.authCodeHandler({ errorsUrl: "https://docs.example/errors" });
    const answer = await other(new Request(url, { method: "GET" }));
    await assertProblem(answer, "method_not_allowed", "", "https://docs.example/errors");
  });

  test("a path of the app's own server is answered with the page: each code has a section there", async (t) => {
    const app = await appWith(t, { errorsUrl: "/authcode/errors" });
    const { error_uri: uri } = await bodyOf(await app.post("x".repeat(3_000)));
    const page = new URL(String(uri), url);
    assert.equal(page.href, "https://app.example.com/authcode/errors#invalid_request");
    const markdown = await app.handle(new Request(page));
    assert.equal(markdown.headers.get("content-type"), "text/markdown; charset=utf-8");
    assert.match(await markdown.text(), /^## invalid_request$/m);
    const html = await app.handle(new Request(page, { headers: { accept: "text/html,*/*;q=0.8" } }));
    assert.equal(html.headers.get("content-type"), "text/html; charset=utf-8");
    const text = await html.text();
    const ids = new Set([...text.matchAll(/id="([^"]+)"/g)].map(([, id]) => id));
    const links = [...text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    assert.ok(ids.has("invalid_request") && links.length > 3);
    assert.deepEqual(
      links.filter((id) => !ids.has(id)),
      [],
    );
  });

  for (const errorsUrl of ["errors", "//evil.example/x", "/a b", "/errors#x", "javascript:alert(1)", "", 7]) {
    test(`errorsUrl ${JSON.stringify(errorsUrl)} is refused when the handler is made`, async (t) => {
      const app = await appWith(t, {});
      assert.throws(() => app.vault.authCodeHandler({ errorsUrl: errorsUrl as string }), {
        code: "configuration_invalid",
      });
    });
  }

  for (const options of [{ externalId: "user-1" }, { onGrant: true }, { onFault: {} }, { requireExternalId: "no" }]) {
    test(`the option ${JSON.stringify(options)} is refused when the handler is made`, async (t) => {
      const app = await appWith(t, {});
      assert.throws(() => app.vault.authCodeHandler(options as never), { code: "configuration_invalid" });
    });
  }
});
