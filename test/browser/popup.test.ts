import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type Standin } from "../../src/standin/index.ts";
import { testStandin } from "../support/test-standin.ts";
import { launchChromium, needsChromium } from "./chromium.ts";
import { startSite, type Site } from "./page-server.ts";

const appData = "https://www.googleapis.com/auth/drive.appdata";

describe("the popup, in real Chromium against the stand-in", needsChromium, () => {
  let browser: Browser;
  let google: Standin;
  let site: Site;
  let page: Page;

  before(async () => {
    browser = await launchChromium();
    [google, site] = await Promise.all([testStandin(), startSite()]);
    page = await browser.newPage();
    page.setDefaultTimeout(10_000);
    // What the page does on a click, and what came of it, where a test can read it.
    site.script = `
      import { preloadGoogle, signIn } from "onbehalf/browser";
      const gsiUrl = "${google.url}/gsi/client";
      window.options = { clientId: "${google.clientId}", scope: "email profile ${appData}", gsiUrl };
      window.preload = (url = gsiUrl) => preloadGoogle(url);
      document.querySelector("#connect").addEventListener("click", () => {
        window.outcome = signIn(window.options).then(
          (value) => ({ value }),
          ({ name, code, hint, message }) => ({ name, code, hint, message }),
        );
      });`;
  });
  after(async () => {
    await Promise.all([browser.close(), google.close(), site.close()]);
  });
  beforeEach(async () => {
    google.revoke("ada@example.com");
    site.posted.length = 0;
    await page.goto(site.url);
  });

  interface Outcome {
    readonly value?: { readonly subject: string; readonly missingScopes: readonly string[] };
    readonly name?: string;
    readonly code?: string;
    readonly hint?: string;
  }
  const outcome = (): Promise<Outcome> => page.evaluate("window.outcome");
  const clickAndGetPopup = async (): Promise<Page> => {
    const popup = page.waitForEvent("popup");
    await page.click("#connect");
    return popup;
  };
  const choose = (popup: Page, email: string): Promise<void> => popup.click(`button[value="${email}"]`);
  /** What the service would do with the code: the exchange says whether it is worth anything. */
  const exchange = async (code: string, redirectUri: string): Promise<Record<string, unknown>> => {
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      client_id: google.clientId,
      client_secret: google.clientSecret,
    });
    const answer = await fetch(`${google.url}/token`, { method: "POST", body });
    return (await answer.json()) as Record<string, unknown>;
  };

  test("a popup sign-in: a click, an account, a box unticked: the code goes to the service and can be exchanged as a popup's", async () => {
    const popup = await clickAndGetPopup();
    await choose(popup, "ada@example.com");
    await popup.uncheck(`input[value="${appData}"]`);
    await Promise.all([popup.waitForEvent("close"), popup.click("#allow")]);

    const { value } = await outcome();
    assert.equal(value?.subject, "1001");
    assert.deepEqual(value?.missingScopes, ["profile", appData], "compared with what the service said was granted");
    const form = site.posted[0]?.form ?? {};
    assert.equal(site.posted[0]?.requestedWith, "XMLHttpRequest");
    assert.deepEqual(Object.keys(form).sort(), ["authCode", "scope", "source"]);
    assert.equal(form["source"], "web-popup");
    assert.equal(form["scope"], `openid email profile ${appData}`);

    const tokens = await exchange(form["authCode"] ?? "", "postmessage");
    assert.equal(typeof tokens["id_token"], "string", "openid was asked for, though the page did not");
    assert.equal(typeof tokens["refresh_token"], "string");
    assert.ok(!String(tokens["scope"]).includes(appData));
  });

  test("a popup sign-in: what the page wants reaches the authorization request", async () => {
    await page.evaluate(`Object.assign(window.options, { loginHint: "ada@example.com", includeGrantedScopes: false })`);
    const popup = await clickAndGetPopup();
    const { searchParams } = new URL(popup.url());
    assert.equal(searchParams.get("scope"), `openid email profile ${appData}`);
    assert.equal(searchParams.get("login_hint"), "ada@example.com");
    assert.equal(searchParams.get("include_granted_scopes"), "false");
    await popup.close();
    await outcome();
  });

  test("a popup sign-in: cancel on the consent page is the person's no", async () => {
    const popup = await clickAndGetPopup();
    await choose(popup, "ada@example.com");
    await Promise.all([popup.waitForEvent("close"), popup.click("#deny")]);
    const { name, code } = await outcome();
    assert.deepEqual({ name, code }, { name: "OnbehalfBrowserError", code: "access_denied" });
    assert.equal(site.posted.length, 0);
  });

  test("a popup sign-in: a closed window is told apart from a no", async () => {
    const popup = await clickAndGetPopup();
    await popup.close();
    const { code, hint } = await outcome();
    assert.equal(code, "popup_closed");
    assert.match(hint ?? "", /Cross-Origin-Opener-Policy/);
    assert.equal(site.posted.length, 0);
  });

  test("a popup sign-in: a blocked window says how to avoid it", async () => {
    await page.evaluate("window.open = () => null");
    await page.click("#connect");
    const { code, hint } = await outcome();
    assert.equal(code, "popup_failed_to_open");
    assert.match(hint ?? "", /preloadGoogle/);
  });

  test("a popup sign-in: the service's refusal reaches the page", async () => {
    site.replies.push({
      status: 400,
      body: { error: "code_rejected", error_description: "used", hint: "sign in again" },
    });
    const popup = await clickAndGetPopup();
    await choose(popup, "ada@example.com");
    await Promise.all([popup.waitForEvent("close"), popup.click("#allow")]);
    const { code, hint } = await outcome();
    assert.deepEqual({ code, hint }, { code: "code_rejected", hint: "sign in again" });
  });

  test("a popup sign-in: a script that does not load is an error, and the next try loads it", async () => {
    const failed = await page.evaluate<string>(`window.preload("${google.url}/nowhere").catch((error) => error.code)`);
    assert.equal(failed, "script_failed");
    const notTheScript = await page.evaluate<string>(
      `window.preload("${google.url}/pages/relay.js").catch((error) => error.code)`,
    );
    assert.equal(notTheScript, "script_failed");
    assert.equal(await page.evaluate("document.querySelectorAll('head script[src]').length"), 0);
    await page.evaluate("window.preload()");
    assert.equal(await page.evaluate("typeof google.accounts.oauth2.initCodeClient"), "function");
  });

  test("a popup sign-in: many callers load the script once", async () => {
    await page.evaluate("Promise.all([window.preload(), window.preload(), window.preload()])");
    await page.evaluate("window.preload()");
    assert.equal(await page.evaluate("document.querySelectorAll('head script[src]').length"), 1);
  });
});
