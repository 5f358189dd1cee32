import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium, needsChromium } from "../browser/chromium.ts";
import { Demo } from "../support/demo.ts";
import { lowContrast, overflow, unnamed } from "../support/page-checks.ts";

/** Tokens, codes, secrets and keys, wherever they came from. */
const secretLooking = /1\/\/0[\w-]{12,}|ya29\.[\w-]{12,}|4\/0A[\w-]{12,}|GOCSPX-|ob[km]_[\w-]{20,}/;

interface Visit {
  readonly page: Page;
  /** What the page wrote to the console as an error, refused requests aside. */
  readonly complaints: string[];
  /** Origins that anything was asked of. */
  readonly origins: Set<string>;
  /** Everything that the service sent to the page. */
  readonly received: Promise<string>[];
}

const windows: readonly (readonly [string, BrowserContextOptions])[] = [
  ["desktop", { viewport: { width: 1280, height: 900 } }],
  ["phone", { viewport: { width: 390, height: 844 }, hasTouch: true }],
];

/** Where pictures of each step are kept, for people to look at. Without it none are taken. */
const pictures = process.env["ONBEHALF_SCREENSHOTS"];

describe("the demo's page, in real Chromium", needsChromium, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser.close());

  const visit = async (demo: Demo, options: BrowserContextOptions): Promise<Visit> => {
    const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const [complaints, origins, received] = [[] as string[], new Set<string>(), [] as Promise<string>[]];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // The browser reports refused requests by itself; what the page makes of them is tested below.
      const refused = /status of (?:403|409) /.test(message.text());
      if (message.type() === "error" && !refused) complaints.push(message.text());
    });
    context.on("request", (request) => origins.add(new URL(request.url()).origin));
    page.on("response", (response) => {
      if (response.url().startsWith(demo.service)) received.push(response.text().catch(() => ""));
    });
    await page.goto(demo.page);
    await page.locator("#clock", { hasText: ":" }).waitFor();
    return { page, complaints, origins, received };
  };

  for (const [name, options] of windows) {
    test(`the demo's page: the whole story: ${name}`, async () => {
      await using demo = await Demo.start();
      const { page, complaints, origins, received } = await visit(demo, options);
      let step = 0;
      const look = async (what: string): Promise<void> => {
        step += 1;
        assert.deepEqual(await unnamed(page), [], what);
        assert.deepEqual(await overflow(page), [], what);
        for (const colorScheme of ["dark", "light"] as const) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await lowContrast(page), [], `${what}, ${colorScheme}`);
          await picture(page, `${name}-${step}-${what}-${colorScheme}`);
        }
      };
      const says = (id: string, text: string | RegExp): Promise<void> =>
        page.locator(`#${id}`, { hasText: text }).waitFor();

      assert.ok(await page.isDisabled("#read"));
      await page.locator("#sign-in:enabled").waitFor();
      if (name === "phone") {
        await page.setViewportSize({ width: 320, height: 640 });
        assert.deepEqual(await overflow(page), [], "at 320 pixels, as WCAG 2.2 reflow asks");
        await page.setViewportSize({ width: 390, height: 844 });
      }
      await look("start");

      const [popup] = await Promise.all([page.waitForEvent("popup"), page.click("#sign-in")]);
      await popup.click('button[value="ada@example.com"]');
      await popup.uncheck('input[name="scope"]');
      await picture(popup, `${name}-consent`);
      await popup.click("#allow");
      await says("name", "Ada Lovelace");
      await says("email", "ada@example.com");
      await says("state", "active");
      assert.equal(await page.locator("#allowed .no").count(), 1);
      await page.click("#store button");
      await says("store-said", "403 insufficient_scope");
      await says("store-said", "drive.appdata");
      await look("unticked");

      const [again] = await Promise.all([page.waitForEvent("popup"), page.click("#ask-again")]);
      await again.click("#allow");
      await page.locator("#ask-again").waitFor({ state: "hidden" });
      assert.equal(await page.locator("#allowed .no").count(), 0);
      await look("signed-in");

      await page.click("#put-away");
      await says("screen", "Logbook is closed.");
      await page.fill("#text", "Rain since two. <b>Nothing else</b>.");
      await page.click("#store button");
      await says("store-said", "Stored as note");
      await page.click("#read");
      await says("read-said", "1 note in it.");
      await says("notes", "Rain since two. <b>Nothing else</b>.");
      await look("stored-and-read");

      await page.click("#expire");
      await says("expire-said", "The access token has expired.");
      await says("ahead", "1 h");
      await page.click("#read");
      await says("read-said", "1 note in it.");
      await says("tally", "1 refresh ·");
      await says("access", /valid for (?:59 min|1 h)/);
      await look("expired");

      await page.click("#readers");
      await says("readers-said", "100 of 100 served, 1 token, 1 refresh.");
      await says("tally", "2 refreshes");
      await look("hundred-readers");

      await page.click("#remove");
      await says("remove-said", "Google has ended the access.");
      await page.click("#read");
      await says("read-said", "409 reauthorization_required");
      await says("read-said", /since \d{4}-\d\d-\d\d/);
      await says("state", "lapsed");
      await says("notice", "I can no longer reach your Drive.");
      await look("removed");

      await page.click("#put-away");
      await says("lost", "Logbook has lost its access.");
      await look("lost");
      const [third] = await Promise.all([page.waitForEvent("popup"), page.click("#ask-again")]);
      await third.click("#allow");
      await says("state", "active");
      await page.click("#read");
      await says("read-said", "1 note in it.");
      await page.getByRole("button", { name: /^Delete note/ }).click();
      await says("read-said", "Deleted note");
      await look("again");

      assert.deepEqual(complaints, []);
      assert.deepEqual([...origins].sort(), [demo.service, demo.standin].sort());
      const all = (await Promise.all(received)).join("\n") + (await page.content());
      assert.ok(all.length > 10_000);
      assert.equal(secretLooking.exec(all)?.[0].slice(0, 9), undefined);
    });
  }

  test("the demo's page: the account page of the stand-in ends it as well, and a second person has a grant of their own", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo, {});
    await demo.signIn("ada@example.com");
    await page.locator("#name", { hasText: "Ada Lovelace" }).waitFor();
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.click("#another")]);
    await popup.click('button[value="carl@example.com"]');
    await popup.click("#allow");
    await page.locator("#name", { hasText: "Carl Gauß" }).waitFor();
    assert.equal(await page.getByRole("radio").count(), 2);

    const [account] = await Promise.all([page.waitForEvent("popup"), page.click("#account-page")]);
    await account.locator(".connection", { hasText: "carl@example.com" }).getByRole("button").click();
    await account.locator("main:not(:has-text('carl@example.com'))").waitFor();
    await account.close();
    await page.click("#read");
    await page.locator("#read-said", { hasText: "409 reauthorization_required" }).waitFor();
    await page.getByRole("radio", { name: "Ada Lovelace" }).check();
    await page.click("#read");
    await page.locator("#read-said", { hasText: "The folder is empty." }).waitFor();
    await page.locator("#state", { hasText: "active" }).waitFor();
  });

  test("the demo's page: who says no, or closes the window, has given nothing", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo, {});
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.click("#sign-in")]);
    await popup.click('button[value="ada@example.com"]');
    await popup.click("#deny");
    await page.locator("#phone-said", { hasText: "Not signed in" }).waitFor();
    const [closed] = await Promise.all([page.waitForEvent("popup"), page.click("#sign-in")]);
    await closed.close();
    await page.locator("#phone-said", { hasText: "Not signed in" }).waitFor();
    assert.ok(await page.isEnabled("#sign-in"));
    assert.deepEqual((await demo.call("/v1/grants")).body["grants"], []);
  });

  test("the demo's page: without a mouse: everything is reached by the tab key, and is seen to be", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo, {});
    await demo.signIn("ada@example.com");
    await page.locator("#name", { hasText: "Ada Lovelace" }).waitFor();
    await page.locator("#another:enabled").waitFor();
    const visited: string[] = [];
    for (let presses = 0; presses < 20 && visited.at(-1) !== "scroll"; presses += 1) {
      await page.keyboard.press("Tab");
      const outlined = await page.evaluate<string>(
        "getComputedStyle(document.activeElement).outlineStyle + ' ' + getComputedStyle(document.activeElement).outlineWidth",
      );
      assert.equal(outlined, "solid 3px");
      visited.push(await page.evaluate<string>("document.activeElement.id || document.activeElement.textContent"));
    }
    const reached = ["another", "put-away", "disconnect", "text", "Store", "read", "expire", "readers"];
    assert.deepEqual(visited, [...reached, "account-page", "remove", "scroll"]);

    await page.focus("#text");
    await page.keyboard.press("Enter");
    await page.locator("#store-said", { hasText: "Stored as note" }).waitFor();
    await page.focus("#put-away");
    await page.keyboard.press("Enter");
    assert.equal(await page.getAttribute("#put-away", "aria-pressed"), "true");
    // Focus stays where it was, however often the page looks at the server.
    await page.waitForTimeout(1_300);
    assert.equal(await page.evaluate("document.activeElement.id"), "put-away");
  });

  test("the demo's page: the demo is stopped: the page says so", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo, {});
    assert.equal(await demo.stop(), 0);
    await page.locator("#trouble", { hasText: "The demo does not answer." }).waitFor();
  });
});

async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  await page.evaluate("scrollTo(0, 0)");
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}
