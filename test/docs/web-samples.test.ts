import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { generateMasterKey, google, keyringFromKeys, openVault, type Vault } from "../../src/index.ts";
import { service } from "../../src/service/index.ts";
import { type Standin } from "../../src/standin/index.ts";
import { testStandin } from "../support/test-standin.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { launchChromium, needsChromium } from "../browser/chromium.ts";
import { startSite, type Site } from "../browser/page-server.ts";
import { blocksFor } from "./block-runners.ts";

const samples = new Map(blocksFor("mobile, web").map(({ section, text }) => [section, text]));
const appData = "https://www.googleapis.com/auth/drive.appdata";

/** The samples of docs/mobile.md as they stand there, with a real service; only Google's hosts lead to the stand-in. */
describe("the web samples of docs/mobile.md, in real Chromium", needsChromium, () => {
  let browser: Browser;
  let context: BrowserContext;
  let standin: Standin;
  let folder: string;
  let vault: Vault;
  let site: Site;
  let page: Page;

  before(async () => {
    browser = await launchChromium();
    [standin, site, folder] = await Promise.all([testStandin(), startSite(), mkdtemp(join(tmpdir(), "onbehalf-"))]);
    const { clientId, clientSecret, url: baseUrl } = standin;
    vault = await openVault({
      provider: google({ clientId, clientSecret, baseUrl }),
      store: sqlite(join(folder, "grants.db")),
      keyring: keyringFromKeys(generateMasterKey()),
    });
    site.handler = service(vault);
    context = await browser.newContext();
    context.setDefaultTimeout(10_000);
    await context.route("https://accounts.google.com/**", async (route) => {
      const { pathname, search } = new URL(route.request().url());
      if (pathname !== "/gsi/client") {
        await route.fulfill({ status: 302, headers: { Location: standin.url + pathname + search } });
        return;
      }
      const script = await (await fetch(standin.url + pathname)).text();
      const home = "new URL(document.currentScript.src).origin";
      assert.ok(script.includes(home), "the stand-in's script says where it lives");
      await route.fulfill({ contentType: "text/javascript", body: script.replace(home, JSON.stringify(standin.url)) });
    });
    page = await context.newPage();
  });
  after(async () => {
    await Promise.all([browser.close(), vault.close()]);
    await Promise.all([standin.close(), site.close(), rm(folder, { recursive: true })]);
  });
  beforeEach(() => {
    standin.revoke("ada@example.com");
    site.posted.length = 0;
  });

  const agree = async (popup: Page): Promise<void> => {
    await popup.click('button[value="ada@example.com"]');
    await popup.uncheck(`input[value="${appData}"]`);
    await popup.click("#allow");
  };
  /** Text that the sample wrote for the person to see. */
  const said = async (pattern: RegExp): Promise<void> => {
    await page.locator("#said", { hasText: pattern }).waitFor();
  };
  test("the popup sample of docs/mobile.md signs in", async () => {
    site.script = samples.get("Web, popup") ?? "";
    await page.goto(site.url);
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.click("#connect")]);
    await agree(popup);
    await said(/^ada@example\.com offline=true missing=.*drive\.appdata$/);
    assert.equal(site.posted[0]?.requestedWith, "XMLHttpRequest");
    assert.equal(site.posted[0]?.form["source"], "web-popup");
  });

  test("the popup sample of docs/mobile.md shows what to do after a refusal", async () => {
    site.script = samples.get("Web, popup") ?? "";
    site.replies.push({ status: 502, body: { error: "client_misconfigured", hint: "ask whoever runs the server" } });
    await page.goto(site.url);
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.click("#connect")]);
    await agree(popup);
    await said(/^client_misconfigured: ask whoever runs the server$/);
  });

  test("the redirect sample of docs/mobile.md signs in", async () => {
    site.script = samples.get("Web, redirect") ?? "";
    await page.goto(site.url);
    await page.click("#connect");
    await agree(page);
    await said(/^ada@example\.com offline=true$/);
    assert.equal(page.url(), `${site.url}/`);
    assert.equal(site.posted[0]?.form["source"], "web-redirect");
    assert.equal(site.posted[0]?.requestedWith, "XMLHttpRequest");
  });

  test("the redirect sample of docs/mobile.md does not post a forged answer", async () => {
    site.script = samples.get("Web, redirect") ?? "";
    await page.goto(`${site.url}/?code=4/0Aforged&state=invented`);
    await said(/^state_mismatch: /);
    assert.equal(site.posted.length, 0);
  });

  test("the sample of docs/mobile.md that does without our client signs in", async () => {
    // The sample asks its readers for the script tag; a module script waits for it to be there.
    site.script = `await new Promise((resolve) => {
      const gsi = Object.assign(document.createElement("script"), { src: "https://accounts.google.com/gsi/client" });
      gsi.onload = resolve;
      document.head.append(gsi);
    });\n${samples.get("Web, without our client") ?? ""}`;
    await page.goto(site.url);
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.click("#connect")]);
    await agree(popup);
    await said(/^ada@example\.com offline=true$/);
    assert.equal(site.posted[0]?.requestedWith, "XMLHttpRequest");
    assert.equal(site.posted[0]?.form["source"], "web-popup");
  });
});
