/** The dashboard in a browser, as its tests look at it. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { DashboardFixture } from "./dashboard-fixture.ts";

/** A dashboard that somebody is signed in to, with what it did meanwhile. */
export interface DashboardVisit {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page wrote to the console as an error or a warning, and what it threw. */
  readonly complaints: string[];
  /** Origins that anything was asked of. */
  readonly origins: Set<string>;
  /** Each request that was sent and each answer that came, headers and all, but for the cookie of the sign-in. */
  readonly exchanged: Promise<string>[];
  /** Opens a place in the dashboard, such as `#/grants`, in a page that is loaded anew, and waits until it shows what it has. */
  open(place: string): Promise<void>;
}

export const windows = {
  desktop: { viewport: { width: 1_280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true },
} as const satisfies Record<string, BrowserContextOptions>;

/** Opens a browser window that is not signed in. */
export async function strange(
  browser: Browser,
  { url }: DashboardFixture,
  options: BrowserContextOptions = windows.desktop,
): Promise<DashboardVisit> {
  const context = await browser.newContext({ reducedMotion: "reduce", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const [complaints, origins, exchanged] = [[] as string[], new Set<string>(), [] as Promise<string>[]];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Of an answer that is a refusal the browser tells by itself. What the page makes of it is tested.
    const isRefusal = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (["error", "warning"].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:") origins.add(origin);
    exchanged.push(Promise.resolve(`${request.url()}\n${request.postData() ?? ""}`));
  });
  context.on("response", (response) => {
    const { "set-cookie": _cookie, ...headers } = response.headers();
    exchanged.push(
      response.text().then(
        (text) => `${JSON.stringify(headers)}\n${text}`,
        // A redirect has no body, and neither has an answer that the page did not wait for.
        () => JSON.stringify(headers),
      ),
    );
  });
  return {
    context,
    page,
    complaints,
    origins,
    exchanged,
    open: async (place) => {
      await page.goto("about:blank");
      await page.goto(`${url}/dashboard/${place}`);
      await settled(page);
    },
  };
}

/** Opens a browser window, and signs in with a link. */
export async function signIn(
  browser: Browser,
  fixture: DashboardFixture,
  options: BrowserContextOptions & { readonly role?: "operator" | "reader" } = windows.desktop,
): Promise<DashboardVisit> {
  const { role, ...others } = options;
  const visit = await strange(browser, fixture, others);
  await visit.page.goto(await fixture.link(role));
  await visit.page.click("form button");
  await settled(visit.page);
  return visit;
}

/** Waits until the page shows what the service has answered, or why it has not. */
export async function settled(page: Page): Promise<void> {
  // Not by a function of the page's: its policy forbids what is made of text.
  await page.locator("main:has(h1, [role=alert]):not(:has(.ghost, [aria-busy=true]))").waitFor();
}

/** Everything that a script or a person at the browser could read: what the page shows and what it keeps. */
export async function keptByBrowser({ page, context }: DashboardVisit): Promise<string> {
  const shown = await page.evaluate<string>(`(async () => JSON.stringify([
    document.documentElement.outerHTML,
    [...document.querySelectorAll("input, select, textarea")].map(({ value }) => value),
    { ...localStorage }, { ...sessionStorage }, document.cookie, name, history.state,
    await indexedDB.databases(), await caches.keys(),
  ]))()`);
  const cookies = (await context.cookies()).map(({ name, value, httpOnly }) => ({
    name,
    httpOnly,
    // The one that signs in, which no script reads.
    value: name === "onbehalf-operator" && httpOnly ? "" : value,
  }));
  return `${shown}\n${JSON.stringify(cookies)}`;
}
