import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { generateMasterKey, google, keyringFromKeys, openVault, type Vault } from "../../src/index.ts";
import { service, startServer } from "../../src/service/index.ts";
import { type Standin } from "../../src/standin/index.ts";
import { testStandin } from "../support/test-standin.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { launchChromium, needsChromium } from "./chromium.ts";
import { startSite, type Site } from "./page-server.ts";

const appData = "https://www.googleapis.com/auth/drive.appdata";
const appFolder = "https://www.googleapis.com/drive/v3/files/appfolder";

describe("from the click to the API, with the real service behind the page", needsChromium, () => {
  let browser: Browser;
  let standin: Standin;
  let site: Site;
  let folder: string;
  let vault: Vault;
  let page: Page;

  before(async () => {
    browser = await launchChromium();
    [standin, site, folder] = await Promise.all([testStandin(), startSite(), mkdtemp(join(tmpdir(), "onbehalf-"))]);
    const { clientId, clientSecret, url } = standin;
    vault = await openVault({
      provider: google({ clientId, clientSecret, baseUrl: url }),
      store: sqlite(join(folder, "grants.db")),
      keyring: keyringFromKeys(generateMasterKey()),
    });
    site.handler = service(vault);
    site.script = `
      import { finishRedirect, redirectToSignIn, signIn } from "onbehalf/browser";
      const asked = { clientId: "${clientId}", scope: "email profile ${appData}" };
      const told = (promise) => promise.then(
        (value) => ({ value }),
        ({ code, hint, message }) => ({ code, hint, message }),
      );
      window.leave = (more) => redirectToSignIn({ ...asked, ...more, authorizationEndpoint: "${url}/o/oauth2/v2/auth" });
      window.back = told(finishRedirect());
      document.querySelector("#connect").addEventListener("click", () => {
        window.outcome = told(signIn({ ...asked, gsiUrl: "${url}/gsi/client", endpoint: window.endpoint ?? "/authcode", pauseMs: 1 }));
      });`;
    page = await browser.newPage();
    page.setDefaultTimeout(10_000);
  });
  after(async () => {
    await Promise.all([browser.close(), vault.close()]);
    await Promise.all([standin.close(), site.close(), rm(folder, { recursive: true })]);
  });
  beforeEach(async () => {
    standin.revoke("ada@example.com");
    site.posted.length = 0;
    await page.goto(site.url);
  });

  interface Outcome {
    readonly value?: {
      readonly subject: string;
      readonly profile: { readonly email?: string; readonly email_verified?: boolean };
      readonly grantId: string;
      readonly scopes: readonly string[];
      readonly missingScopes: readonly string[];
      readonly offline: boolean;
      readonly signInAssertion?: string;
      readonly hint?: string;
    };
    readonly code?: string;
    readonly hint?: string;
  }
  const signInWithPopup = async (untick?: string): Promise<Outcome> => {
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.click("#connect")]);
    await popup.click('button[value="ada@example.com"]');
    if (untick !== undefined) await popup.uncheck(`input[value="${untick}"]`);
    await popup.click("#allow");
    return page.evaluate<Outcome>("window.outcome");
  };
  const exchanges = (): number =>
    standin.log().entries.filter(({ parameters }) => parameters["grant_type"] === "authorization_code").length;

  test("a sign-in with the real service: the popup: signed in, and the server calls Drive while nobody is there", async () => {
    const { value } = await signInWithPopup();
    assert.ok(value !== undefined);
    assert.equal(value.profile.email, "ada@example.com");
    assert.equal(value.profile.email_verified, true);
    assert.equal(value.offline, true);
    assert.deepEqual(value.missingScopes, []);
    assert.match(value.signInAssertion ?? "", /^ey[\w-]+\.[\w-]+\.[\w-]+$/);
    const file = await vault.fetch({ subject: value.subject }, appFolder);
    assert.equal(file.status, 200);
  });

  test("a sign-in with the real service: an unticked box is missing in the page and in the grant", async () => {
    const { value } = await signInWithPopup(appData);
    assert.deepEqual(value?.missingScopes, [appData]);
    const grant = await vault.grant(value?.grantId ?? "");
    assert.ok(!grant.scopes.includes(appData));
  });

  test("a sign-in with the real service: an answer lost on the way costs nothing: the same grant, one exchange at google", async () => {
    const before = exchanges();
    site.replies.push({ fail: "cut" });
    const { value } = await signInWithPopup();
    assert.equal(value?.profile.email, "ada@example.com");
    assert.equal(site.posted.length, 2);
    assert.equal(exchanges() - before, 1);
  });

  test("a sign-in with the real service: the redirect: state, PKCE and nonce hold up at google and at the vault", async () => {
    await page.evaluate("void window.leave()");
    await page.click('button[value="ada@example.com"]');
    await page.click("#allow");
    await page.waitForURL(`${site.url}/`);
    const { value, code } = await page.evaluate<Outcome>("window.back");
    assert.equal(code, undefined);
    assert.equal(value?.profile.email, "ada@example.com");
    assert.equal(value?.offline, true);
    assert.equal(site.posted[0]?.form["source"], "web-redirect");
  });

  test("a sign-in with the real service: a nonce of another sign-in is refused", async () => {
    // What an attacker does who got hold of a code and injects it into somebody else's flow.
    await page.route(`${site.url}/authcode`, async (route) => {
      const form = new URLSearchParams(route.request().postData() ?? "");
      form.set("nonce", "another");
      await route.continue({ postData: form.toString() });
    });
    try {
      await page.evaluate("void window.leave()");
      await page.click('button[value="ada@example.com"]');
      await page.click("#allow");
      await page.waitForURL(`${site.url}/`);
      assert.equal((await page.evaluate<Outcome>("window.back")).code, "id_token_invalid");
    } finally {
      await page.unroute(`${site.url}/authcode`);
    }
  });

  test("a sign-in with the real service: a page of another origin is heard where that origin is allowed", async () => {
    const server = await startServer(vault, { port: 0, allowedOrigins: [site.url] });
    try {
      await page.evaluate(`window.endpoint = "${server.url}/authcode"`);
      const { value } = await signInWithPopup();
      assert.equal(value?.profile.email, "ada@example.com");
      assert.equal(site.posted.length, 0);
    } finally {
      await server.close();
    }
  });

  test("a sign-in with the real service: a page of an origin that is not allowed is refused before the code is spent", async () => {
    const server = await startServer(vault, { port: 0 });
    const before = exchanges();
    try {
      await page.evaluate(`window.endpoint = "${server.url}/authcode"`);
      const { code, hint } = await signInWithPopup();
      assert.equal(code, "network_error");
      assert.match(hint ?? "", /ONBEHALF_ALLOWED_ORIGINS/);
      assert.equal(exchanges(), before);
    } finally {
      await server.close();
    }
  });

  test("a sign-in with the real service: no token reaches the page", async () => {
    const answers: Promise<string>[] = [];
    page.on("response", (response) => {
      if (response.url().endsWith("/authcode")) answers.push(response.text());
    });
    const { value } = await signInWithPopup();
    const { token } = await vault.getAccessToken({ subject: value?.subject ?? "" });
    const seen = JSON.stringify([await Promise.all(answers), value]);
    assert.equal(answers.length, 1);
    assert.ok(!/ya29\.|1\/\//.test(seen));
    assert.ok(!seen.includes(token));
  });
});
