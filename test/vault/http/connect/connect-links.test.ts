import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { google, isOnbehalfError } from "../../../../src/index.ts";
import type { BeginConnectOptions, BegunConnect, ErrorCode, Provider, Vault } from "../../../../src/index.ts";
import { ConnectBrowser, backWith, consented, newVerifier, nextOf } from "../../../support/connect-browser.ts";
import type { Answering, Seen } from "../../../support/connect-browser.ts";
import { appData, outcomes, testVault, until } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

const baseUrl = "http://127.0.0.1:3000/connect";
const returnUrl = "http://127.0.0.1:3000/settings?tab=accounts";

interface Setup {
  readonly fixture: TestVault;
  readonly vault: Vault;
  readonly handler: Answering;
  readonly browser: ConnectBrowser;
  begin(options?: Partial<BeginConnectOptions>): Promise<BegunConnect>;
}

async function setup(t: TestContext, quirks: Parameters<typeof testVault>[1] = {}): Promise<Setup> {
  const fixture = await testVault(t, quirks);
  const vault = await fixture.open();
  const handler = vault.connectHandler({ baseUrl, appName: "Example" });
  const begin = (options: Partial<BeginConnectOptions> = {}): Promise<BegunConnect> =>
    vault.beginConnect({ externalId: "user-42", returnUrl, scopes: ["email", appData], ...options });
  return { fixture, vault, handler, browser: new ConnectBrowser(handler), begin };
}

function resultOf({ status, location, headers }: Seen): Record<string, string> {
  assert.equal(status, 303);
  assert.match(headers.get("cache-control") ?? "", /no-store/);
  assert.equal(headers.get("referrer-policy"), "no-referrer");
  const { origin, pathname, searchParams } = new URL(location ?? "");
  assert.equal(origin + pathname, "http://127.0.0.1:3000/settings");
  const { tab, ...result } = Object.fromEntries(searchParams);
  assert.equal(tab, "accounts");
  return result;
}

function refusal(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isOnbehalfError(error, code);
}

async function grantsOf(vault: Vault): Promise<number> {
  return (await vault.grants()).grants.length;
}

async function connected(t: TestContext): Promise<Setup> {
  const made = await setup(t);
  await made.vault.exchangeCode({
    code: made.fixture.code("ada@example.com", "openid email"),
    externalId: "user-42",
  });
  return made;
}

