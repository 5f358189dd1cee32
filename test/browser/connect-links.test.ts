import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { axeViolations } from "../support/axe.ts";
import { overflow } from "../support/page-checks.ts";
import { launchChromium, needsChromium } from "./chromium.ts";
import { type ConnectApp } from "./connect-app.ts";
import { type ConnectFixture, startConnectFixture } from "./connect-fixture.ts";

/** One person's browser, with what it did. */
interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What stood in the console, and errors of scripts. */
  readonly complaints: string[];
  /** Origins that anything was asked of. */
  readonly origins: Set<string>;
}

describe("connect links in real Chromium", needsChromium, () => {
  let browser: Browser;
  let fixture: ConnectFixture;
  let app: ConnectApp;
  /** A site that nobody should trust. */
  let evil: Server;
  let evilUrl: string;
  let evilPage: string;
  let contexts: BrowserContext[];

  before(async () => {
    browser = await launchChromium();
    fixture = await startConnectFixture();
    ({ app } = fixture);
    evil = createServer((_request, response) => response.writeHead(200, { "content-type": "text/html" }).end(evilPage));
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    evilUrl = `http://evil.localhost:${String((evil.address() as AddressInfo).port)}`;
  });
  after(async () => {
    await browser.close();
    evil.close();
    evil.closeAllConnections();
    await fixture.close();
  });
  beforeEach(async () => {
    contexts = [];
    evilPage = "";
    app.proves = true;
    app.link = {};
    app.returns.length = 0;
    await fixture.forget();
  });
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    assert.deepEqual(fixture.faults, []);
  });

  async function visitor(options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ locale: "en-GB", ...options });
    contexts.push(context);
    const [complaints, origins] = [[] as string[], new Set<string>()];
    context.on("request", (request) => origins.add(new URL(request.url()).origin));
    context.on("console", (message) => complaints.push(message.text()));
    context.on("weberror", (error) => complaints.push(error.error().message));
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    return { page, context, complaints, origins };
  }

  /** Somebody who is signed in to the app. */
  async function signedIn(user: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const one = await visitor(options);
    await one.page.goto(`${app.url}/login?user=${user}`);
    return one;
  }

  /** Presses the app's button, and does not follow the link that it makes. */
  async function makesLink({ page }: Visitor): Promise<string> {
    app.leads = false;
    await page.click("#connect");
    await page.waitForURL(`${app.url}/connect`);
    app.leads = true;
    return app.lastLink.url;
  }

  const linkOf = async (user: string): Promise<string> => makesLink(await signedIn(user));

  const goOn = (page: Page): Promise<void> => page.click('button[name="decision"][value="continue"]');

  /** At the provider: chooses an account, and allows or refuses what is asked for. */
  async function consent(page: Page, email: string, decision: "#allow" | "#deny" = "#allow"): Promise<void> {
    await page.click(`button[name="email"][value="${email}"]`);
    await page.click(decision);
  }

  /** Consents, and is sent back with an address that the service does not see. */
  const stoppedCallback = (page: Page, email: string): Promise<string> =>
    fixture.stoppedCallback(() => consent(page, email));

  const heading = (page: Page): Promise<string> => page.locator("h1").innerText();

  test("a person connects an account from the app: one code is sent, and no page complains or asks anybody else", async () => {
    const ada = await signedIn("ada");
    await ada.page.click("#connect");
    await consent(ada.page, "ada@example.com");
    await ada.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await ada.page.title(), "connected");
    assert.deepEqual(
      (await fixture.grants()).map(({ externalId }) => externalId),
      ["ada"],
    );
    assert.equal(fixture.exchanges().length, 1);
    assert.deepEqual(ada.complaints, []);
    assert.deepEqual([...ada.origins].sort(), [app.url, fixture.service, fixture.provider].sort());
  });

  for (const javaScriptEnabled of [true, false]) {
    test(`without a challenge, scripts ${javaScriptEnabled ? "on" : "off"}, a page says whose account will be connected to whom, before the provider is asked`, async () => {
      app.proves = false;
      const ada = await signedIn("ada", { javaScriptEnabled });
      await ada.page.click("#connect");
      for (const text of ["Connect your", "User account in", "ada", "Is the user account in"])
        assert.ok((await ada.page.locator("main").innerText()).includes(text), text);
      assert.equal(fixture.askedProvider().length, 0);
      await goOn(ada.page);
      await consent(ada.page, "ada@example.com");
      await ada.page.waitForURL(`${app.returnUrl}**`);
      assert.equal(await ada.page.title(), "came back: finished");
      assert.equal((await fixture.grants()).length, 1);
      assert.deepEqual(ada.complaints, []);
      assert.deepEqual([...ada.origins].sort(), [app.url, fixture.service, fixture.provider].sort());
    });
  }

  test("a link without a challenge in somebody else's browser names the other one's user, and who cancels there has stored nothing and ended it", async () => {
    app.proves = false;
    const link = await linkOf("mallory");
    const victim = await signedIn("ada");
    await victim.page.goto(link);
    assert.match(await victim.page.locator("main").innerText(), /mallory/);
    await victim.page.click(`button[value="cancel"]`);
    await victim.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await victim.page.title(), "came back: error access_denied");
    assert.equal(await fixture.nothingStored(), true);
    await victim.page.goto(link);
    assert.equal(await victim.page.locator('button[value="continue"]').count(), 0);
    assert.equal(fixture.askedProvider().length, 0);
  });

  test("a link with a challenge in somebody else's browser stores nothing: the app there does not know it, and no wrong verifier finishes it", async () => {
    const link = await linkOf("mallory");
    const victim = await signedIn("ada");
    await victim.page.goto(link);
    await consent(victim.page, "ada@example.com");
    await victim.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await victim.page.title(), "not begun here");
    assert.equal(await fixture.nothingStored(), true);
    const { connect_id: id } = app.lastLink;
    for (const body of [{}, { code_verifier: "v".repeat(43) }, { code_verifier: "" }]) {
      const { status, error } = await fixture.finish(id, body);
      assert.ok(status >= 400 && status < 500, `${String(status)} ${String(error)}`);
    }
    assert.equal(await fixture.nothingStored(), true);
  });

  test("the provider's own page of somebody else's link, opened in another browser, ends nowhere: its code is not sent", async () => {
    const mallory = await signedIn("mallory");
    await mallory.page.click("#connect");
    const authorization = mallory.page.url();
    assert.ok(authorization.startsWith(fixture.provider));
    const victim = await signedIn("ada");
    await victim.page.goto(authorization);
    await consent(victim.page, "ada@example.com");
    await victim.page.waitForURL(`${fixture.service}/connect/**`);
    assert.equal(await heading(victim.page), "Please continue where you started");
    assert.equal(fixture.exchanges().length, 0);
    assert.equal(await fixture.nothingStored(), true);
  });

  test("an attacker's answer, opened in a victim's browser, plants no account: its code is not sent", async () => {
    const mallory = await signedIn("mallory");
    await mallory.page.click("#connect");
    const address = await stoppedCallback(mallory.page, "carl@example.com");
    const victim = await signedIn("ada");
    // A victim who has a sign-in of their own under way is no easier.
    await victim.page.click("#connect");
    await victim.page.goto(address);
    assert.equal(await heading(victim.page), "Please continue where you started");
    assert.equal(fixture.exchanges().length, 0);
    assert.equal(await fixture.nothingStored(), true);
  });

  test("whoever began a link cannot finish it with what somebody else's browser brought back", async () => {
    app.link = { return_code_required: true };
    const mallory = await signedIn("mallory");
    const url = await makesLink(mallory);
    const { connect_id: id } = app.lastLink;
    const victim = await visitor();
    await victim.page.goto(url);
    await consent(victim.page, "ada@example.com");
    await victim.page.waitForURL(`${app.returnUrl}**`);
    // Mallory knows the id, and her session has the verifier. What the victim's browser was given she has not.
    for (const query of [
      `connect_id=${id}&status=pending`,
      `connect_id=${id}&status=pending&return_code=${"A".repeat(43)}`,
    ]) {
      await mallory.page.goto(`${app.returnUrl}?${query}`);
      assert.equal(await mallory.page.title(), "refused: verifier_mismatch");
    }
    assert.equal(await fixture.nothingStored(), true);
  });

  test("whoever began a link finishes it with what their own browser brought back", async () => {
    app.link = { return_code_required: true };
    const ada = await signedIn("ada");
    await ada.page.click("#connect");
    await consent(ada.page, "ada@example.com");
    await ada.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await ada.page.title(), "connected");
    assert.match(new URL(ada.page.url()).searchParams.get("return_code") ?? "", /^[\w-]{43}$/);
  });

  for (const proves of [true, false]) {
    test(`a link ${proves ? "with" : "without"} a challenge that was used leads nobody to the provider again`, async () => {
      app.proves = proves;
      const ada = await signedIn("ada");
      await ada.page.click("#connect");
      if (!proves) await goOn(ada.page);
      await consent(ada.page, "ada@example.com");
      await ada.page.waitForURL(`${app.returnUrl}**`);
      for (const one of [ada, await visitor()]) {
        await one.page.goto(app.lastLink.url);
        assert.equal(await heading(one.page), "This link has been used already");
      }
      assert.equal(fixture.askedProvider().length, 1);
      assert.equal(fixture.exchanges().length, 1);
    });
  }

  test("an answer of the provider that comes again, in the same browser or in another, does nothing more", async () => {
    const ada = await signedIn("ada");
    await ada.page.click("#connect");
    const address = await stoppedCallback(ada.page, "ada@example.com");
    await ada.page.goto(address);
    await ada.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await ada.page.title(), "connected");
    await ada.page.goto(address);
    const other = await visitor();
    await other.page.goto(address);
    assert.ok(other.page.url().startsWith(fixture.service));
    assert.equal(fixture.exchanges().length, 1);
    assert.equal((await fixture.grants()).length, 1);
  });

  const bent: [what: string, bend: (answer: URLSearchParams) => void][] = [
    ["a state that nobody sent", (answer) => answer.set("state", "A".repeat(43))],
    ["an empty state", (answer) => answer.set("state", "")],
    ["no state", (answer) => answer.delete("state")],
    ["its state twice", (answer) => answer.append("state", answer.get("state") ?? "")],
    ["the issuer of another provider", (answer) => answer.set("iss", "https://login.microsoftonline.com/common/v2.0")],
    ["the issuer in other letters", (answer) => answer.set("iss", "https://ACCOUNTS.google.com/")],
    ["two issuers", (answer) => answer.append("iss", "https://evil.example")],
    ["two codes", (answer) => answer.append("code", "4/another")],
    ["a code and an error", (answer) => answer.set("error", "access_denied")],
  ];
  for (const [what, bend] of bent) {
    test(`an answer with ${what} stores nothing, and its code is not sent`, async () => {
      const ada = await signedIn("ada");
      await ada.page.click("#connect");
      const address = new URL(await stoppedCallback(ada.page, "ada@example.com"));
      bend(address.searchParams);
      await ada.page.goto(address.href);
      assert.equal(fixture.exchanges().length, 0);
      assert.equal(await fixture.nothingStored(), true);
    });
  }

  test("a provider that sends people on to another one, in that one's name, gets none of its codes", async () => {
    app.link = { provider: "other" };
    const ada = await signedIn("ada");
    await ada.page.click("#connect");
    assert.ok(ada.page.url().startsWith(fixture.provider));
    await consent(ada.page, "ada@example.com");
    await ada.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await ada.page.title(), "came back: error issuer_mismatch");
    assert.deepEqual([fixture.otherExchanges, fixture.exchanges()], [[], []]);
    assert.equal(await fixture.nothingStored(), true);
  });

  test("nobody changes where a link leads back to: not with its query, its form or its answer, and not to an address off the list", async () => {
    const others: [url: string, error: string][] = [
      ["https://evil.example/back", "return_url_not_allowed"],
      [`${app.returnUrl}er`, "return_url_not_allowed"],
      [`${app.returnUrl}/deeper`, "return_url_not_allowed"],
      [`${app.returnUrl}/../evil`, "invalid_request"],
      ["javascript:alert(1)", "invalid_request"],
    ];
    for (const [url, error] of others) {
      const said = await fixture.link({ external_id: "ada", return_url: url });
      assert.deepEqual([said.status, said.error], [400, error], url);
    }
    app.proves = false;
    const ada = await signedIn("ada");
    const link = await linkOf("ada");
    const more = `return_url=${encodeURIComponent(`${evilUrl}/`)}&redirect_uri=${encodeURIComponent(`${evilUrl}/`)}`;
    await ada.page.goto(`${link}?${more}`);
    await ada.page.evaluate(`{
      const input = document.createElement("input");
      Object.assign(input, { name: "return_url", value: "${evilUrl}/" });
      document.querySelector("form").append(input);
    }`);
    await goOn(ada.page);
    const address = await stoppedCallback(ada.page, "ada@example.com");
    await ada.page.goto(`${address}&${more}`);
    await ada.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await ada.page.title(), "came back: finished");
    assert.ok(!ada.origins.has(evilUrl));
  });

  for (const proves of [true, false]) {
    test(`${proves ? "with" : "without"} a challenge, a refusal at the provider leads back to the app with its word, and stores nothing`, async () => {
      app.proves = proves;
      const ada = await signedIn("ada");
      await ada.page.click("#connect");
      if (!proves) await goOn(ada.page);
      await consent(ada.page, "ada@example.com", "#deny");
      await ada.page.waitForURL(`${app.returnUrl}**`);
      assert.equal(await ada.page.title(), "came back: error access_denied");
      assert.equal(await fixture.nothingStored(), true);
      assert.deepEqual(ada.complaints, []);
    });
  }

  test("a script in error_description is run nowhere, and does not get to the app", async () => {
    const script = `"><script>document.title="run"</script><img src=x onerror='document.title="run"'>`;
    const ada = await signedIn("ada");
    await ada.page.click("#connect");
    const asked = new URL(ada.page.url());
    const state = asked.searchParams.get("state") ?? "";
    const callback = `${fixture.service}/connect/callback`;
    for (const from of ["A".repeat(43), state]) {
      const answer = new URLSearchParams({ error: script, error_description: script, state: from, error_uri: script });
      await ada.page.goto(`${callback}?${answer.toString()}`);
      assert.equal(await ada.page.locator("script, img").count(), 0);
      assert.doesNotMatch(await ada.page.locator("html").innerText(), /script|onerror/);
    }
    assert.equal(await ada.page.title(), "came back: error provider_error");
    assert.doesNotMatch(ada.page.url(), /script/);
    assert.equal(await fixture.nothingStored(), true);
  });

  test("a frame on another origin shows nothing of a link, of its answer, or of where it ends", async () => {
    app.proves = false;
    const link = await linkOf("ada");
    const victim = await visitor();
    for (const address of [
      link,
      `${fixture.service}/connect/callback?state=x&code=y`,
      `${fixture.service}/connect/nothing`,
    ]) {
      evilPage = `<iframe src="${address}"></iframe>`;
      await victim.page.goto(evilUrl);
      const [frame] = victim.page.frames().slice(1);
      assert.ok(frame);
      await frame.waitForLoadState();
      // What Chromium shows in place of what may not be framed.
      assert.match(frame.url(), /^chrome-error:/, address);
      assert.equal(await frame.locator("form").count(), 0, address);
    }
    assert.equal(fixture.askedProvider().length, 0);
  });

  test("another site's form cannot press the button of a confirmation", async () => {
    app.proves = false;
    const link = await linkOf("mallory");
    const victim = await visitor();
    // The victim has seen the page before, so whatever a browser keeps is there.
    await victim.page.goto(link);
    const action = (await victim.page.getAttribute("form", "action")) ?? "";
    const csrf = (await victim.page.getAttribute('input[name="csrf"]', "value")) ?? "";
    const mallory = await visitor();
    await mallory.page.goto(link);
    const hers = (await mallory.page.getAttribute('input[name="csrf"]', "value")) ?? "";
    for (const token of ["", csrf.slice(0, -1), hers]) {
      evilPage = `<form method="post" action="${new URL(action, link).href}">
        <input name="csrf" value="${token}"><button name="decision" value="continue">Win</button></form>`;
      await victim.page.goto(evilUrl);
      await victim.page.click("button");
      await victim.page.waitForLoadState();
      assert.equal(fixture.askedProvider().length, 0);
    }
    assert.equal(await fixture.nothingStored(), true);
  });

  for (const proves of [true, false]) {
    test(`a program that looks ahead at a link ${proves ? "with" : "without"} a challenge does not use it up`, async () => {
      app.proves = proves;
      const ada = await signedIn("ada");
      const link = await makesLink(ada);
      await fetch(link, { method: "HEAD", redirect: "manual" });
      await fetch(link, { headers: { "sec-purpose": "prefetch" }, redirect: "manual" });
      // A chat that opens it as a person would sees the page. A link with a challenge is for a redirect, and stands in no chat.
      if (!proves) await fetch(link, { redirect: "manual" });
      await ada.page.goto(link);
      if (!proves) await goOn(ada.page);
      await consent(ada.page, "ada@example.com");
      await ada.page.waitForURL(`${app.returnUrl}**`);
      assert.equal(await ada.page.title(), proves ? "connected" : "came back: finished");
    });
  }

  test("two links that one person has begun in two tabs end each as its own", async () => {
    const ada = await signedIn("ada");
    await ada.page.click("#connect");
    const first = app.lastLink.connect_id;
    const second = await ada.context.newPage();
    await second.goto(`${app.url}/connect`);
    assert.notEqual(app.lastLink.connect_id, first);
    await consent(ada.page, "ada@example.com");
    await ada.page.waitForURL(`${app.returnUrl}**`);
    assert.equal(await ada.page.title(), "connected");
    assert.equal(new URL(ada.page.url()).searchParams.get("connect_id"), first);
    await consent(second, "ada@example.com");
    await second.waitForURL(`${app.returnUrl}**`);
    assert.equal(await second.title(), "connected");
  });

  test("a site that opens a link in a window of its own gets no hold of that window", async () => {
    app.proves = false;
    const link = await linkOf("ada");
    const victim = await visitor();
    evilPage = `<button onclick='window.opened = window.open(${JSON.stringify(link)})'>Open</button>`;
    await victim.page.goto(evilUrl);
    const [popup] = await Promise.all([victim.page.waitForEvent("popup"), victim.page.click("button")]);
    await popup.waitForLoadState();
    assert.equal(await popup.locator("h1").count(), 1);
    assert.equal(await popup.evaluate("window.opener"), null);
    assert.equal(await victim.page.evaluate("window.opened.closed"), true);
  });

  test("a link that is unknown, expired or begun elsewhere ends on a readable page in the browser's language", async () => {
    const said: [locale: string, title: string][] = [
      ["en-US", "This link does not work"],
      ["de-AT", "Dieser Link funktioniert nicht"],
      ["es-419", "Este enlace no funciona"],
      ["ko-KR", "사용할 수 없는 링크입니다"],
      ["fr-CA", "Ce lien ne fonctionne pas"],
      ["nl-NL", "This link does not work"],
    ];
    for (const [locale, title] of said) {
      const { page, complaints } = await visitor({ locale, viewport: { width: 320, height: 640 } });
      await page.goto(`${fixture.service}/connect/${"A".repeat(43)}`);
      assert.equal(await heading(page), title);
      assert.deepEqual(await overflow(page), []);
      assert.deepEqual(await axeViolations(page), []);
      // Chromium itself notes the status of the answer.
      assert.deepEqual(
        complaints.filter((text) => !/status of 4\d\d/.test(text)),
        [],
      );
    }
    const ada = await signedIn("ada");
    const link = await linkOf("ada");
    fixture.clock.advance(16 * 60_000);
    await ada.page.goto(link);
    assert.equal(await heading(ada.page), "This link has expired");
    assert.equal(fixture.askedProvider().length, 0);
  });
});
