import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OAuth2Standin } from "../../../src/standin/index.ts";
import { Visitor } from "../visitor.ts";
import { callback, challengeOf, exchange, provider, user, verifier } from "./talk.ts";

function address(standin: OAuth2Standin, parameters: Readonly<Record<string, string | undefined>> = {}): string {
  const usual = { client_id: standin.clientId, redirect_uri: callback, response_type: "code", state: "s-1" };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...usual, ...parameters })) {
    if (value !== undefined) query.append(name, value);
  }
  return `${standin.url}/authorize?${query.toString()}`;
}

/** What the app got with the redirect. */
function landed(visitor: Visitor): Record<string, string> {
  assert.equal(visitor.status, 303, visitor.page);
  return Object.fromEntries(new URL(visitor.location ?? "").searchParams);
}

async function visit(url: string): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.open(url);
  return visitor;
}

const ada = { email: "ada@example.com" };

describe("the authorization endpoint of the kind oauth2", () => {
  test("a request with a client or a redirect URI that is not registered gets a page, and nothing is sent anywhere", async () => {
    await using standin = await provider();
    const { clientId: web } = standin.client({ redirectUris: ["https://app.example/cb?tenant=1"] });
    const { clientId: two } = standin.client({ redirectUris: ["https://app.example/a", "https://app.example/b"] });
    const { clientId: local } = standin.client({ redirectUris: ["http://127.0.0.1:3000/cb"] });
    const { clientId: native } = standin.client({
      redirectUris: ["http://127.0.0.1/cb", "com.example.app:/cb"],
      applicationType: "native",
    });
    const refused: readonly Readonly<Record<string, string | undefined>>[] = [
      { client_id: undefined },
      { client_id: "nobody" },
      { redirect_uri: undefined },
      { redirect_uri: "https://evil.example/" },
      { redirect_uri: `${callback}#fragment` },
      { client_id: web, redirect_uri: "https://app.example/cb" },
      { client_id: web, redirect_uri: "https://app.example/cb?tenant=1&more=1" },
      { client_id: web, redirect_uri: "https://app.example:443/cb?tenant=1" },
      { client_id: web, redirect_uri: "https://APP.example/cb?tenant=1" },
      { client_id: web, redirect_uri: callback },
      { client_id: two, redirect_uri: undefined },
      { client_id: local, redirect_uri: "http://127.0.0.1:4000/cb" },
      { client_id: native, redirect_uri: "http://127.0.0.1:4000/cb/" },
      { client_id: native, redirect_uri: "http://localhost:4000/cb" },
      { client_id: native, redirect_uri: "http://127.0.0.1:4000@evil.example/cb" },
      { client_id: native, redirect_uri: "http://127.0.0.1.evil.example/cb" },
    ];
    for (const parameters of refused) {
      const visitor = await visit(address(standin, parameters));
      assert.deepEqual([parameters, visitor.status, visitor.location], [parameters, 400, undefined]);
    }
    const twice = await visit(`${address(standin)}&state=s-2`);
    assert.deepEqual([twice.status, twice.location], [400, undefined]);
    const resources = `${address(standin)}&resource=${encodeURIComponent("https://a.example/")}&resource=urn:b`;
    assert.equal((await visit(resources)).status, 200, "a resource may come more than once");
    const fit = [
      { client_id: web, redirect_uri: "https://app.example/cb?tenant=1" },
      { client_id: web, redirect_uri: undefined },
      { client_id: native, redirect_uri: "http://127.0.0.1:4000/cb" },
      { client_id: native, redirect_uri: "com.example.app:/cb" },
    ];
    for (const parameters of fit) assert.equal((await visit(address(standin, parameters))).status, 200);
  });

  test("a request that is wrong elsewhere is told so at the redirect URI, with its state", async () => {
    await using standin = await provider();
    const rows: readonly (readonly [Readonly<Record<string, string | undefined>>, string])[] = [
      [{ response_type: undefined }, "invalid_request"],
      [{ response_type: "token" }, "unsupported_response_type"],
      [{ response_type: "code id_token" }, "unsupported_response_type"],
      [{ response_mode: "fragment" }, "invalid_request"],
      [{ scope: 'a "quoted" one' }, "invalid_scope"],
      [{ prompt: "sometimes" }, "invalid_request"],
      [{ prompt: "none consent" }, "invalid_request"],
      [{ prompt: "none" }, "login_required"],
      [{ prompt: "none", login_hint: ada.email }, "consent_required"],
      [{ code_challenge: challengeOf(verifier) }, "invalid_request"],
      [{ code_challenge: challengeOf(verifier), code_challenge_method: "plain" }, "invalid_request"],
      [{ code_challenge: "short", code_challenge_method: "S256" }, "invalid_request"],
      [{ code_challenge_method: "S256" }, "invalid_request"],
      [{ resource: "relative" }, "invalid_target"],
      [{ resource: "https://api.example/#a" }, "invalid_target"],
    ];
    for (const [parameters, error] of rows) {
      const answer = landed(await visit(address(standin, parameters)));
      assert.deepEqual([parameters, answer["error"], answer["state"]], [parameters, error, "s-1"]);
      assert.equal("code" in answer, false);
    }
    standin.settings({ pkce: "required" });
    assert.equal(landed(await visit(address(standin)))["error"], "invalid_request");
  });

  test("a redirect keeps the URI's own query as it is written, and repeats of a request only what an error may have", async () => {
    await using standin = await provider();
    const own = "https://app.example/cb?next=a%20b+c&x=%7E";
    const { clientId } = standin.client({ redirectUris: [own] });
    const visitor = await visit(address(standin, { client_id: clientId, redirect_uri: own, prompt: 'ä"\\' }));
    assert.ok(visitor.location?.startsWith(`${own}&error=invalid_request&`), visitor.location ?? "");
    assert.equal(landed(visitor)["error_description"], "There is no prompt ?'?.");
    const odd = await visit(address(standin, { redirect_uri: "http://127.0.0.1/\r\nset-cookie: a=b", prompt: "none" }));
    assert.match(odd.location ?? "", /^http:\/\/127\.0\.0\.1\/set-cookie:%20a=b\?error=login_required&/);
  });

  test("a person takes an app's access back on the account page", async () => {
    await using standin = await provider();
    const { body } = await exchange(standin, standin.code({ email: ada.email, scope: "read" }));
    const visitor = await visit(`${standin.url}/account/access`);
    assert.match(visitor.page, /Example App/);
    await visitor.submit("/account/access", {});
    assert.equal((await user(standin, body["access_token"])).status, 401);
  });

  test("a person chooses an account, leaves a box unticked, and the code covers the rest", async () => {
    await using standin = await provider();
    const challenge = { code_challenge: challengeOf(verifier), code_challenge_method: "S256" };
    const visitor = await visit(address(standin, { scope: "profile read write", ...challenge }));
    assert.match(visitor.page, /Stand-in for an OAuth 2\.0 provider/);
    await visitor.submit("/signin/account", ada);
    assert.deepEqual(visitor.form("/signin/consent")?.boxes, ["read", "write"]);
    await visitor.submit("/signin/consent", { decision: "allow" }, ["write"]);
    const { code = "", state, iss } = landed(visitor);
    assert.deepEqual([state, iss], ["s-1", undefined]);
    const bare = await exchange(standin, code, { code_verifier: verifier });
    assert.equal(bare.body["error"], "invalid_grant", "the exchange must repeat the redirect URI");
    const { body } = await exchange(standin, code, { redirect_uri: callback, code_verifier: verifier });
    assert.equal(body["scope"], "profile read");
  });

  test("a person who agreed before is not asked again, unless for more or with prompt=consent", async () => {
    await using standin = await provider();
    standin.code({ email: ada.email, scope: "profile read" });
    const hint = { login_hint: ada.email };
    assert.ok(landed(await visit(address(standin, { ...hint, scope: "read", prompt: "none" })))["code"]);
    assert.ok(landed(await visit(address(standin, { ...hint, scope: "read" })))["code"]);
    const more = await visit(address(standin, { ...hint, scope: "read write" }));
    assert.match(more.page, /already has some access/);
    assert.ok((await visit(address(standin, { ...hint, scope: "read", prompt: "consent" }))).form("/signin/consent"));
    for (const prompt of ["select_account", "login"]) {
      assert.ok((await visit(address(standin, { ...hint, scope: "read", prompt }))).form("/signin/account"));
    }
  });

  test("a person who cancels, or unticks everything, is access_denied at the app", async () => {
    await using standin = await provider({ redirectIss: "right" });
    for (const [changes, untick] of [
      [{ decision: "deny" }, []],
      [{ decision: "allow" }, ["read", "write"]],
    ] as const) {
      const visitor = await visit(address(standin, { scope: "read write", login_hint: ada.email }));
      await visitor.submit("/signin/consent", changes, untick);
      const { error, state, iss } = landed(visitor);
      assert.deepEqual([error, state, iss], ["access_denied", "s-1", standin.url]);
    }
  });

  test("redirects name the issuer, another one, or none, as settings say, and the metadata says so", async () => {
    await using standin = await provider();
    standin.code(ada);
    for (const [redirectIss, expected, announced] of [
      ["absent", undefined, false],
      ["right", standin.url, true],
      ["https://evil.example", "https://evil.example", true],
    ] as const) {
      standin.settings({ redirectIss });
      assert.equal(landed(await visit(address(standin, { login_hint: ada.email })))["iss"], expected);
      const metadata = await fetch(`${standin.url}/.well-known/oauth-authorization-server`);
      const body = (await metadata.json()) as Record<string, unknown>;
      assert.equal(body["authorization_response_iss_parameter_supported"], announced);
    }
  });

  test("what a request to the kind oauth2 carries is shown as text, never as markup", async () => {
    await using standin = await provider();
    const markup = "<script>alert(1)</script>";
    const { clientId } = standin.client({ clientName: markup, redirectUris: ["https://app.example/cb"] });
    const pages = [
      await visit(address(standin, { client_id: clientId, redirect_uri: undefined, login_hint: `${markup}@x` })),
      await visit(address(standin, { redirect_uri: `https://evil.example/${markup}` })),
    ];
    const consent = await visit(
      address(standin, { client_id: clientId, redirect_uri: undefined, scope: markup, login_hint: ada.email }),
    );
    for (const { page } of [...pages, consent]) assert.equal(page.includes(markup), false);
  });
});
