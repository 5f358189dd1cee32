/**
 * `npm run bench:dashboard`: how long the dashboard takes to list and to search many grants, as the service answers and as the
 * page shows it in Chromium, and what the grants cost in memory while somebody looks.
 *
 * BENCH_GRANTS=100000,250000 how many grants; each is a run of its own. Default: 100,000.
 * BENCH_ROUNDS=20            how often each is asked for; the median and the slowest are printed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { dashboardLink } from "../src/service/http/dashboard/link.ts";
import { startServer } from "../src/service/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { launchChromium } from "../test/browser/chromium.ts";
import { externalIdOf, grantIdOf } from "../tools/key-rotation/fill.ts";
import { fillStore, vaultOver } from "./filled-store.ts";
import { quantile } from "./quantile.ts";

const sizes = (process.env["BENCH_GRANTS"] ?? "100000").split(",").map(Number);
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 20);

/** Whether a view shows what it was answered. */
const isSettled = "main:has(h1):not(:has(.ghost, [aria-busy=true]))";

/** What is asked for, by what an operator does. */
const questions = (grants: number): Readonly<Record<string, string>> => ({
  "all grants": "",
  "start of many ids": "q=user-1",
  "one whole id": `q=${externalIdOf(grants - 7)}`,
  "an e-mail address": `q=PERSON-${grants - 9}@`,
  "a grant's id": `q=${grantIdOf(grants - 5)}`,
  nobody: "q=zzz",
  "all that lapsed": "state=lapsed",
  "a reason of many": "state=lapsed&reason=invalid_grant&provider=google",
  "a page far down": `after=${grants - 60}`,
});

const browser = await launchChromium();
for (const grants of sizes) await measure(browser, grants);
await browser.close();

async function measure(inBrowser: Browser, grants: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-bench-"));
  const path = join(folder, "grants.db");
  const filled = await fillStore(`sqlite:${path}`, () => sqlite(path), grants, { isNamed: true });
  const database = new DatabaseSync(path);
  // One in fifty has lapsed, at times of its own.
  database.exec(`UPDATE grants SET state = 'lapsed', reason = 'invalid_grant', state_since = state_since - rowid * 1000
    WHERE rowid % 50 = 0`);
  database.close();
  const vault = await vaultOver(filled, sqlite(path));
  const server = await startServer(vault, { port: 0, dashboard: true });
  const page = await inBrowser.newPage();
  await page.goto(await dashboardLink(vault, server.url));
  const before = memory();
  const begun = performance.now();
  await page.click("form button");
  const firstMs = await settledMs(page, begun);
  for (let { isWhole, isFull } = await vault.directory.look(1_000); !isWhole && !isFull;) {
    await pause(20);
    ({ isWhole, isFull } = await vault.directory.look(1_000));
  }
  const readMs = performance.now() - begun;
  vault.directory.search({});
  const after = memory();
  print(`${grants} grants`, "");
  print("overview shown, before all are read", `${firstMs.toFixed(0)} ms`);
  print("all are read", `${readMs.toFixed(0)} ms`);
  print(
    "memory of each",
    `${((after - before) / grants).toFixed(0)} bytes, ${((after - before) / 1e6).toFixed(0)} MB in all`,
  );

  print("", "the service answers | its processor time | the page shows it (median, slowest)");
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  for (const [what, query] of Object.entries(questions(grants))) {
    const served: number[] = [];
    const shown: number[] = [];
    const spent: number[] = [];
    for (let n = 0; n < rounds; n += 1) {
      const cpu = process.cpuUsage();
      served.push(await serverMs(`${server.url}/dashboard/api/grants?limit=50&${query}`, cookie));
      const { user, system } = process.cpuUsage(cpu);
      spent.push((user + system) / 1_000);
      if (query.startsWith("after")) continue;
      shown.push(await shownMs(page, server.url, query));
    }
    print(what, `${figures(served)} | ${figures(spent)} | ${figures(shown)}`);
  }
  const overview: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    overview.push(await serverMs(`${server.url}/dashboard/api/overview`, cookie));
  }
  print("overview", figures(overview));
  print("typed, until the row is shown", figures(await typedMs(page, server.url, externalIdOf(grants - 7))));
  await page.close();
  await server.close();
  await vault.close();
  await rm(folder, { recursive: true });
}

/** What lives on the heap, bytes. */
function memory(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function serverMs(url: string, cookie: string): Promise<number> {
  const begun = performance.now();
  const response = await fetch(url, { headers: { cookie, "x-requested-with": "XMLHttpRequest" } });
  await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return performance.now() - begun;
}

async function settledMs(page: Page, begun: number): Promise<number> {
  await page.locator(isSettled).waitFor();
  return performance.now() - begun;
}

/** From a change of the address, as a filter makes it, until the page has drawn what came. In the page's own time. */
async function shownMs(page: Page, url: string, query: string): Promise<number> {
  await page.goto("about:blank");
  await page.goto(`${url}/dashboard/#/callers`);
  await page.locator(isSettled).waitFor();
  return page.evaluate<number>(`new Promise((resolve) => {
    const begun = performance.now();
    const look = () => {
      const found = document.querySelector(".found");
      if (found?.getAttribute("aria-busy") === "false" && /grant/.test(found.textContent)) {
        requestAnimationFrame(() => resolve(performance.now() - begun));
        return;
      }
      requestAnimationFrame(look);
    };
    location.hash = ${JSON.stringify(`#/grants?${query}`)};
    look();
  })`);
}

/** From the last letter on, with the wait for a next one. */
async function typedMs(page: Page, url: string, text: string): Promise<readonly number[]> {
  const all: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    await page.goto("about:blank");
    await page.goto(`${url}/dashboard/#/grants`);
    await page.locator(isSettled).waitFor();
    await page.focus("#search");
    await page.keyboard.type(text.slice(0, -1));
    const begun = performance.now();
    await page.keyboard.type(text.slice(-1));
    await page.locator(".found", { hasText: "1 grant found" }).waitFor();
    all.push(performance.now() - begun);
  }
  return all;
}

function figures(values: readonly number[]): string {
  if (values.length === 0) return "";
  return `${quantile(values, 0.5).toFixed(0)} ms, ${Math.max(...values).toFixed(0)} ms`;
}

function print(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(38)}${figure}\n`);
}
