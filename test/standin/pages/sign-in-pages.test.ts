import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Standin } from "../../../src/standin/index.ts";
import { testStandin } from "../../support/test-standin.ts";
import { formsIn, Visitor } from "../visitor.ts";
import { type Answered, appData, exchange, refresh, stillClock } from "../talk.ts";

const calendar = "https://www.googleapis.com/auth/calendar.readonly";
const callback = "http://127.0.0.1:8787/callback";
const signIn = "openid email profile";

function requestOf(standin: Standin, changes: Record<string, string | undefined> = {}): string {
  const parameters = {
    client_id: standin.clientId,
    redirect_uri: callback,
    response_type: "code",
    scope: `${signIn} ${appData} ${calendar}`,
    state: "s/1 &2",
    access_type: "offline",
    ...changes,
  };
  const present = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return `${standin.url}/o/oauth2/v2/auth?${new URLSearchParams(present).toString()}`;
}

/** Goes through chooser and consent; answers with what the redirect carries. */
async function signInAs(
  standin: Standin,
  email: string,
  changes: Record<string, string | undefined> = {},
  untick: string[] = [],
): Promise<{ answer: URLSearchParams; consentShown: boolean }> {
  const visitor = new Visitor();
  await visitor.open(requestOf(standin, changes));
  if (visitor.form("/signin/account") !== undefined) await visitor.submit("/signin/account", { email });
  const consentShown = visitor.form("/signin/consent") !== undefined;
  if (consentShown) await visitor.submit("/signin/consent", { decision: "allow" }, untick);
  const location = visitor.location ?? "";
  assert.ok(location.startsWith(callback), `ended at ${location}: ${visitor.page}`);
  return { answer: new URL(location).searchParams, consentShown };
}

const redirectExchange = (standin: Standin, answer: URLSearchParams): Promise<Answered> =>
  exchange(standin, answer.get("code") ?? "", { redirect_uri: callback });

