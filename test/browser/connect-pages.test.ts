import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import {
  confirmPage,
  type ConfirmView,
  continuePage,
  type Language,
  type Outcome,
  outcomeStatus,
  outcomePage,
  pageHeaders,
} from "../../src/vault/http/connect/pages/index.ts";
import { languages } from "../../src/vault/http/connect/pages/languages/language.ts";
import { axeViolations } from "../support/axe.ts";
import { lowContrast, overflow, unnamed } from "../support/page-checks.ts";
import { launchChromium, needsChromium } from "./chromium.ts";

const view: ConfirmView = {
  language: "en",
  appName: "Notes",
  providerName: "Google",
  userLabel: "user-42",
  accountHint: "ada@example.com",
  scopes: ["openid", "email", "https://www.googleapis.com/auth/drive.appdata", "repo:status"],
  actionUrl: "/connect/c_1",
  csrf: "csrf-1",
};

/** Names as an attacker would choose them. */
const hostile: ConfirmView = {
  ...view,
  appName: `\u202e"><script>document.title = "run"</script>${"W".repeat(200)}`,
  providerName: `شركة</title><img src="http://127.0.0.1:9/x" onerror="document.title = 'run'">`,
  userLabel: `</dd></style><style>body { display: none }</style>${"x".repeat(300)}`,
  accountHint: `Z${"\u0301".repeat(90)}' style='position:fixed;inset:0`,
  scopes: ["a".repeat(400), `"><form action="https://evil.example/"><button>`],
  csrf: `"><input name="decision" value="continue">`,
};

const outcomes = Object.keys(outcomeStatus) as Outcome[];

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function listening(answer: Answer): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

