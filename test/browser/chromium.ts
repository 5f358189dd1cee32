/** Real Chromium for tests of pages: Debian's, driven by playwright-core. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Skips where there is no Chromium, except in CI, where a browser test that did not run must not look green. */
export const needsChromium: { skip: string | false } = {
  skip:
    existsSync(executablePath) || process.env["CI"] === "true"
      ? false
      : `no ${executablePath}: apt-get install chromium runs this test`,
};

/** Without these switches Chromium asks Google's hosts for updates, at every start. */
const quiet = [
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser with an empty profile of its own. Launch it first: where it is missing, nothing else is left running. */
export function launchChromium(): Promise<Browser> {
  // Root has no user namespaces to make a sandbox of, and CI is root.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
}
