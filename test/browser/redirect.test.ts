import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchChromium, needsChromium } from "./chromium.ts";
import { startSite, type Site } from "./page-server.ts";

/** What a test reads of a promise in the page: its value, or the error's visible parts. */
const outcome = (expression: string): string =>
  `(${expression}).then((value) => ({ value }), ({ name, code, hint, message }) => ({ name, code, hint, message }))`;

interface Outcome {
  readonly value?: { readonly subject?: string };
  readonly name?: string;
  readonly code?: string;
  readonly hint?: string;
  readonly message?: string;
}

describe("the redirect, in real Chromium", needsChromium, () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  /** The authorization requests that left the page. */
  let asked: URL[];
  /** What the provider sends back with the state, in place of a code. */
  let answer: (state: string) => Record<string, string>;

  before(async () => {
    browser = await launchChromium();
    site = await startSite();
    site.script = `import * as onbehalf from "onbehalf/browser"; window.onbehalf = onbehalf;`;
    const context = await browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    await page.route("https://accounts.google.com/**", async (route) => {
      const url = new URL(route.request().url());
      asked.push(url);
      const back = new URL(url.searchParams.get("redirect_uri") ?? "");
      for (const [name, value] of Object.entries(answer(url.searchParams.get("state") ?? ""))) {
        back.searchParams.set(name, value);
      }
      await route.fulfill({ status: 302, headers: { Location: back.href } });
    });
  });
  after(async () => {
    await Promise.all([browser.close(), site.close()]);
  });
  beforeEach(() => {
    asked = [];
    answer = (state) => ({ code: "4/0Acode", state, iss: "https://accounts.google.com", scope: "openid email" });
    site.posted.length = 0;
    site.visited.length = 0;
  });

  const open = async (path: string): Promise<void> => {
    await page.goto(site.url + path);
    await page.evaluate("sessionStorage.clear()");
  };
  const finish = (options = "{}"): Promise<Outcome> => page.evaluate(outcome(`onbehalf.finishRedirect(${options})`));
  /** Leaves for the provider and comes back. */
  const goAround = async (options: Record<string, unknown>): Promise<void> => {
    const back = page.waitForURL(/state=/);
    await page.evaluate(`void onbehalf.redirectToSignIn(${JSON.stringify({ clientId: "client-1", ...options })})`);
    await back;
  };

  test("a redirect sign-in asks with state, PKCE and nonce, offline, with what was granted before", async () => {
    await open("/app?tab=2");
    await goAround({ scope: "email", loginHint: "ada@example.com", prompt: "consent" });
    const parameters = Object.fromEntries(asked[0]?.searchParams ?? []);
    const { state, nonce, code_challenge: challenge, ...rest } = parameters;
    for (const text of [state, nonce, challenge]) assert.match(text ?? "", /^[\w-]{43}$/);
    assert.equal(new Set([state, nonce, challenge]).size, 3);
    assert.deepEqual(rest, {
      client_id: "client-1",
      redirect_uri: `${site.url}/app`,
      response_type: "code",
      scope: "openid email",
      access_type: "offline",
      include_granted_scopes: "true",
      code_challenge_method: "S256",
      prompt: "consent",
      login_hint: "ada@example.com",
    });
  });

  test("a redirect sign-in with a ticket asks with the ticket's nonce, and hands both over with the code", async () => {
    await open("/app");
    await goAround({ scope: "email", ticket: "obt_1", nonce: "n-1" });
    assert.equal(asked[0]?.searchParams.get("nonce"), "n-1");
    assert.ok(asked.every(({ href }) => !href.includes("obt_1")));
    await finish();
    const { ticket, nonce } = site.posted[0]?.form ?? {};
    assert.deepEqual([ticket, nonce], ["obt_1", "n-1"]);
    assert.equal(await page.evaluate("sessionStorage.length"), 0);
  });

  test("a redirect sign-in hands over the code with what the exchange needs, and leaves nothing in the address", async () => {
    await open("/app");
    await goAround({ scope: "email" });
    const { value } = await finish();
    assert.equal(value?.subject, "1001");

    const { code_verifier: verifier = "", ...form } = site.posted[0]?.form ?? {};
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    assert.equal(challenge, asked[0]?.searchParams.get("code_challenge"));
    // Whoever sees the request must not learn what proves that the code is ours.
    assert.ok(verifier.length >= 43 && asked.every(({ href }) => !href.includes(verifier)));
    assert.deepEqual(form, {
      authCode: "4/0Acode",
      source: "web-redirect",
      scope: "openid email",
      redirect_uri: `${site.url}/app`,
      nonce: asked[0]?.searchParams.get("nonce"),
    });
    assert.equal(site.posted[0]?.requestedWith, "XMLHttpRequest");
    assert.equal(page.url(), `${site.url}/app`);
    assert.equal(await page.evaluate("sessionStorage.length"), 0);
  });

  test("a redirect sign-in: an address without an answer is nobody's business", async () => {
    await open("/app?state=spring&page=2");
    assert.deepEqual(await finish(), { value: undefined });
    assert.equal(page.url(), `${site.url}/app?state=spring&page=2`);
  });

  test("a redirect sign-in keeps the page's own parameters and fragment", async () => {
    await open("/app?code=4/0Acode&state=s&scope=email&authuser=0&prompt=none&keep=1#top");
    await finish();
    assert.equal(page.url(), `${site.url}/app?keep=1#top`);
  });

  test("a redirect sign-in: an answer that this tab did not ask for is not used", async () => {
    await open("/app?code=4/0Aforged&state=invented");
    const { code, hint } = await finish();
    assert.equal(code, "state_mismatch");
    assert.match(hint ?? "", /redirectToSignIn/);
    // Without a state, or with an empty one, nobody's answer it is.
    for (const address of ["/app?code=4/0Aforged", "/app?code=4/0Aforged&state="]) {
      await open(address);
      await finish();
    }
    assert.equal(site.posted.length, 0);
  });

  test("a redirect sign-in: the same answer a second time is not used", async () => {
    await open("/app");
    await goAround({ scope: "email" });
    const address = page.url();
    await finish();
    await page.goto(address);
    assert.equal((await finish()).code, "state_mismatch");
    assert.equal(site.posted.length, 1);
  });

  test("a redirect sign-in: two tabs do not mix", async () => {
    await open("/app");
    await goAround({ scope: "email" });
    const other = await page.context().newPage();
    try {
      await other.goto(page.url());
      const { code } = await other.evaluate<Outcome>(outcome("onbehalf.finishRedirect()"));
      assert.equal(code, "state_mismatch");
      assert.equal((await finish()).value?.subject, "1001");
    } finally {
      await other.close();
    }
  });

  test("a redirect sign-in: an answer of another issuer is not used (RFC 9207), unless that one is expected", async () => {
    answer = (state) => ({ code: "4/0Acode", state, iss: "https://issuer.example" });
    await open("/app");
    await goAround({ scope: "email" });
    assert.equal((await finish()).code, "issuer_mismatch");
    assert.equal(site.posted.length, 0);
    await goAround({ scope: "email" });
    assert.equal((await finish(`{ issuer: "https://issuer.example" }`)).value?.subject, "1001");
  });

  test("a redirect sign-in: a refusal comes through under the provider's own code", async () => {
    answer = (state) => ({ error: "access_denied", state });
    await open("/app");
    await goAround({ scope: "email" });
    const { name, code } = await finish();
    assert.deepEqual({ name, code }, { name: "OnbehalfBrowserError", code: "access_denied" });
    assert.equal(page.url(), `${site.url}/app`);
    assert.equal(site.posted.length, 0);
  });

  test("a redirect sign-in: the code is in one request of this site only: the one that brought it", async () => {
    await open("/app");
    await goAround({ scope: "email" });
    await finish();
    await page.reload();
    assert.equal(site.visited.filter((url) => url.includes("4%2F0Acode")).length, 1);
  });

  test("a redirect sign-in: plain http is refused before anybody leaves the page", async () => {
    await page.route("http://app.example/**", async (route) => {
      const { pathname, search } = new URL(route.request().url());
      await route.fulfill({ response: await page.request.get(site.url + pathname + search) });
    });
    await page.goto("http://app.example/app");
    const { code, hint } = await page.evaluate<Outcome>(
      outcome(`onbehalf.redirectToSignIn({ clientId: "client-1", scope: "email" })`),
    );
    assert.equal(code, "insecure_context");
    assert.match(hint ?? "", /https/);
    assert.equal(asked.length, 0);
    assert.equal(await page.evaluate("sessionStorage.length"), 0);
  });
});
