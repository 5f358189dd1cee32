/** The demo's page in a browser, as its tests look at it and act on it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { axeViolations } from "./axe.ts";
import type { Demo } from "./demo.ts";
import { lowContrast, overflow, unnamed } from "./page-checks.ts";

/** A page that is open, with what it did meanwhile. */
export interface Visit {
  readonly page: Page;
  /** What the page wrote to the console as an error, refused requests aside. */
  readonly complaints: string[];
  /** Origins that anything was asked of. */
  readonly origins: Set<string>;
  /** Everything that the service sent to the page. */
  readonly received: Promise<string>[];
}

/** What happened, as the page says it after each act, whether its button or its command did it. */
export const happened: Readonly<Record<string, RegExp>> = {
  "sign-in": /^Ada Lovelace signed in\. The server exchanged the phone's code/,
  write: /^The note is in Ada Lovelace's Drive, written with the phone closed/,
  read: /^The server (?:read \d notes?|listed the folder) on behalf of Ada Lovelace/,
  later: /^A day went by.* with 1 refresh: nobody had to sign in/,
  readers: /^100 of 100 were served.* after 1 refresh\./,
  untick: /^Carl Gauß did not allow the Drive folder.*insufficient_scope/,
  remove: /^Google has ended \S+ \S+ access/,
  "find-out": /^The server asked twice before it believed it.*409 reauthorization_required/,
  again: /^\S+ \S+ signed in again, and the same grant is active/,
  disconnect: /^The server revoked the grant at Google, and erased its tokens/,
};

/** Where pictures of each step are kept, for people to look at. Without it none are taken. */
const pictures = process.env["ONBEHALF_SCREENSHOTS"];

/** Opens the page, and waits until it can be used. */
export async function visit(browser: Browser, demo: Demo, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const [complaints, origins, received] = [[] as string[], new Set<string>(), [] as Promise<string>[]];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // The browser reports refused requests by itself; what the page makes of them is tested.
    const refused = /status of (?:403|409) /.test(message.text());
    if (message.type() === "error" && !refused) complaints.push(message.text());
  });
  context.on("request", (request) => origins.add(new URL(request.url()).origin));
  page.on("response", (response) => {
    if (response.url().startsWith(demo.service)) received.push(response.text().catch(() => ""));
  });
  await page.goto(demo.page);
  await page.locator('#sign-in[aria-disabled="false"]').waitFor();
  return { page, complaints, origins, received };
}

/** Opens an act, where it is folded. */
export async function unfold(page: Page, act: string): Promise<void> {
  const isOpen = await page.evaluate<boolean>(`document.querySelector("#act-${act} details").open`);
  if (!isOpen) await page.click(`#act-${act} summary`);
}

/** Presses an act's button, and waits until the page has said what happened. `inWindow` acts in the sign-in window. */
export async function press(page: Page, act: string, inWindow?: (popup: Page) => Promise<void>): Promise<void> {
  await unfold(page, act);
  if (inWindow === undefined) await page.click(`#${act}`);
  else {
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.click(`#${act}`)]);
    await inWindow(popup);
  }
  await page.locator(`#${act}[aria-busy]`).waitFor({ state: "detached" });
}

/** What the page says happened in an act; waits until it does. */
export async function saysHappened(page: Page, act: string): Promise<void> {
  await page.locator(`#act-${act} .happened`, { hasText: happened[act] ?? /./ }).waitFor({ state: "attached" });
}

/** The act that is highlighted as the next one. */
export async function nextAct(page: Page): Promise<string | undefined> {
  const ids = await page.evaluate<string[]>(
    `[...document.querySelectorAll("#acts > [aria-current=step]")].map(({ id }) => id)`,
  );
  assert.ok(ids.length <= 1, ids.join(" "));
  return ids[0]?.slice("act-".length);
}

/** Whether an element is in view, all of it. */
export function isInView(page: Page, selector: string): Promise<boolean> {
  return page.evaluate<boolean>(`(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const { top, bottom, left, right } = element.getBoundingClientRect();
    const onTop = document.elementFromPoint((left + right) / 2, top + 4);
    return top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth && element.contains(onTop);
  })()`);
}

/** Holds the page, as it stands, to what people need who see little, hear it, or have no mouse; light and dark. */
export async function checkForEverybody(page: Page, what: string): Promise<void> {
  assert.deepEqual(await unnamed(page), [], what);
  assert.deepEqual(await overflow(page), [], what);
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await lowContrast(page), [], `${what}, ${colorScheme}`);
    // Nothing but colours differs between the two.
    assert.deepEqual(
      await axeViolations(page, colorScheme === "light" ? "all" : "colours"),
      [],
      `${what}, ${colorScheme}`,
    );
    await picture(page, `${what}-${colorScheme}`);
  }
}

async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}