describe("the pages of a connect link, in real Chromium", needsChromium, () => {
  let browser: Browser;
  let service: Server;
  let elsewhere: Server;
  let context: BrowserContext;
  let page: Page;
  /** What the service answers with to a GET. */
  let shown: string;
  let headers: Record<string, string>;
  /** What the service answers with to the form. */
  let answerForm: Answer;
  let posted: string[];
  let complaints: string[];
  /** Origins that anything was asked of, or would have been but for the policy. */
  let asked: Set<string>;
  /** What reached another origin. */
  let arrived: string[];

  before(async () => {
    browser = await launchChromium();
    service = await listening((request, response) => {
      if (request.method === "GET") {
        response.writeHead(200, headers).end(shown);
        return;
      }
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        posted.push(body);
        answerForm(request, response);
      });
    });
    // A provider that sends people on, through an origin that nobody named, to the app.
    elsewhere = await listening((request, response) => {
      arrived.push(request.url ?? "");
      const next = { "/authorize": "/federated", "/federated": "/app" }[request.url ?? ""];
      if (next === undefined) response.writeHead(200, { "content-type": "text/html" }).end("<title>arrived</title>");
      else response.writeHead(302, { location: urlOf(elsewhere).replace("127.0.0.1", "localhost") + next }).end();
    });
  });
  after(async () => {
    await browser.close();
    for (const server of [service, elsewhere]) {
      server.close();
      server.closeAllConnections();
    }
  });
  beforeEach(async (t) => {
    posted = [];
    complaints = [];
    asked = new Set();
    arrived = [];
    headers = pageHeaders({ language: "en" });
    context = await browser.newContext();
    await watch(context);
    (t as { after(ended: () => Promise<void>): void }).after(() => context.close());
  });

  async function watch(watched: BrowserContext): Promise<void> {
    page = await watched.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => complaints.push(message.text()));
    watched.on("request", (request) => asked.add(new URL(request.url()).origin));
  }

  async function show(markup: string): Promise<void> {
    shown = markup;
    await page.goto(`${urlOf(service)}/connect/c_1`);
  }

  for (const language of languages) {
    test(`the confirmation in ${language} has no fault that axe knows, light and dark, and fits into 320 pixels`, async () => {
      await page.setViewportSize({ width: 320, height: 640 });
      for (const one of [view, hostile]) {
        await show(confirmPage({ ...one, language }));
        assert.deepEqual(await overflow(page), []);
        assert.deepEqual(await unnamed(page), []);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 320);
        assert.deepEqual(await axeViolations(page), []);
        await page.emulateMedia({ colorScheme: "dark" });
        assert.deepEqual(await lowContrast(page), []);
        await page.emulateMedia({ colorScheme: "light" });
      }
      assert.deepEqual(complaints, []);
      assert.deepEqual([...asked], [urlOf(service)]);
    });
  }

  test("every page at which a link ends or goes on has no fault that axe knows, light and dark", async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    const url = "https://accounts.google.com/";
    const going = continuePage({ language: "en", providerName: "Google", url }).replace(/<meta http-equiv[^>]*>/, "");
    const detail = `<script>document.title = "run"</script>${"x".repeat(500)}`;
    const ends = outcomes.map((outcome) => outcomePage({ language: "en", outcome, providerName: "Google", detail }));
    for (const markup of [going, ...ends]) {
      await show(markup);
      assert.deepEqual(await overflow(page), []);
      assert.deepEqual(await unnamed(page), []);
      for (const colorScheme of ["dark", "light"] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await lowContrast(page), []);
      }
      assert.deepEqual(await axeViolations(page), []);
    }
    assert.deepEqual(complaints, []);
    assert.deepEqual([...asked], [urlOf(service)]);
  });

  test("with letters twice as large, in a window half as wide, nothing sticks out and nothing is cut", async () => {
    await page.setViewportSize({ width: 640, height: 480 });
    for (const language of languages) {
      await show(confirmPage({ ...view, language }));
      await page.evaluate(`document.documentElement.style.fontSize = "200%"`);
      assert.deepEqual(await overflow(page), [], language);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 640, language);
    }
  });

  test("by the keyboard one reaches going on first and cancelling next, sees where one is, and targets are large", async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    await show(confirmPage(view));
    const focused = `(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      const { height } = document.activeElement.getBoundingClientRect();
      return [document.activeElement.value, outlineStyle, parseFloat(outlineWidth) >= 2, height >= 44];
    })()`;
    await page.keyboard.press("Tab");
    assert.deepEqual(await page.evaluate(focused), ["continue", "solid", true, true]);
    await page.keyboard.press("Tab");
    assert.deepEqual(await page.evaluate(focused), ["cancel", "solid", true, true]);
    answerForm = (_request, response) =>
      response.writeHead(200, headers).end(outcomePage({ language: "en", outcome: "denied" }));
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    assert.deepEqual(posted, ["csrf=csrf-1&decision=cancel"]);
  });

  test("hostile names run nothing, load nothing, hide nothing, and do not change what the form sends", async () => {
    for (const language of languages) {
      await show(confirmPage({ ...hostile, language }));
      assert.notEqual(await page.title(), "run");
      assert.equal(await page.locator("form").count(), 1);
      assert.equal(await page.locator("img, script, iframe, [onerror]").count(), 0);
      assert.ok(await page.locator(".warning").isVisible());
    }
    answerForm = (_request, response) =>
      response.writeHead(200, headers).end(outcomePage({ language: "en", outcome: "used" }));
    await Promise.all([page.waitForNavigation(), page.click("button >> nth=0")]);
    assert.deepEqual(
      [...new URLSearchParams(posted[0])],
      [
        ["csrf", hostile.csrf],
        ["decision", "continue"],
      ],
    );
    assert.deepEqual(complaints, []);
    assert.deepEqual([...asked], [urlOf(service)]);
  });

  test("were markup to get into a page after all, its policy would run no script and apply no foreign style", async () => {
    const injected = `<script>document.title = "run"</script><style>main { display: none }</style>
      <p style="position: fixed; inset: 0">x</p><img src="${urlOf(elsewhere)}/img"><base href="${urlOf(elsewhere)}/">`;
    await show(confirmPage(view).replace("<main>", `${injected}<main>`));
    assert.notEqual(await page.title(), "run");
    assert.ok(await page.locator("main").isVisible());
    assert.equal(await page.evaluate(`getComputedStyle(document.querySelector("p")).position`), "static");
    // Its form would not leave this origin either.
    await page.evaluate(`document.querySelector("form").action = "${urlOf(elsewhere)}/app"`);
    const refused = page.waitForEvent("console", (message) => message.text().includes("form-action"));
    // A click would wait for the page that the form leads to.
    await Promise.all([refused, page.dispatchEvent("button >> nth=0", "click")]);
    assert.ok(page.url().startsWith(urlOf(service)));
    assert.deepEqual([posted, arrived], [[], []]);
  });

  for (const [what, javaScriptEnabled] of [
    ["with scripts off", false],
    ["with scripts on", true],
  ] as const) {
    test(`${what}, the button leads through the provider's own redirects, to origins that nobody named, back to the app`, async () => {
      await using quiet = await browser.newContext({ javaScriptEnabled });
      await watch(quiet);
      await show(confirmPage(view));
      const url = `${urlOf(elsewhere)}/authorize`;
      answerForm = (_request, response) =>
        response.writeHead(200, headers).end(continuePage({ language: "en", providerName: "Google", url }));
      await Promise.all([page.waitForURL("**/app"), page.click("button >> nth=0")]);
      assert.equal(await page.title(), "arrived");
      assert.deepEqual(complaints, []);
    });
  }

  test("a redirect in place of that page would end at the first origin that the policy does not name", async () => {
    headers = pageHeaders({ formTargets: [urlOf(elsewhere)] });
    await show(confirmPage(view));
    answerForm = (_request, response) => response.writeHead(303, { location: `${urlOf(elsewhere)}/authorize` }).end();
    const refused = page.waitForEvent("console", (message) => message.text().includes("form-action"));
    await Promise.all([refused, page.dispatchEvent("button >> nth=0", "click")]);
    assert.ok(page.url().startsWith(urlOf(service)));
  });

  test("a frame on another origin, and even on the same one, shows nothing of a page", async () => {
    for (const host of [urlOf(elsewhere), urlOf(service)]) {
      await page.route(`${host}/framing`, (route) =>
        route.fulfill({ contentType: "text/html", body: `<iframe src="${urlOf(service)}/connect/c_1"></iframe>` }),
      );
      shown = confirmPage(view);
      await page.goto(`${host}/framing`);
      const [frame] = page.frames().slice(1);
      assert.ok(frame);
      await frame.waitForLoadState();
      assert.equal(await frame.locator("form").count(), 0);
      assert.doesNotMatch(await frame.content(), /user-42/);
    }
  });

  test("the provider is not told the link's address", async () => {
    const referrers: (string | undefined)[] = [];
    await page.route(`${urlOf(elsewhere)}/**`, async (route) => {
      referrers.push(route.request().headers()["referer"]);
      await route.fulfill({ contentType: "text/html", body: "<title>arrived</title>" });
    });
    await show(continuePage({ language: "en", providerName: "Google", url: `${urlOf(elsewhere)}/authorize` }));
    await page.waitForURL(`${urlOf(elsewhere)}/**`);
    assert.deepEqual(referrers, [undefined]);
  });

  test("each page says its language to a screen reader", async () => {
    for (const language of languages satisfies readonly Language[]) {
      await show(outcomePage({ language, outcome: "used" }));
      assert.deepEqual(await page.evaluate("[document.documentElement.lang, document.documentElement.dir]"), [
        language,
        "ltr",
      ]);
    }
  });
});