describe("sign-in and consent, as plain forms", () => {
  test("the sign-in and consent pages lead from the request to a code that carries everything a redirect should", async () => {
    await using standin = await testStandin();
    const { answer, consentShown } = await signInAs(standin, "ada@example.com");
    assert.equal(consentShown, true);
    assert.deepEqual(
      ["state", "iss", "authuser", "prompt", "hd"].map((name) => answer.get(name)),
      ["s/1 &2", "https://accounts.google.com", "0", "consent", null],
    );
    assert.match(answer.get("scope") ?? "", /^openid https:\/\/www\.googleapis\.com\/auth\/userinfo\.email /);
    const { body } = await redirectExchange(standin, answer);
    assert.equal(body["scope"], answer.get("scope"));
    assert.equal(typeof body["refresh_token"], "string");
  });

  test("the sign-in and consent pages offer a tick box per scope beyond sign-in, and grant what is left ticked", async () => {
    await using standin = await testStandin();
    const { answer } = await signInAs(standin, "ada@example.com", {}, [appData]);
    assert.equal(answer.get("scope")?.includes(appData), false);
    assert.equal(answer.get("scope")?.includes(calendar), true);
  });

  const boxes: [scope: string, boxes: number][] = [
    [signIn, 0],
    [appData, 0],
    [`openid ${appData}`, 1],
    [`${appData} ${calendar}`, 2],
    [`${signIn} ${appData} ${calendar}`, 2],
  ];
  for (const [scope, count] of boxes) {
    test(`the sign-in and consent pages show ${String(count)} boxes for ${scope}`, async () => {
      await using standin = await testStandin();
      const visitor = new Visitor();
      await visitor.open(requestOf(standin, { scope }));
      await visitor.submit("/signin/account", { email: "ada@example.com" });
      assert.equal(visitor.form("/signin/consent")?.boxes.length, count);
    });
  }

  test("the sign-in and consent pages refuse when everything is unticked and nothing else was asked, or when the person cancels", async () => {
    await using standin = await testStandin();
    const { answer } = await signInAs(standin, "ada@example.com", { scope: `${appData} ${calendar}` }, [
      appData,
      calendar,
    ]);
    assert.equal(answer.get("error"), "access_denied");
    const visitor = new Visitor();
    await visitor.open(requestOf(standin));
    await visitor.submit("/signin/account", { email: "ada@example.com" });
    await visitor.submit("/signin/consent", { decision: "deny" });
    const denied = new URL(visitor.location ?? "").searchParams;
    assert.deepEqual([denied.get("error"), denied.get("state"), denied.get("code")], ["access_denied", "s/1 &2", null]);
    assert.ok(denied.get("iss"), "errors say who they are from, too");
  });

  test("the sign-in and consent pages are not shown again for what was granted, and then no refresh token comes", async () => {
    await using standin = await testStandin();
    const first = await signInAs(standin, "ada@example.com");
    const kept = (await redirectExchange(standin, first.answer)).body["refresh_token"];
    const second = await signInAs(standin, "ada@example.com");
    assert.equal(second.consentShown, false);
    assert.equal(second.answer.get("prompt"), "none");
    assert.equal((await redirectExchange(standin, second.answer)).body["refresh_token"], undefined);
    assert.equal((await refresh(standin, kept)).status, 200);
    for (const forced of [{ prompt: "consent" }, { approval_prompt: "force" }]) {
      const again = await signInAs(standin, "ada@example.com", forced);
      assert.equal(again.consentShown, true);
      assert.equal(typeof (await redirectExchange(standin, again.answer)).body["refresh_token"], "string");
    }
  });

  test("the sign-in and consent pages let an app's callback send people on to another origin", async () => {
    await using standin = await testStandin();
    const answer = await fetch(requestOf(standin));
    const [formAction = ""] = /form-action [^;]*/.exec(answer.headers.get("content-security-policy") ?? "") ?? [];
    for (const source of ["'self'", "http:", "https:"]) assert.ok(formAction.split(" ").includes(source), formAction);
  });

  test("the sign-in and consent pages bring no refresh token online", async () => {
    await using standin = await testStandin();
    const { answer } = await signInAs(standin, "ada@example.com", { access_type: undefined });
    assert.equal((await redirectExchange(standin, answer)).body["refresh_token"], undefined);
  });

  test("the sign-in and consent pages ask for more in context, and with include_granted_scopes the new token covers everything", async () => {
    await using standin = await testStandin();
    await signInAs(standin, "ada@example.com", { scope: `${signIn} ${appData}` });
    const visitor = new Visitor();
    await visitor.open(requestOf(standin, { scope: calendar, include_granted_scopes: "true" }));
    await visitor.submit("/signin/account", { email: "ada@example.com" });
    assert.match(visitor.page, /already has some access/);
    await visitor.submit("/signin/consent", { decision: "allow" });
    const scope = new URL(visitor.location ?? "").searchParams.get("scope") ?? "";
    for (const part of [calendar, appData, "openid"]) assert.ok(scope.split(" ").includes(part), part);
    const narrow = await signInAs(standin, "ada@example.com", { scope: calendar });
    assert.equal(narrow.answer.get("scope"), calendar, "without it, only what was asked for");
  });

  test("the sign-in and consent pages take any address as a new person, and remember it", async () => {
    await using standin = await testStandin();
    const { answer } = await signInAs(standin, "New.Person@Example.com");
    const { body } = await redirectExchange(standin, answer);
    const claims = JSON.parse(
      Buffer.from(String(body["id_token"]).split(".")[1] ?? "", "base64url").toString(),
    ) as Record<string, unknown>;
    assert.deepEqual(
      [claims["email"], claims["name"], claims["given_name"], claims["family_name"], claims["locale"]],
      ["new.person@example.com", "New Person", "New", "Person", "en"],
    );
    const visitor = new Visitor();
    await visitor.open(requestOf(standin));
    assert.match(visitor.page, /new\.person@example\.com/);
  });

  test("the sign-in and consent pages skip the chooser for a known login_hint, unless select_account asks for it", async () => {
    await using standin = await testStandin();
    const visitor = new Visitor();
    await visitor.open(requestOf(standin, { login_hint: "ada@example.com" }));
    assert.ok(visitor.form("/signin/consent"));
    await visitor.open(requestOf(standin, { login_hint: "ada@example.com", prompt: "select_account" }));
    assert.ok(visitor.form("/signin/account"));
  });

  test("the sign-in and consent pages never appear with prompt=none", async () => {
    await using standin = await testStandin();
    const silently = async (changes: Record<string, string>): Promise<URLSearchParams> => {
      const visitor = new Visitor();
      await visitor.open(requestOf(standin, { prompt: "none", ...changes }));
      return new URL(visitor.location ?? "").searchParams;
    };
    assert.equal((await silently({})).get("error"), "login_required");
    assert.equal((await silently({ login_hint: "ada@example.com" })).get("error"), "consent_required");
    await signInAs(standin, "ada@example.com");
    assert.ok((await silently({ login_hint: "ada@example.com" })).get("code"));
  });

  test("the sign-in and consent pages refuse what an administrator forbids", async () => {
    await using standin = await testStandin();
    standin.person({ email: "ada@example.com", refusal: "admin_policy_enforced" });
    const policy = await signInAs(standin, "ada@example.com");
    assert.equal(policy.answer.get("error"), "admin_policy_enforced");
    standin.client({ clientId: standin.clientId, onlyDomain: "corp.example" });
    standin.person({ email: "eve@corp.example", hd: "corp.example" });
    assert.equal((await signInAs(standin, "carl@example.com")).answer.get("error"), "org_internal");
    assert.equal((await signInAs(standin, "eve@corp.example")).answer.get("hd"), "corp.example");
  });
});

