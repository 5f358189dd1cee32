import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium, needsChromium } from "../browser/chromium.ts";
import { axeViolations } from "../support/axe.ts";
import { Demo } from "../support/demo.ts";
import {
  checkForEverybody,
  isInView,
  nextAct,
  press,
  saysHappened,
  unfold,
  visit as visitPage,
} from "../support/demo-page.ts";
import type { Visit } from "../support/demo-page.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Tokens, codes, secrets and keys, wherever they came from. */
const secretLooking = /1\/\/0[\w-]{12,}|ya29\.[\w-]{12,}|4\/0A[\w-]{12,}|GOCSPX-|ob[km]_[\w-]{20,}/;

const windows: readonly (readonly [string, BrowserContextOptions])[] = [
  ["desktop", { viewport: { width: 1280, height: 800 } }],
  ["phone", { viewport: { width: 390, height: 844 }, hasTouch: true }],
];

const ada = async (popup: Page): Promise<void> => {
  await popup.click('button[value="ada@example.com"]');
  await popup.click("#allow");
};
const allowAll = (popup: Page): Promise<void> => popup.click("#allow");
const untick = async (popup: Page): Promise<void> => {
  await popup.uncheck('input[name="scope"]');
  await popup.click("#allow");
};

describe("the demo's page, in real Chromium", needsChromium, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser.close());
  const visit = (demo: Demo, options: BrowserContextOptions = {}): Promise<Visit> => visitPage(browser, demo, options);

  for (const [name, options] of windows) {
    test(`the demo's page: the whole story, and what each act does is in view: ${name}`, async () => {
      await using demo = await Demo.start();
      const { page, complaints, origins, received } = await visit(demo, options);
      const says = (id: string, text: string | RegExp): Promise<void> =>
        page.locator(`#${id}`, { hasText: text }).waitFor();
      const act = async (id: string, next: string | undefined, inWindow?: (popup: Page) => Promise<void>) => {
        assert.equal(await nextAct(page), id);
        await press(page, id, inWindow);
        await saysHappened(page, id);
        assert.ok(await isInView(page, `#act-${id} .happened`), `what ${id} did is out of view`);
        assert.equal(await nextAct(page), next);
        await checkForEverybody(page, `${name}-${id}`);
      };

      await checkForEverybody(page, `${name}-start`);
      await says("nobody", "Nobody has signed in yet");
      await act("sign-in", "write", ada);
      await says("name", "Ada Lovelace");
      await says("state", "active");
      await page.fill("#text", "Rain since two. <b>Nothing else</b>.");
      await act("write", "read");
      await page.locator("#asleep", { hasText: "Logbook is closed." }).waitFor();
      await act("read", "later");
      await says("notes", "Rain since two. <b>Nothing else</b>.");
      await act("later", "readers");
      await says("ahead", "24 h");
      await says("tally", "1 refresh ·");
      await says("access", /valid for (?:59 min|1 h)/);
      await act("readers", "untick");
      await says("tally", "2 refreshes");
      await act("untick", "remove", untick);
      assert.match(await page.locator("#act-untick .wire").innerText(), /insufficient_scope 403\s.*has not granted/);
      await says("name", "Carl Gauß");
      assert.equal(await page.locator("#allowed .no").count(), 1);
      await page.getByRole("radio", { name: "Ada Lovelace" }).check();
      await act("remove", "find-out");
      await says("state", "active");
      await act("find-out", "again");
      await says("state", "lapsed");
      await says("lost", "Logbook has lost its access.");
      const wire = await page.locator("#act-find-out .wire").innerText();
      assert.match(
        wire,
        /vault → server reauthorization_required 409\s.*the person must sign in again, and no retry helps/,
      );
      assert.match(wire, /401 unauthorized\s.*no longer takes this access token/);
      assert.match(wire, /400 invalid_grant\s.*so the server asks again\s[\s\S]*400 invalid_grant\s.*the second look/);
      await act("again", "disconnect", allowAll);
      await says("state", "active");
      await act("disconnect", undefined);
      await says("state", "revoked");
      await says("the-end", "That is the whole story.");

      if (name === "phone") {
        await page.setViewportSize({ width: 320, height: 640 });
        await checkForEverybody(page, "at 320 pixels, as WCAG 2.2 reflow asks");
      }
      assert.deepEqual(complaints, []);
      assert.deepEqual([...origins].sort(), [demo.service, demo.standin].sort());
      const all = (await Promise.all(received)).join("\n") + (await page.content());
      assert.ok(all.length > 10_000);
      assert.equal(secretLooking.exec(all)?.[0].slice(0, 9), undefined);
    });
  }

  test("the demo's page: a reload, and a second tab, show what has happened", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo);
    await press(page, "sign-in", ada);
    await press(page, "write");
    const other = await page.context().newPage();
    await other.goto(demo.page);
    for (const tab of [other, page]) {
      if (tab === page) await page.reload();
      await saysHappened(tab, "sign-in");
      await saysHappened(tab, "write");
      await tab.locator("#asleep").waitFor();
      assert.equal(await nextAct(tab), "read");
    }
    await press(other, "read");
    await page.locator("#act-read.done").waitFor();
    await saysHappened(page, "read");
    assert.equal(await nextAct(page), "later");
  });

  test("the demo's page: a folder of an earlier run: it says who signed in then, and that the stand-in has forgotten them", async (t) => {
    const folder = await temporaryFolder(t);
    const args = ["--port", "0", "--standin-port", "0", "--data", folder];
    const first = await Demo.start({ args });
    t.after(() => first.stop());
    await first.signIn("ada@example.com");
    await first.advance(86_400);
    await first.token("ext:nobody");
    assert.equal(await first.stop(), 0);

    await using demo = await Demo.start({ args });
    const { page, complaints } = await visit(demo);
    await page.locator("#sign-in-reason", { hasText: "Ada Lovelace signed in during an earlier run" }).waitFor();
    await page.locator("#why", { hasText: "From an earlier run of this demo" }).waitFor();
    assert.equal(await nextAct(page), "sign-in");
    assert.doesNotMatch(await page.locator("main").innerText(), /nobody has signed in|not signed in/i);
    await checkForEverybody(page, "earlier-run");
    await press(page, "find-out");
    await saysHappened(page, "find-out");
    await page.locator("#state", { hasText: "lapsed" }).waitFor();
    await press(page, "again", async (popup) => {
      // The stand-in knows its two people again, and nothing that they agreed to.
      await popup.click("#allow");
    });
    await saysHappened(page, "again");
    await page.locator("#state", { hasText: "active" }).waitFor();
    assert.deepEqual(complaints, []);
  });

  test("the demo's page: the account page of the stand-in ends it as well, and a second person has a grant of their own", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo);
    await demo.signIn("ada@example.com");
    await page.locator("#name", { hasText: "Ada Lovelace" }).waitFor();
    await press(page, "sign-in", async (popup) => {
      await popup.click('button[value="carl@example.com"]');
      await popup.click("#allow");
    });
    await page.locator("#name", { hasText: "Carl Gauß" }).waitFor();
    assert.equal(await page.locator("#people-list input").count(), 2);

    await unfold(page, "remove");
    const [account] = await Promise.all([page.waitForEvent("popup"), page.click("#account-page")]);
    await account.locator(".connection", { hasText: "carl@example.com" }).getByRole("button").click();
    await account.locator("main:not(:has-text('carl@example.com'))").waitFor();
    await account.close();
    await saysHappened(page, "remove");
    await press(page, "find-out");
    await saysHappened(page, "find-out");
    await page.getByRole("radio", { name: "Ada Lovelace" }).check();
    await press(page, "read");
    await page.locator("#act-read .happened", { hasText: "on behalf of Ada Lovelace" }).waitFor();
    await page.locator("#state", { hasText: "active" }).waitFor();
  });

  test("the demo's page: who says no, or closes the window, has given nothing; who is signed in stays so", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo);
    const trouble = (text: string): Promise<void> => page.locator("#sign-in-trouble", { hasText: text }).waitFor();
    const refuse = async (popup: Page): Promise<void> => {
      await popup.click('button[value="ada@example.com"]');
      await popup.click("#deny");
    };
    await press(page, "sign-in", refuse);
    await trouble("Nobody has signed in.");
    assert.ok(await isInView(page, "#sign-in-trouble"));
    await press(page, "sign-in", (popup) => popup.close());
    await trouble("Nobody has signed in.");
    assert.deepEqual((await demo.call("/v1/grants")).body["grants"], []);

    await press(page, "sign-in", ada);
    await saysHappened(page, "sign-in");
    await press(page, "sign-in", (popup) => popup.close());
    await trouble("Ada Lovelace is signed in as before.");
    await press(page, "untick", allowAll);
    await page.locator("#untick-trouble", { hasText: "Every box was left ticked" }).waitFor();
    assert.doesNotMatch(await page.locator("main").innerText(), /nobody has signed in|not signed in/i);
  });

  test("the demo's page: an act that fails says why, in view, and is not done", async () => {
    await using demo = await Demo.start();
    const { page, complaints } = await visit(demo, { viewport: { width: 390, height: 844 } });
    await press(page, "sign-in", ada);
    await press(page, "write");
    await press(page, "read");
    await demo.control("faults", { path: "/token", method: "POST", times: "always", status: 503 });
    await press(page, "later");
    await page.locator("#later-trouble", { hasText: "503 provider_unavailable" }).waitFor();
    assert.ok(await isInView(page, "#later-trouble"));
    assert.equal(await nextAct(page), "later");
    await page.locator("#announce", { hasText: "503 provider_unavailable" }).waitFor({ state: "attached" });
    await checkForEverybody(page, "failed");
    await demo.request(`${demo.standin}/standin/faults`, { method: "DELETE" });
    await demo.advance(900);
    await press(page, "later");
    await saysHappened(page, "later");
    await page.locator("#later-trouble").waitFor({ state: "hidden" });
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes("503")),
      [],
    );
  });

  test("the demo's page: a person with a long name and address, in a window of 320 pixels", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo, { viewport: { width: 320, height: 640 } });
    const email = `${"nobody.".repeat(8)}x@${"very-long-label.".repeat(6)}example.com`;
    await demo.control("people", { email, name: `${"Donaudampfschifffahrts".repeat(4)} <i>Gesellschaft</i>` });
    await demo.signIn(email);
    await demo.signIn("ada@example.com");
    await page.locator("#people-list label").nth(1).waitFor();
    await page.getByRole("radio", { name: "Donaudampf" }).check();
    for (const act of ["remove", "again", "disconnect"]) await unfold(page, act);
    await checkForEverybody(page, "long-name");
    await press(page, "remove");
    await page.locator("#act-remove .happened", { hasText: "<i>Gesellschaft</i>" }).waitFor();
    await checkForEverybody(page, "long-name-removed");
  });

  test("the demo's page: code is copied with the mouse and with the keyboard, and says so", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo, { permissions: ["clipboard-read", "clipboard-write"] });
    const clipboard = (): Promise<string> => page.evaluate<string>("navigator.clipboard.readText()");
    await page.click("#sign-in-copy");
    await page.locator("#announce", { hasText: "Copied." }).waitFor({ state: "attached" });
    assert.equal(await page.locator("#sign-in-copy").innerText(), "Copied");
    assert.equal(await clipboard(), `${await page.locator("#sign-in-code").innerText()}\n`);
    assert.match(await clipboard(), /^CODE=\$\(curl/);

    await page.locator("#act-sign-in .languages input").first().focus();
    await page.keyboard.press("ArrowRight");
    await page.locator("#sign-in-code", { hasText: "vault.exchangeCode" }).waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.id"), "sign-in-copy");
    await page.keyboard.press("Enter");
    await page.waitForFunction("navigator.clipboard.readText().then((text) => text.includes('vault.exchangeCode'))");
    await page.click(".set-up summary");
    await checkForEverybody(page, "typescript");

    // Where the browser refuses: the text is selected, so that a key copies it.
    await page.context().clearPermissions();
    await page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))");
    await page.click("#set-up-copy");
    await page.locator("#announce", { hasText: "press Ctrl+C" }).waitFor({ state: "attached" });
    assert.match(await page.evaluate<string>("getSelection().toString()"), /openVault/);
  });

  test("the demo's page: without a mouse: everything is reached by the tab key, and is seen to be", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo);
    await demo.signIn("ada@example.com");
    await page.locator("#name", { hasText: "Ada Lovelace" }).waitFor();
    const visited: string[] = [];
    for (let presses = 0; presses < 40 && visited.at(-1) !== "scroll"; presses += 1) {
      await page.keyboard.press("Tab");
      const outlined = await page.evaluate<string>(
        "getComputedStyle(document.activeElement).outlineStyle + ' ' + getComputedStyle(document.activeElement).outlineWidth",
      );
      assert.equal(outlined, "solid 3px");
      visited.push(
        await page.evaluate<string>(
          "document.activeElement.id || document.activeElement.value || document.activeElement.parentElement.parentElement.id",
        ),
      );
    }
    const open = "act-sign-in sign-in curl sign-in-copy act-write text write curl write-copy";
    const folded = "act-read act-later act-readers act-untick act-remove act-find-out act-again act-disconnect";
    assert.equal(visited.join(" "), `${open} ${folded} set-up put-away scroll`);

    await page.focus("#text");
    await page.keyboard.press("Enter");
    await saysHappened(page, "write");
    await page.focus("#put-away");
    await page.keyboard.press("Enter");
    await page.locator("#home").waitFor();
    // An act that is not possible yet is reached, and says why.
    await unfold(page, "again");
    await page.focus("#again");
    await page.keyboard.press("Enter");
    await page.locator("#again-reason", { hasText: "There is nothing to mend" }).waitFor();
    // Focus stays where it was, however often the page looks at the server.
    const looks = page.waitForResponse(/demo\/state/);
    await looks;
    await page.waitForResponse(/demo\/state/);
    assert.equal(await page.evaluate("document.activeElement.id"), "again");
  });

  test("the demo's page: zoomed to 200 %, and in forced colours, nothing is lost", async () => {
    await using demo = await Demo.start();
    // What a window of 1280 x 800 is at 200 %.
    const { page } = await visit(demo, { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
    await press(page, "sign-in", ada);
    await saysHappened(page, "sign-in");
    assert.ok(await isInView(page, "#act-sign-in .happened"));
    await checkForEverybody(page, "zoomed");
    await page.emulateMedia({ forcedColors: "active" });
    const border = await page.evaluate<string>(
      "(({ borderTopWidth, borderTopStyle }) => borderTopWidth + borderTopStyle)(getComputedStyle(document.getElementById('act-write')))",
    );
    assert.equal(border, "2pxsolid");
    // The colours are the person's own then.
    assert.deepEqual(await axeViolations(page, "all but colours"), []);
  });

  test("the demo's page: the demo is stopped: the page says so, and goes on with the next one at the same address", async () => {
    await using demo = await Demo.start();
    const { page } = await visit(demo);
    await press(page, "sign-in", ada);
    const port = new URL(demo.service).port;
    assert.equal(await demo.stop(), 0);
    await page.locator("#trouble", { hasText: "The demo has stopped" }).waitFor();
    assert.ok(await isInView(page, "#trouble"));
    await checkForEverybody(page, "stopped");
    assert.equal(await page.getAttribute("#write", "aria-disabled"), "true");
    await using again = await Demo.start({ args: ["--port", port, "--standin-port", "0"] });
    await page.locator("#nobody", { hasText: "Nobody has signed in yet" }).waitFor();
    assert.equal(await nextAct(page), "sign-in");
    assert.equal(again.service, demo.service);
  });
});