describe("a connect link with a challenge", () => {
  test("a link goes straight to the provider, and its grant is there once the verifier has come", async (t) => {
    const { fixture, vault, browser, begin } = await setup(t);
    const { codeVerifier, codeChallenge } = newVerifier();
    const { connectId, url, expiresAt } = await begin({ codeChallenge, loginHint: "ada@example.com" });
    assert.equal(url, `${baseUrl}/${connectId}`);
    assert.equal(expiresAt.getTime(), fixture.clock.now() + 900_000);
    assert.deepEqual(await vault.connectStatus(connectId), { status: "waiting" });
    await assert.rejects(vault.finishConnect(connectId, { codeVerifier }), refusal("connect_waiting"));

    const opened = await browser.open(url);
    assert.equal(opened.status, 303);
    const request = new URL(opened.location ?? "");
    assert.equal(request.origin, fixture.standin.url);
    const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(request.searchParams);
    assert.deepEqual(rest, {
      access_type: "offline",
      include_granted_scopes: "true",
      prompt: "consent",
      login_hint: "ada@example.com",
      scope: `openid email ${appData}`,
      response_type: "code",
      client_id: fixture.standin.clientId,
      redirect_uri: `${baseUrl}/callback`,
      code_challenge_method: "S256",
    });
    assert.equal(new Set([state, nonce, challenge, codeChallenge]).size, 4);
    assert.match(
      opened.headers.get("set-cookie") ?? "",
      /^onbehalf-connect=[\w-]{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax$/,
    );

    const back = await browser.open(consented(fixture.standin, request.href));
    assert.deepEqual(resultOf(back), { connect_id: connectId, status: "pending" });
    assert.deepEqual(await vault.connectStatus(connectId), { status: "pending" });
    assert.equal(await grantsOf(vault), 0);
    await assert.rejects(vault.getAccessToken({ externalId: "user-42" }), refusal("grant_not_found"));

    const grant = await vault.finishConnect(connectId, { codeVerifier });
    assert.equal(grant.profile.email, "ada@example.com");
    assert.equal(grant.offline, true);
    assert.deepEqual(await vault.connectStatus(connectId), { status: "finished", grantId: grant.grantId });
    assert.equal((await vault.finishConnect(connectId, { codeVerifier })).grantId, grant.grantId);
    assert.match((await vault.getAccessToken({ externalId: "user-42" })).token, /^ya29\./);
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  });

  test("the same answer of the provider again gives the same result, and sends no code", async (t) => {
    const { fixture, vault, browser, begin } = await setup(t);
    const { codeVerifier, codeChallenge } = newVerifier();
    const { connectId, url } = await begin({ codeChallenge });
    const { location = "" } = await browser.open(url);
    const back = consented(fixture.standin, location);
    const both = await Promise.all([browser.open(back), browser.open(back)]);
    for (const each of both) assert.equal(resultOf(each)["status"], "pending");
    assert.equal(resultOf(await browser.open(back))["status"], "pending");
    await vault.finishConnect(connectId, { codeVerifier });
    assert.equal(resultOf(await browser.open(back))["status"], "finished");
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  });

  test("the same browser may start over, with a reload or the back button, and either tab comes back", async (t) => {
    const { fixture, browser, begin } = await setup(t);
    const { url } = await begin(newChallenge());
    const first = await browser.open(url);
    const second = await browser.open(url);
    assert.equal(second.location, first.location);
    assert.equal(resultOf(await browser.open(consented(fixture.standin, first.location ?? "")))["status"], "pending");
  });
});

describe("a connect link without a challenge", () => {
  test("a page says whose account would be connected to whom, and only its button leads on", async (t) => {
    const { fixture, vault, browser, begin } = await setup(t);
    const { connectId, url } = await begin({ userLabel: "Ada & Co", loginHint: "ada@example.com" });
    const asked = await browser.open(url, { "accept-language": "de" });
    assert.equal(asked.status, 200);
    for (const text of ["Example", "Ada &amp; Co", "ada@example.com"]) assert.ok(asked.page.includes(text), text);
    assert.match(asked.page, /<html lang="de"/);
    assert.deepEqual(await vault.connectStatus(connectId), { status: "waiting" });
    const going = await browser.decide(asked.page);
    assert.equal(going.status, 200);
    const back = await browser.open(consented(fixture.standin, nextOf(going)));
    assert.deepEqual(resultOf(back), { connect_id: connectId, status: "finished" });
    const grant = await vault.grant({ externalId: "user-42" });
    assert.deepEqual(await vault.connectStatus(connectId), { status: "finished", grantId: grant.grantId });
    assert.equal((await vault.finishConnect(connectId)).grantId, grant.grantId);
    // A verifier is kept, and the link that came back had no challenge: it is another's.
    await assert.rejects(vault.finishConnect(connectId, newVerifierOnly()), refusal("verifier_mismatch"));
  });

  test("who says no on the page ends the link, and is sent back with that", async (t) => {
    const { vault, browser, begin } = await setup(t);
    const { connectId, url } = await begin();
    const { page } = await browser.open(url);
    const back = await browser.decide(page, { decision: "cancel" });
    const { tab: _tab, ...result } = Object.fromEntries(new URL(nextOf(back)).searchParams);
    assert.deepEqual(result, { connect_id: connectId, status: "error", error: "access_denied" });
    assert.match(back.page, /http-equiv="refresh"/);
    assert.deepEqual(await vault.connectStatus(connectId), { status: "failed", error: "access_denied" });
    assert.equal((await browser.open(url)).status, 410);
  });

  test("a link that needs a return code gives it to the browser that comes back, each time, and to nobody else", async (t) => {
    const { fixture, vault, browser, begin } = await setup(t);
    const { codeVerifier, codeChallenge } = newVerifier();
    await assert.rejects(begin({ returnCodeRequired: true }), refusal("invalid_request"));
    const { connectId, url } = await begin({
      codeChallenge,
      returnCodeRequired: true,
      returnUrl: `${returnUrl}&return_code=old`,
    });
    const opened = await browser.open(url);
    assert.doesNotMatch(opened.location ?? "", /return_code/);
    const answer = consented(fixture.standin, opened.location ?? "");
    const { return_code: returnCode = "", ...result } = resultOf(await browser.open(answer));
    assert.deepEqual(result, { connect_id: connectId, status: "pending" });
    assert.match(returnCode, /^[\w-]{43}$/);
    assert.equal(resultOf(await browser.open(answer))["return_code"], returnCode);
    for (const proof of [{ codeVerifier }, { codeVerifier, returnCode: codeVerifier }])
      await assert.rejects(vault.finishConnect(connectId, proof), refusal("verifier_mismatch"));
    assert.equal(await grantsOf(vault), 0);
    await vault.finishConnect(connectId, { codeVerifier, returnCode });
    assert.equal(await grantsOf(vault), 1);
  });

  test("wrong return codes end a link as wrong verifiers do", async (t) => {
    const { fixture, vault, browser, begin } = await setup(t);
    const { codeVerifier, codeChallenge } = newVerifier();
    const { connectId, url } = await begin({ codeChallenge, returnCodeRequired: true });
    const { location = "" } = await browser.open(url);
    const { return_code: returnCode = "" } = resultOf(await browser.open(consented(fixture.standin, location)));
    for (let tries = 0; tries < 5; tries += 1)
      await assert.rejects(vault.finishConnect(connectId, { codeVerifier }), refusal("verifier_mismatch"));
    await assert.rejects(vault.finishConnect(connectId, { codeVerifier, returnCode }), refusal("connect_failed"));
  });

  test("a form that another page sends, or without the cookie, leads nowhere", async (t) => {
    const { handler, browser, begin } = await setup(t);
    const { url } = await begin();
    const { page } = await browser.open(url);
    const other = new ConnectBrowser(handler);
    const elsewhere = await other.open(url);
    const tries: readonly Promise<Seen>[] = [
      browser.decide(page, { csrf: "" }),
      browser.decide(elsewhere.page),
      browser.decide(page, {}, { "sec-fetch-site": "cross-site" }),
      browser.decide(page, {}, { "sec-fetch-site": "same-site" }),
      new ConnectBrowser(handler).decide(page),
    ];
    for (const seen of await Promise.all(tries)) assert.equal(seen.status, 403);
    assert.equal((await browser.decide(page)).status, 200);
  });
});

describe("a connect link for a user who has a grant", () => {
  test("what the grant covers is asked for again, and consent only where it must be", async (t) => {
    const { browser, begin } = await connected(t);
    const more = await browser.open((await begin({ ...newChallenge(), scopes: [appData] })).url);
    const query = new URL(more.location ?? "").searchParams;
    assert.equal(query.get("scope"), `openid ${appData} https://www.googleapis.com/auth/userinfo.email`);
    assert.equal(query.get("prompt"), null);
    const forced = await browser.open((await begin({ ...newChallenge(), forceConsent: true })).url);
    assert.equal(new URL(forced.location ?? "").searchParams.get("prompt"), "consent");
  });

  test("a grant that has lapsed is usable again after the link, with all that it covered", async (t) => {
    const { fixture, vault, browser, begin } = await connected(t);
    fixture.standin.revoke("ada@example.com");
    fixture.clock.advance(3_700_000);
    await assert.rejects(vault.getAccessToken({ externalId: "user-42" }), refusal("reauthorization_required"));
    const { codeVerifier, codeChallenge } = newVerifier();
    const { connectId, url } = await begin({ codeChallenge });
    const { location = "" } = await browser.open(url);
    assert.equal(new URL(location).searchParams.get("prompt"), "consent");
    await browser.open(consented(fixture.standin, location));
    const grant = await vault.finishConnect(connectId, { codeVerifier });
    assert.equal(grant.state, "active");
    assert.ok(grant.scopes.includes(appData));
    await vault.getAccessToken({ externalId: "user-42" });
  });

  test("another account of the user is connected beside the first, and one that has another's label is a conflict", async (t) => {
    const { fixture, vault, browser, begin } = await connected(t);
    const connect = async (account: string, email: string): Promise<Record<string, string>> => {
      const { url } = await begin({ account });
      const going = await browser.decide((await browser.open(url)).page);
      return resultOf(await browser.open(consented(fixture.standin, nextOf(going), email)));
    };
    assert.equal((await connect("work", "carl@example.com"))["status"], "finished");
    const work = await vault.grant({ externalId: "user-42", account: "work" });
    assert.equal(work.profile.email, "carl@example.com");
    assert.equal(await grantsOf(vault), 2);
    const { connect_id: connectId = "", error } = await connect("work", "grace@example.com");
    assert.equal(error, "external_id_conflict");
    assert.deepEqual(await vault.connectStatus(connectId), { status: "failed", error: "external_id_conflict" });
    assert.equal((await vault.grant({ externalId: "user-42", account: "work" })).grantId, work.grantId);
  });
});

describe("a connect link that is to bring a grant back", () => {
  /** A grant of ada's that is dead, and a link that is to bring it back. */
  async function dead(t: TestContext): Promise<Setup & { readonly grantId: string; readonly again: BegunConnect }> {
    const setUp = await connected(t);
    const { fixture, vault, begin } = setUp;
    const { grantId } = await vault.grant({ externalId: "user-42" });
    fixture.standin.revoke("ada@example.com");
    fixture.clock.advance(3_700_000);
    await assert.rejects(vault.getAccessToken({ grantId }), refusal("reauthorization_required"));
    return { ...setUp, grantId, again: await begin({ grantId, loginHint: "ada@example.com" }) };
  }

  test("its page asks for the account from before, and shows neither that account nor the user to whoever opens it", async (t) => {
    const { fixture, vault, browser, grantId, again } = await dead(t);
    const opened = await browser.open(again.url);
    const { profile } = await vault.grant({ grantId });
    assert.match(opened.page, /The same one as before/);
    const going = await browser.decide(opened.page);
    // The provider is told by the person's id there. Its address would stand in the browser's own.
    assert.equal(new URL(nextOf(going)).searchParams.get("login_hint"), profile.sub);
    for (const hidden of ["user-42", "ada@example.com", "ada%40example.com"])
      for (const { page } of [opened, going]) assert.ok(!page.includes(hidden), hidden);
    const back = await browser.open(consented(fixture.standin, nextOf(going)));
    assert.equal(resultOf(back)["status"], "finished");
    assert.equal((await vault.grant({ grantId })).state, "active");
  });

  for (const hasChallenge of [false, true]) {
    test(`who consents with another account has connected nothing, ${hasChallenge ? "with" : "without"} a challenge: what was issued is revoked, and the grant stays as it was`, async (t) => {
      const { fixture, vault, browser, begin, grantId, again } = await dead(t);
      const link = hasChallenge ? await begin({ grantId, ...newChallenge() }) : again;
      const opened = await browser.open(link.url);
      const way = hasChallenge ? (opened.location ?? "") : nextOf(await browser.decide(opened.page));
      const back = await browser.open(consented(fixture.standin, way, "mallory@example.com"));
      assert.deepEqual(resultOf(back), { connect_id: link.connectId, status: "error", error: "other_account" });
      assert.deepEqual(await vault.connectStatus(link.connectId), { status: "failed", error: "other_account" });
      assert.deepEqual(
        (await vault.grants()).grants.map(({ state, externalIds }) => [state, externalIds.length]),
        [["lapsed", 1]],
      );
      const requests = fixture.standin.log().entries.map(({ path }) => path);
      assert.equal(requests.filter((path) => path === "/revoke").length, 1);
      assert.equal((await browser.open(link.url)).status, 410);
    });
  }

  test("who chooses another account by mistake keeps what they are about to connect with it by another link", async (t) => {
    const { fixture, vault, browser, begin, again } = await dead(t);
    const { codeVerifier, codeChallenge } = newVerifier();
    const own = await begin({ externalId: "user-77", codeChallenge });
    const { location = "" } = await browser.open(own.url);
    const held = await browser.open(consented(fixture.standin, location, "mallory@example.com"));
    assert.equal(resultOf(held)["status"], "pending");

    const way = nextOf(await browser.decide((await browser.open(again.url)).page));
    const back = await browser.open(consented(fixture.standin, way, "mallory@example.com"));
    assert.equal(resultOf(back)["error"], "other_account");
    await vault.finishConnect(own.connectId, { codeVerifier });
    fixture.clock.advance(3_700_000);
    assert.match((await vault.getAccessToken({ externalId: "user-77" })).token, /^ya29\./);
    assert.deepEqual(await vault.connectStatus(again.connectId), { status: "failed", error: "other_account" });
  });

  test("each step of it is in the audit log with the grant, as whoever made it, and names no person", async (t) => {
    const { fixture, vault, browser, grantId, again } = await dead(t);
    const from = (await vault.audit.head()).seq;
    await vault.callers.create("backend", { allow: ["connect"] });
    const caller = (await vault.callers.list())[0] ?? assert.fail("there is a caller");
    const of = { externalId: "user-42", returnUrl, grantId };
    const cancelled = await vault.forCaller(caller).beginConnect(of);
    await browser.decide((await browser.open(cancelled.url)).page, { decision: "cancel" });
    const theirs = await vault.forCaller(caller).beginConnect(of);
    for (const [{ url }, account] of [
      [theirs, "mallory@example.com"],
      [again, "ada@example.com"],
    ] as const) {
      const way = nextOf(await browser.decide((await browser.open(url)).page));
      await browser.open(consented(fixture.standin, way, account));
    }
    const rows = await vault.audit.list({ after: from, grantId });
    assert.deepEqual(
      rows.map(({ action, outcome, caller: by }) => `${action} ${outcome} ${by}`),
      [
        "connect.created waiting backend",
        "connect.failed access_denied backend",
        "connect.created waiting backend",
        "connect.begun begun backend",
        "connect.failed other_account backend",
        "connect.begun begun @library",
        "grant.consented active @library",
        "connect.finished finished @library",
      ],
    );
    const text = JSON.stringify(await vault.audit.list());
    for (const hidden of ["user-42", "ada@", "mallory"]) assert.ok(!text.includes(hidden), hidden);
  });

  test("no link vouches for a grant of another user, provider or client, or for one that there is not", async (t) => {
    const { fixture, begin, grantId } = await dead(t);
    for (const options of [{ grantId, externalId: "user-43" }, { grantId: "g_nothing" }])
      await assert.rejects(begin(options), refusal("grant_not_found"));
    const { provider } = fixture;
    const { client } = google({ clientId: "another", clientSecret: "secret" });
    const others: readonly Provider[] = [
      { ...provider, client },
      { ...provider, name: "second" },
    ];
    for (const other of others) {
      const providers = other.name === "second" ? [provider, other] : [other];
      const vault = await fixture.open({ providers });
      vault.connectHandler({ baseUrl, appName: "Example" });
      const options = { provider: other.name, externalId: "user-42", grantId };
      await assert.rejects(vault.beginConnect(options), refusal("grant_not_found"));
    }
  });

  test("where nobody is told who consents, a link is for whoever does: what is called a subject there is a name of ours", async (t) => {
    const fixture = await testVault(t, { provider: { identity: "none", revocationEndsSiblings: false } });
    const vault = await fixture.open();
    const browser = new ConnectBrowser(vault.connectHandler({ baseUrl, appName: "Example" }));
    const first = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-42" });
    const { url } = await vault.beginConnect({ externalId: "user-42", grantId: first.grantId });
    const { page } = await browser.open(url);
    assert.doesNotMatch(page, /The same one as before/);
    const going = await browser.decide(page);
    assert.equal(new URL(nextOf(going)).searchParams.get("login_hint"), null);
  });
});

describe("people who come from no app", () => {
  const own = async (t: TestContext): Promise<Setup & { readonly link: BegunConnect; readonly way: string }> => {
    const setUp = await setup(t);
    const link = await setUp.vault.beginConnect({ externalId: "user-42" });
    const way = nextOf(await setUp.browser.decide((await setUp.browser.open(link.url)).page));
    return { ...setUp, link, way };
  };
  const german = { "accept-language": "de" };

  test("a link without a return URL ends at a page that says that the account is connected, in the person's language", async (t) => {
    const { fixture, browser, link, way } = await own(t);
    const back = await browser.open(consented(fixture.standin, way));
    assert.equal(back.location, `${baseUrl}/done?connect_id=${link.connectId}&status=finished`);
    const done = await browser.open(back.location ?? "", german);
    assert.deepEqual([done.status, done.headers.get("content-language")], [200, "de"]);
    assert.match(done.page, /Das Konto ist verbunden/);
    assert.match(done.headers.get("content-security-policy") ?? "", /^default-src 'none'; style-src 'sha256-/);
    assert.doesNotMatch(done.page, /<script/);
  });

  test("that page says how the link ended, whatever its address says", async (t) => {
    const { browser, link, way } = await own(t);
    await browser.open(backWith(way, { error: "access_denied" }));
    const said = async (query: string): Promise<readonly [number, string]> => {
      const { status, page } = await browser.open(`${baseUrl}/done${query}`);
      return [status, /<h1>(.*?)<\/h1>/.exec(page)?.[1] ?? ""];
    };
    assert.deepEqual(await said(`?connect_id=${link.connectId}&status=finished`), [200, "Nothing was connected"]);
    for (const query of ["", "?status=finished", "?connect_id=c_x&status=finished", "?error=Hello"])
      assert.deepEqual(await said(query), [404, "This link does not work"]);
    assert.equal((await browser.post(`${baseUrl}/done`, {})).status, 405);
  });

  test("that page says which code support is to be told, where a link failed by nobody's choice", async (t) => {
    const { browser, way } = await own(t);
    const back = await browser.open(backWith(way, { error: "server_error" }));
    const { status, page } = await browser.open(back.location ?? "");
    assert.equal(status, 200);
    assert.match(page, /could not be connected[^]*server_error/);
  });

  test("a link that the app must finish has no such end", async (t) => {
    const { vault } = await setup(t);
    await assert.rejects(
      vault.beginConnect({ externalId: "user-42", ...newChallenge() }),
      (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "return_url",
    );
  });
});

describe("a provider in trouble", () => {
  test("a provider that is away for a moment is asked again, and the person does not notice", async (t) => {
    const { fixture, browser, begin } = await setup(t);
    const { url } = await begin(newChallenge());
    const { location = "" } = await browser.open(url);
    fixture.standin.fault("POST", "/token", { times: 1, status: 503, retryAfter: 1 });
    assert.equal(resultOf(await browser.open(consented(fixture.standin, location)))["status"], "pending");
  });

  test("an answer whose person nobody can name yet is kept: the link is pending, and finishes once they can", async (t) => {
    const { fixture, vault, browser, begin } = await setup(t);
    const { codeVerifier, codeChallenge } = newVerifier();
    const { connectId, url } = await begin({ codeChallenge });
    const { location = "" } = await browser.open(url);
    fixture.standin.fault("GET", "/oauth2/v3/certs", { times: "always", drop: true });
    assert.equal(resultOf(await browser.open(consented(fixture.standin, location)))["status"], "pending");
    await assert.rejects(vault.finishConnect(connectId, { codeVerifier }), refusal("provider_unavailable"));
    fixture.standin.clearFaults();
    await until(
      async () => (await vault.finishConnect(connectId, { codeVerifier }).catch(() => undefined)) !== undefined,
    );
  });
});

function newChallenge(): { readonly codeChallenge: string } {
  return { codeChallenge: newVerifier().codeChallenge };
}

function newVerifierOnly(): { readonly codeVerifier: string } {
  return { codeVerifier: newVerifier().codeVerifier };
}

test("a refused code of a link is told to the app, and nothing is stored", async (t) => {
  const { vault, browser, begin } = await setup(t);
  const { connectId, url } = await begin(newChallenge());
  const { location = "" } = await browser.open(url);
  const back = await browser.open(backWith(location, { code: "4/nobody-has-issued-this" }));
  assert.deepEqual(resultOf(back), { connect_id: connectId, status: "error", error: "code_rejected" });
  assert.deepEqual(await vault.connectStatus(connectId), { status: "failed", error: "code_rejected" });
  assert.equal(await grantsOf(vault), 0);
});
