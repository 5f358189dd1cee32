import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

const source = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** Which of axe's rules are held: all but the experimental ones, of every impact; those about colours; or all others. */
export type AxeRules = "all" | "colours" | "all but colours";

const chosen: Readonly<Record<AxeRules, string>> = {
  all: "",
  colours: 'runOnly: ["color-contrast"],',
  "all but colours": 'rules: { "color-contrast": { enabled: false } },',
};

/** What axe finds wrong in the page as it stands, each with the elements that it is about. */
export async function axeViolations(page: Page, rules: AxeRules = "all"): Promise<readonly string[]> {
  // Through the debugger, which the page's Content-Security-Policy does not hold back.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(source);
  return page.evaluate<
    string[]
  >(`axe.run(document, { ${chosen[rules]} resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, impact, nodes }) => id + " (" + impact + "): " + nodes.map(({ html }) => html.slice(0, 160)).join(" | ")))`);
}