describe("authorization requests that are wrong", () => {
  const pages: [name: string, changes: Record<string, string | undefined>, error: string][] = [
    ["no client", { client_id: undefined }, "invalid_request"],
    ["unknown client", { client_id: "nobody" }, "invalid_client"],
    ["no redirect URI", { redirect_uri: undefined }, "invalid_request"],
    ["a redirect URI elsewhere", { redirect_uri: "https://evil.example/cb" }, "redirect_uri_mismatch"],
    ["a loopback look-alike", { redirect_uri: "http://127.0.0.1.evil.example/cb" }, "redirect_uri_mismatch"],
    ["a fragment", { redirect_uri: `${callback}#x` }, "redirect_uri_mismatch"],
    [
      "a popup of a page elsewhere",
      { redirect_uri: "storagerelay://https/evil.example?id=1" },
      "redirect_uri_mismatch",
    ],
  ];
  for (const [name, changes, error] of pages) {
    test(`an authorization request that is wrong: ${name}: an error page, and nothing is sent anywhere`, async () => {
      await using standin = await testStandin();
      const visitor = new Visitor();
      await visitor.open(requestOf(standin, changes));
      assert.deepEqual([visitor.status, visitor.location], [400, undefined]);
      assert.match(visitor.page, new RegExp(`Error 400: ${error}`));
    });
  }

  const redirected: [name: string, changes: Record<string, string | undefined>, error: string][] = [
    ["no response_type", { response_type: undefined }, "invalid_request"],
    ["a token", { response_type: "token" }, "unsupported_response_type"],
    ["no scope", { scope: "" }, "invalid_request"],
    ["an unknown scope", { scope: "openid everything" }, "invalid_scope"],
    ["an odd access_type", { access_type: "sometimes" }, "invalid_request"],
    ["an odd prompt", { prompt: "maybe" }, "invalid_request"],
    ["none and others", { prompt: "none consent" }, "invalid_request"],
    ["both prompts", { prompt: "consent", approval_prompt: "auto" }, "invalid_request"],
    ["a short challenge", { code_challenge: "abc", code_challenge_method: "S256" }, "invalid_request"],
    ["an odd method", { code_challenge: "a".repeat(43), code_challenge_method: "S512" }, "invalid_request"],
  ];
  for (const [name, changes, error] of redirected) {
    test(`an authorization request that is wrong: ${name}: the error goes to the redirect URI, with state and iss`, async () => {
      await using standin = await testStandin();
      const visitor = new Visitor();
      await visitor.open(requestOf(standin, changes));
      const answer = new URL(visitor.location ?? "").searchParams;
      assert.deepEqual([answer.get("error"), answer.get("state")], [error, "s/1 &2"]);
    });
  }

  test("an authorization request that is wrong: a repeated parameter: an error page, since nobody knows which one is meant", async () => {
    await using standin = await testStandin();
    const visitor = new Visitor();
    await visitor.open(`${requestOf(standin)}&redirect_uri=${encodeURIComponent("https://evil.example")}`);
    assert.equal(visitor.status, 400);
  });

  test("an authorization request that is wrong: what a request carries is shown as text, never as markup", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const visitor = new Visitor();
    await visitor.open(requestOf(standin, { client_id: undefined, redirect_uri: undefined }));
    await visitor.open(requestOf(standin, { redirect_uri: 'https://evil.example/"><script>alert(1)</script>' }));
    assert.equal(visitor.page.includes("<script>"), false);
    standin.client({ clientId: standin.clientId, name: "<b>App</b>" });
    await visitor.open(requestOf(standin, { state: `"><img src=x onerror=alert(1)>` }));
    assert.equal(/<b>App|<img src=x/.test(visitor.page), false);
    assert.equal(formsIn(visitor.page).length > 0, true);
  });
});

describe("the front page", () => {
  test("the front page leads to pages that are there", async () => {
    await using standin = await testStandin();
    const visitor = new Visitor();
    await visitor.open(`${standin.url}/`);
    const links = [...visitor.page.matchAll(/<a href="([^"]+)"/g)].map(([, href = ""]) => href);
    assert.ok(links.length > 3);
    for (const href of links) assert.equal((await fetch(standin.url + href)).status, 200, href);
  });

  test("the front page and the chooser list a few people even when thousands were met", async () => {
    await using standin = await testStandin();
    for (let met = 0; met < 100; met += 1) standin.person({ email: `person-${String(met)}@example.com` });
    const visitor = new Visitor();
    await visitor.open(requestOf(standin));
    assert.equal(formsIn(visitor.page).length, 26);
  });
});

describe("the account page", () => {
  test("the account page lists who gave access, and takes it back", async () => {
    await using standin = await testStandin();
    const { answer } = await signInAs(standin, "ada@example.com");
    const kept = (await redirectExchange(standin, answer)).body["refresh_token"];
    const visitor = new Visitor();
    await visitor.open(`${standin.url}/account/access`);
    assert.match(visitor.page, /Example App/);
    await visitor.submit("/account/access", {});
    assert.equal((await refresh(standin, kept)).body["error"], "invalid_grant");
    await visitor.open(`${standin.url}/account/access`);
    assert.match(visitor.page, /No app has access yet/);
  });
});
