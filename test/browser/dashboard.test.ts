/** The dashboard as people see it: in real Chromium, on a large screen and on a phone, light and dark. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { axeViolations } from "../support/axe.ts";
import { overflow, smallTargets, unnamed } from "../support/page-checks.ts";
import { findSecret } from "../support/secret-encodings.ts";
import { appData } from "../support/test-vault.ts";
import { launchChromium, needsChromium } from "./chromium.ts";
import { longNames, startDashboardFixture } from "./dashboard-fixture.ts";
import type { DashboardFixture } from "./dashboard-fixture.ts";
import { keptByBrowser, settled, signIn, strange, windows } from "./dashboard-visit.ts";

describe("the dashboard, in real Chromium", needsChromium, () => {
  let browser: Browser;
  let filled: DashboardFixture;
  let empty: DashboardFixture;

  before(async () => {
    browser = await launchChromium();
    [filled, empty] = await Promise.all([startDashboardFixture(), startDashboardFixture()]);
    await filled.fill();
  });
  after(async () => {
    await browser.close();
    await Promise.all([filled.close(), empty.close()]);
    assert.deepEqual([...filled.faults, ...empty.faults], []);
  });

  const idOf = (externalId: string): string => filled.grants.get(externalId)?.grantId ?? "";

  /** Every view, with what makes it long or odd. */
  const lists = ["#/", "#/grants", "#/grants?q=user-10", "#/grants?q=nobody", "#/callers", "#/operators", "#/setup"];
  const single = (): readonly string[] => [
    "#/grants?state=lapsed&reason=invalid_grant&provider=google",
    ...["user-1001", "user-1006", "user-1007", "team-2", longNames.externalId].map((each) => `#/grants/${idOf(each)}`),
    "#/grants/g_nowhere",
    "#/nowhere",
  ];

  for (const [name, options] of Object.entries(windows)) {
    const check = async (page: Page, what: string): Promise<void> => {
      await page.emulateMedia({ colorScheme: "light" });
      assert.deepEqual(await axeViolations(page), [], what);
      assert.deepEqual(await unnamed(page), [], what);
      assert.deepEqual(await overflow(page), [], what);
      assert.deepEqual(await page.evaluate(sideways), [], what);
      if (name === "phone") assert.deepEqual(await smallTargets(page, 40), [], what);
      // Nothing but colours differs between the two.
      await page.emulateMedia({ colorScheme: "dark" });
      assert.deepEqual(await axeViolations(page, "colours"), [], `${what}, dark`);
    };
    const checkAll = async (fixture: DashboardFixture, places: readonly string[]): Promise<void> => {
      const visit = await signIn(browser, fixture, options);
      for (const place of places) {
        await visit.open(place);
        await check(visit.page, place);
      }
      assert.deepEqual(visit.complaints, []);
      assert.deepEqual([...visit.origins], [fixture.url]);
      await visit.context.close();
    };

    test(`the dashboard's lists can be used by everybody, light and dark, fit, and ask nobody else: ${name}`, () =>
      checkAll(filled, lists));

    test(`a grant's page can be used by everybody, light and dark, fits, and asks nobody else: ${name}`, () =>
      checkAll(filled, single()));

    test(`the dashboard's pages without a grant or a sign-in can be used by everybody, light and dark, and fit: ${name}`, async () => {
      await checkAll(empty, ["#/", "#/grants", "#/callers"]);
      const { page, context, complaints } = await strange(browser, filled, options);
      for (const path of [
        "/dashboard/",
        "/dashboard/link/obl_nothing",
        new URL(await filled.link("reader")).pathname,
      ]) {
        await page.goto(filled.url + path);
        await check(page, path);
      }
      assert.deepEqual(complaints, []);
      await context.close();
    });
  }

  test("no token, key or secret is in what the dashboard shows, keeps, asks and is answered", async () => {
    const visit = await signIn(browser, filled);
    const kept = [];
    for (const place of [...lists, ...single()]) {
      await visit.open(place);
      kept.push(await keptByBrowser(visit));
    }
    const bytes = Buffer.from([...kept, ...(await Promise.all(visit.exchanged))].join("\n"));
    assert.ok(bytes.includes("ada@example.com") && bytes.includes(idOf("user-1001")), "nothing was seen at all");
    const kinds = new Set([...filled.secrets.keys()].map((each) => each.replace(/ \d+$/, "")));
    for (const kind of ["access_token", "refresh_token", "id_token", "master key", "client secret", "caller's key"]) {
      assert.ok(kinds.has(kind), `no ${kind} was there to be found`);
    }
    for (const [kind, secret] of filled.secrets) assert.equal(findSecret(bytes, secret), undefined, kind);
    await visit.context.close();
  });

  test("each control of the dashboard is reached by Tab in the order in which it is seen, and shows that it is", async () => {
    const visit = await signIn(browser, filled);
    for (const place of ["#/", "#/grants?q=user-10", `#/grants/${idOf("user-1006")}`]) {
      await visit.open(place);
      const wanted = await visit.page.evaluate<string[]>(controls);
      assert.ok(wanted.length > 4, place);
      const reached: string[] = [];
      for (let n = 0; n < wanted.length; n += 1) {
        await visit.page.keyboard.press("Tab");
        const [control, isShown] = await visit.page.evaluate<[string, boolean]>(focused);
        assert.ok(isShown, `${place}: ${control} does not show that it has the focus`);
        reached.push(control);
      }
      assert.deepEqual(reached, wanted, place);
    }
    await visit.context.close();
  });

  test("a grant is found with the keyboard alone, and the browser's way back leads to what was searched for", async () => {
    const { page, context, open } = await signIn(browser, filled);
    const rows = page.locator("table.grants tbody tr");
    await page.keyboard.press("/");
    await page.locator("#search:focus").waitFor();
    await page.keyboard.type("USER-100");
    await page.locator(".found", { hasText: "8 grants found" }).waitFor();
    assert.equal(await rows.count(), 8);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    const name = await page.evaluate<string>("document.activeElement.textContent");
    await page.keyboard.press("Enter");
    await page.locator("h1", { hasText: name }).waitFor();
    assert.match(page.url(), /#\/grants\/g_/);
    await page.goBack();
    await page.locator(".found", { hasText: "8 grants found" }).waitFor();
    assert.equal(await page.inputValue("#search"), "USER-100");
    await page.goForward();
    await page.locator("h1", { hasText: name }).waitFor();
    await page.goBack();
    await page.focus("#search");
    await page.keyboard.press("Escape");
    await page.locator(".found", { hasText: "60 grants" }).waitFor();
    await page.goBack();
    await page.locator("h1", { hasText: "Overview" }).waitFor();
    await open("#/grants?state=suspect");
    assert.equal(await rows.count(), 1);
    await context.close();
  });

  test("a list of grants goes on where it ended, and a filter narrows it", async () => {
    const { page, context, open } = await signIn(browser, filled);
    await open("#/grants");
    const rows = page.locator("table.grants tbody tr");
    assert.equal(await rows.count(), 50);
    await page.getByRole("button", { name: "Show 10 more" }).click();
    await page.locator("table.grants tbody tr").nth(59).waitFor();
    await page.getByLabel("Provider").selectOption("ledger");
    await page.locator(".found", { hasText: "2 grants found" }).waitFor();
    await page.getByRole("button", { name: /^Suspect/ }).click();
    await page.locator(".found", { hasText: "1 grant found" }).waitFor();
    assert.match(page.url(), /#\/grants\?state=suspect&provider=ledger$/);
    await context.close();
  });

  test("whoever signs out of the dashboard is out, and the way back in the browser shows nothing", async () => {
    const { page, context, open } = await signIn(browser, filled);
    await open(`#/grants/${idOf("user-1001")}`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in to the dashboard" }).waitFor();
    assert.deepEqual(await context.cookies(), []);
    await page.goBack();
    await page.goto(`${filled.url}/dashboard/#/grants`);
    await page.getByRole("heading", { name: "Sign in to the dashboard" }).waitFor();
    assert.doesNotMatch(await page.content(), /user-1001|ada@example/);
    assert.match(await page.innerText("main"), /onbehalf dashboard link/);
    await context.close();
  });

  test("a link to the dashboard that was used says so to the second browser, and how to get another", async () => {
    const link = await filled.link();
    const first = await strange(browser, filled);
    const second = await strange(browser, filled);
    for (const { page } of [first, second]) await page.goto(link);
    // The focus is on the button: Enter is enough.
    await first.page.keyboard.press("Enter");
    await settled(first.page);
    await first.page.locator("h1", { hasText: "Overview" }).waitFor();
    await second.page.click("form button");
    await second.page.getByRole("heading", { name: "This link lets nobody in any more" }).waitFor();
    assert.match(await second.page.innerText("main"), /ten minutes[^]*onbehalf dashboard link/);
    assert.deepEqual(await second.context.cookies(), []);
    await first.page.goto(link);
    await first.page.getByRole("heading", { name: "This link lets nobody in any more" }).waitFor();
    for (const { context } of [first, second]) await context.close();
  });

  test("a grant's page names the scope that its person did not allow, and no other that it is asked for by another name", async () => {
    const { page, context, open } = await signIn(browser, filled);
    await open(`#/grants/${idOf("user-1007")}`);
    assert.deepEqual(await page.locator(".scopes .no code").allInnerTexts(), [appData]);
    await open(`#/grants/${idOf("user-1001")}`);
    assert.deepEqual(await page.locator(".scopes .no").count(), 0);
    await context.close();
  });

  test("who may look alone is told so, and sees every grant", async () => {
    const { page, context, open, complaints } = await signIn(browser, filled, { ...windows.desktop, role: "reader" });
    await page.locator(".head", { hasText: "read-only" }).waitFor();
    await open(`#/grants/${idOf("user-1002")}`);
    await page.locator("h1", { hasText: "user-1002" }).waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("a dashboard without a grant says how the first one comes", async () => {
    const { page, context, open } = await signIn(browser, empty);
    for (const place of ["#/", "#/grants"]) {
      await open(place);
      assert.match(await page.innerText("main"), /There are no grants yet[^]*POST \/authcode[^]*connect link/);
    }
    await context.close();
  });
});

/** Whether the page as a whole can be moved sideways. */
const sideways = `[document.documentElement, document.body].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ tagName }) => tagName)`;

const describeControl = `(element) => [element.tagName, element.id, element.getAttribute("aria-label") ?? element.textContent.trim()].join(" ")`;

/** Everything that can be pressed or typed in, in the order of the document. */
const controls = `[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
  .filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility()).map(${describeControl})`;

/** What has the focus, and whether it or a part that is laid over it has an outline. */
const focused = `(() => {
  const element = document.activeElement;
  const outlined = [undefined, "::before", "::after"].some((part) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element, part);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  });
  return [(${describeControl})(element), outlined];
})()`;
