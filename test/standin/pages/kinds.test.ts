import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startStandin } from "../../../src/standin/index.ts";
import { launchChromium, needsChromium } from "../../browser/chromium.ts";
import { axeViolations } from "../../support/axe.ts";
import { lowContrast, overflow, unnamed } from "../../support/page-checks.ts";

describe("the pages of the kinds oauth2 and mcp, in real Chromium", needsChromium, () => {
  for (const kind of ["oauth2", "mcp"] as const) {
    test(`the pages of the kind ${kind} are sound in a narrow window, and lead back to the app`, async () => {
      await using browser = await launchChromium();
      await using standin = await startStandin({ kind });
      const { clientId } = standin.client({
        clientName: `Notes (${"notes".repeat(12)}.example)`,
        redirectUris: [`${standin.url}/cb`],
      });
      const page = await browser.newPage({ viewport: { width: 320, height: 640 }, javaScriptEnabled: true });
      const sound = async (): Promise<void> => {
        const wrong = [await axeViolations(page), await lowContrast(page), await unnamed(page), await overflow(page)];
        assert.deepEqual(wrong.flat(), [], page.url());
      };
      const query = new URLSearchParams({
        client_id: clientId,
        redirect_uri: `${standin.url}/cb`,
        response_type: "code",
        scope: "profile read write mcp:whoami",
        code_challenge: "a".repeat(43),
        code_challenge_method: "S256",
        ...(kind === "mcp" ? { resource: `${standin.url}/mcp` } : {}),
      });
      await page.goto(`${standin.url}/authorize?${query.toString()}`);
      await sound();
      await page.getByRole("button", { name: "Ada Lovelace" }).click();
      await sound();
      await page.locator("#allow").click();
      await page.waitForURL(/\/cb\?code=/);
      for (const path of ["/", "/account/access", "/authorize"]) {
        await page.goto(standin.url + path);
        await sound();
      }
    });
  }
});
