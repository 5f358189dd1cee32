import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Browser, type BrowserContext, type Page } from "playwright-core";
import { type Standin } from "../../../src/standin/index.ts";
import { testStandin } from "../../support/test-standin.ts";
import { launchChromium, needsChromium } from "../../browser/chromium.ts";
import { appData, exchange } from "../talk.ts";

/** A site of one page, which loads the script as an app's page would. */
function startPage(standin: Standin): Promise<Server> {
  const body = `<!doctype html><title>App</title><script src="${standin.url}/gsi/client"></script>`;
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end(body);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

describe("/gsi/client and the pages behind it, in real Chromium", needsChromium, () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let standin: Standin;
  let server: Server;
  let origin: string;

  before(async () => {
    [browser, standin] = await Promise.all([launchChromium(), testStandin()]);
    server = await startPage(standin);
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  after(async () => {
    await Promise.all([browser.close(), standin.close()]);
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => {
    await context?.close();
    standin.revoke("ada@example.com");
    context = await browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
  });

  /** Starts a popup from the page; `window.answer` and `window.failure` tell what came of it. */
  async function openPopup(config: Record<string, unknown>): Promise<Page> {
    await page.goto(`${origin}/app`);
    const popup = page.waitForEvent("popup");
    const whole = { client_id: standin.clientId, scope: `openid email ${appData}`, ...config };
    await page.evaluate(`
      window.answer = new Promise((resolve, reject) => {
        const client = google.accounts.oauth2.initCodeClient({
          ...${JSON.stringify(whole)},
          ux_mode: "popup",
          callback: resolve,
          error_callback: (error) => reject(error.type),
        });
        client.requestCode();
      });
      void window.answer.catch(() => {});
    `);
    return popup;
  }

  test("/gsi/client hands the code to the page that opened the popup, and the popup closes itself", async () => {
    const popup = await openPopup({ state: "s-1" });
    await popup.getByRole("button", { name: "ada@example.com" }).click();
    await popup.getByLabel("configuration data").uncheck();
    await popup.getByRole("button", { name: "Continue" }).click();
    const answer = await page.evaluate<Record<string, string>>("window.answer");
    assert.deepEqual([answer["state"], answer["authuser"], answer["prompt"]], ["s-1", "0", "consent"]);
    assert.equal(answer["scope"], "openid https://www.googleapis.com/auth/userinfo.email");
    const granted = await page.evaluate(
      `window.answer.then((answer) => google.accounts.oauth2.hasGrantedAllScopes(answer, "${appData}"))`,
    );
    assert.equal(granted, false);
    const { status, body } = await exchange(standin, answer["code"] ?? "", { redirect_uri: origin });
    assert.equal(status, 200);
    assert.equal(typeof body["refresh_token"], "string", "the popup asks for offline access by itself");
    if (!popup.isClosed()) await popup.waitForEvent("close");
  });

  test("/gsi/client passes a refusal on, and tells a closed popup from it", async () => {
    const refused = await openPopup({});
    await refused.getByRole("button", { name: "ada@example.com" }).click();
    await refused.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await page.evaluate("window.answer.then(({ error }) => error)"), "access_denied");
    const closed = await openPopup({});
    await closed.close();
    assert.equal(await page.evaluate("window.answer.catch((type) => type)"), "popup_closed");
  });

  test("/gsi/client redirects where the page asks for it, to the page itself unless told otherwise", async () => {
    await page.goto(`${origin}/app?x=1`);
    await page.evaluate(`
      google.accounts.oauth2.initCodeClient({
        client_id: "${standin.clientId}", scope: "openid", ux_mode: "redirect", state: "s-2", login_hint: "ada@example.com",
      }).requestCode();
    `);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.waitForURL(/[?&]code=/);
    const { origin: at, pathname, searchParams } = new URL(page.url());
    assert.deepEqual([at, pathname, searchParams.get("state")], [origin, "/app", "s-2"]);
    const { status } = await exchange(standin, searchParams.get("code") ?? "", { redirect_uri: `${origin}/app` });
    assert.equal(status, 200);
  });

  test("/gsi/client works without scripts, down to a phone's width", async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } });
    const visitor = await plain.newPage();
    visitor.setDefaultTimeout(10_000);
    const request = new URLSearchParams({
      client_id: standin.clientId,
      redirect_uri: `${origin}/callback`,
      response_type: "code",
      scope: `openid email profile ${appData}`,
    });
    await visitor.goto(`${standin.url}/o/oauth2/v2/auth?${request.toString()}`);
    await visitor.getByLabel("Another account").fill("grace.hopper@example.com");
    await visitor.getByRole("button", { name: "Next" }).click();
    const box = await visitor.locator("html").evaluate((html) => [html.scrollWidth, html.clientWidth]);
    assert.equal(box[0], box[1], "nothing sticks out");
    await visitor.getByRole("button", { name: "Continue" }).click();
    await visitor.waitForURL(`${origin}/callback?*`);
    assert.ok(new URL(visitor.url()).searchParams.get("code"));
    await plain.close();
  });

  test("/gsi/client refuses a page whose origin is not registered: nothing is handed over", async () => {
    const strict = standin.client({ javascriptOrigins: ["https://app.example"], loopback: false });
    const popup = await openPopup({ client_id: strict.clientId });
    await popup.getByText("Error 400: redirect_uri_mismatch").waitFor();
  });
});
