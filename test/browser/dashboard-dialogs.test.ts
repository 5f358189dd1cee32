/** Every question that the dashboard puts in front of its page: who can use it, how it is left, and where the focus is then. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { axeViolations } from "../support/axe.ts";
import { overflow, smallTargets, unnamed } from "../support/page-checks.ts";
import { usualScope } from "../support/test-vault.ts";
import { launchChromium, needsChromium } from "./chromium.ts";
import { startDashboardFixture } from "./dashboard-fixture.ts";
import type { DashboardFixture } from "./dashboard-fixture.ts";
import { signIn, windows } from "./dashboard-visit.ts";

/** A question, and how an operator comes to it. */
interface Question {
  readonly title: RegExp;
  readonly place: string;
  /** The button that opens it. */
  readonly opener: RegExp;
  /** What is done in the first question until this one is there. */
  readonly next?: (page: Page) => Promise<void>;
}

describe("the dashboard's dialogs, in real Chromium", needsChromium, () => {
  let browser: Browser;
  let fixture: DashboardFixture;
  let grantPage: string;
  let withoutUser: string;

  before(async () => {
    browser = await launchChromium();
    fixture = await startDashboardFixture();
    const { vault, standin, clock } = fixture;
    const code = (email: string) => ({ code: standin.code({ email, scope: usualScope }), provider: "google" });
    const { grantId } = await vault.exchangeCode({ ...code("bert@example.com"), externalId: "bert" });
    clock.advance(1_000);
    withoutUser = `#/grants/${(await vault.exchangeCode(code("nobody@example.com"))).grantId}`;
    grantPage = `#/grants/${grantId}`;
    for (const window of Object.keys(windows)) {
      const { caller } = await vault.callers.create(`jobs-${window}`, { allow: ["token"] });
      await vault.sessions.create(caller, { allow: ["token"], grants: ["ext:bert"] });
    }
  });
  after(async () => {
    await browser.close();
    await fixture.close();
    assert.deepEqual(fixture.faults, []);
  });

  const press = (name: string) => (page: Page) => page.getByRole("dialog").getByRole("button", { name }).click();
  /** @param jobs a caller */
  const questions = (jobs: string): readonly Question[] => [
    { title: /^Make a reconnect link$/, place: grantPage, opener: /^Reconnect link/ },
    { title: /^Send this link$/, place: grantPage, opener: /^Reconnect link/, next: press("Make the link") },
    { title: /^No link can be made$/, place: withoutUser, opener: /^Reconnect link/ },
    { title: /^Disconnect bert\?$/, place: grantPage, opener: /^Disconnect/ },
    { title: /^New caller$/, place: "#/callers", opener: /^New caller/ },
    { title: new RegExp(`^Narrow ${jobs}$`), place: "#/callers", opener: new RegExp(`^Narrow: ${jobs}`) },
    { title: new RegExp(`^Rotate the key of ${jobs}$`), place: "#/callers", opener: new RegExp(`^Rotate: ${jobs}`) },
    { title: /^The /, place: "#/callers", opener: new RegExp(`^Rotate: ${jobs}`), next: press("Make the new key") },
    { title: new RegExp(`^New session of ${jobs}$`), place: "#/callers", opener: new RegExp(`^Session: ${jobs}`) },
    {
      title: new RegExp(`^End all sessions of ${jobs}`),
      place: "#/callers",
      opener: new RegExp(`^End sessions: ${jobs}`),
    },
    { title: new RegExp(`^Revoke the key of ${jobs}`), place: "#/callers", opener: new RegExp(`^Revoke: ${jobs}`) },
    { title: /^End a session of jobs/, place: "#/callers", opener: /^End: / },
    { title: /^Let somebody in$/, place: "#/operators", opener: /^Let somebody in/ },
    { title: /^The link$/, place: "#/operators", opener: /^Let somebody in/, next: press("Make the link") },
    { title: /\?$/, place: "#/operators", opener: /^End: the sign-in/ },
  ];

  for (const [name, options] of Object.entries(windows)) {
    test(`each question of the dashboard can be used by everybody, light and dark, fits, and has one thing to do first: ${name}`, async () => {
      // A second sign-in, that there is one to be ended.
      const second = await signIn(browser, fixture, options);
      const { page, context, complaints, open } = await signIn(browser, fixture, options);
      for (const { title, place, opener, next } of questions(`jobs-${name}`)) {
        const what = `${title.source} at ${place}`;
        await open(place);
        const button = page.getByRole("button", { name: opener }).first();
        await button.click();
        await next?.(page);
        const dialog = page.getByRole("dialog", { name: title });
        await dialog.and(page.locator(":not(:has(.ghost))")).waitFor();
        assert.equal(await page.getByRole("dialog").count(), 1, what);
        await page.emulateMedia({ colorScheme: "light" });
        assert.deepEqual(await axeViolations(page), [], what);
        assert.deepEqual(await unnamed(page), [], what);
        assert.deepEqual(await overflow(page), [], what);
        if (name === "phone") assert.deepEqual(await smallTargets(page, 40), [], what);
        assert.equal(await dialog.locator(".button:is(.primary, .danger)").count(), 1, what);
        // Enter alone, pressed once too often, must end nothing.
        assert.equal(await dialog.locator(".danger:focus").count(), 0, what);
        await page.emulateMedia({ colorScheme: "dark" });
        assert.deepEqual(await axeViolations(page, "colours"), [], `${what}, dark`);
        // However long one goes on with Tab, what has the focus is in the question, or in the browser's own frame.
        for (let n = 0; n < 12; n += 1) {
          await page.keyboard.press("Tab");
          assert.ok(await page.evaluate<boolean>(isInside), `${what}: Tab has left it`);
        }
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
        await page
          .locator(":focus")
          .and(page.getByRole("button", { name: opener }))
          .waitFor();
      }
      assert.deepEqual(complaints, []);
      await Promise.all([context.close(), second.context.close()]);
    });
  }
});

const isInside = `document.activeElement === document.body || document.activeElement.closest("dialog") !== null`;
