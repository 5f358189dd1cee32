/** An operator who has never seen the dashboard: three grants died, for three reasons. Why did they, and what can be done? */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { usualScope } from "../support/test-vault.ts";
import { launchChromium, needsChromium } from "./chromium.ts";
import { startDashboardFixture } from "./dashboard-fixture.ts";
import type { DashboardFixture } from "./dashboard-fixture.ts";
import { settled, signIn, strange } from "./dashboard-visit.ts";

describe("an operator at the dashboard, in real Chromium", needsChromium, () => {
  let browser: Browser;
  let fixture: DashboardFixture;

  before(async () => {
    browser = await launchChromium();
    fixture = await startDashboardFixture();
  });
  after(async () => {
    await browser.close();
    await fixture.close();
    assert.deepEqual(fixture.faults, []);
  });

  /** A grant of somebody, which nobody can use any more once `end` was done and its access token has ended. */
  async function died(externalId: string, email: string, end: () => unknown, online = false): Promise<void> {
    const { standin, vault, clock } = fixture;
    clock.advance(1_000);
    const code = standin.code({ email, scope: usualScope, ...(online ? { accessType: "online" } : {}) });
    await vault.exchangeCode({ code, provider: "google", externalId });
    end();
    clock.advance(3_700_000);
    await assert.rejects(vault.getAccessToken({ externalId }), { code: "reauthorization_required" });
  }

  /** A grant of whose last refresh nobody knows how it ended. */
  async function doubted(externalId: string, email: string): Promise<void> {
    const { ledger, vault, clock } = fixture;
    const code = ledger.code({ email, scope: "read write offline_access" });
    await vault.exchangeCode({ code, provider: "ledger", externalId });
    clock.advance(3_700_000);
    ledger.fault("POST", "/token", { drop: true });
    await assert.rejects(vault.getAccessToken({ externalId }), { code: "provider_unavailable" });
  }

  test("an operator finds out why three grants died, and brings them back by reconnect links, and one under suspicion by asking the provider", async () => {
    const { standin, vault } = fixture;
    await died("anna", "anna@workspace.example", () =>
      standin.person({ email: "anna@workspace.example", refusal: "admin_policy_enforced" }),
    );
    await died("bert", "bert@example.com", () => standin.revoke("bert@example.com"));
    await died("cleo", "cleo@example.com", () => undefined, true);
    await doubted("dirk", "dirk@example.com");
    const { page, context, complaints } = await signIn(browser, fixture);

    // What is wrong is on the first page, with who can mend it.
    const causes = page.locator(".causes li");
    assert.deepEqual(await causes.locator(".name").allInnerTexts(), [
      "No refresh token ever came no_refresh_token",
      "The refresh token does not work any more invalid_grant",
      "The person's organisation does not allow the app admin_policy_enforced",
      "A refresh was sent, and nobody knows how it ended outcome_unknown",
    ]);
    const why = async (reason: string, who: string, words: RegExp): Promise<void> => {
      await page.locator("nav a", { hasText: "Overview" }).click();
      await causes.filter({ hasText: reason }).click();
      await page.locator("table.grants a", { hasText: who }).click();
      await page.locator("h1", { hasText: who }).waitFor();
      await settled(page);
      assert.match(await page.locator(".why").innerText(), words);
    };
    await why(
      "admin_policy_enforced",
      "anna",
      /in this order:[^]*Have the person's Google Workspace administrator[^]*Ask the person to sign in[^]*act first: the person's Google/,
    );
    assert.equal(await page.locator(".acts .primary").innerText(), "Reconnect link… (after step 1)");
    await why("invalid_grant", "bert", /is dead, and does not say why[^]*What to do: Ask the person to sign in again/);
    assert.equal(await page.title(), "bert · lapsed – Onbehalf");
    await page.click(".why summary");
    assert.match(await page.locator(".why").innerText(), /The app was removed at the provider/);
    await why(
      "no_refresh_token",
      "cleo",
      /developer ask[^]*Ask the person to sign in again by a reconnect link[^]*act first: the app's developer/,
    );
    assert.equal(await page.locator(".title .badge").innerText(), "Lapsed");
    assert.match(await page.locator(".acts").innerText(), /The link asks for access while the person is away/);
    assert.ok(await page.getByRole("button", { name: "Ask the provider" }).isDisabled());
    assert.match(await page.locator(".acts").innerText(), /nothing to ask the provider with: no refresh token is held/);

    // The administrator has allowed the app. Both get a link, and consent again in browsers of their own.
    standin.person({ email: "anna@workspace.example", refusal: null });
    for (const who of ["anna", "bert", "cleo"]) {
      await openGrant(page, who);
      if (who === "bert") {
        await page.getByRole("button", { name: "Ask the provider" }).click();
        const found = page.locator(".notice.probe");
        assert.match(await found.innerText(), /^The provider was not asked\. The grant has lapsed[^]*above\.$/);
        assert.doesNotMatch(await found.innerText(), /does not stand/);
        assert.equal(await found.locator(".evidence").count(), 0, "what the page says already is not said again");
      }
      const link = await makeLink(page);
      // The page named nobody to whoever has got the link, and warned of nobody.
      const read = await consents(link);
      assert.match(read, /Let Notes use your Google account again\?[^]*The same one as before/);
      assert.doesNotMatch(read, new RegExp(`${who}|warn|somebody else`, "i"));
      // The dialog and the page behind it say so by themselves.
      await page.locator("dialog h2", { hasText: "Connected again" }).waitFor();
      assert.match(await page.locator("dialog [role=status]").innerText(), new RegExp(`^${who} has consented again`));
      assert.doesNotMatch(await page.locator("dialog").innerText(), /\bends\b/);
      await page.locator(".title .badge", { hasText: "Active" }).waitFor();
      await page.getByRole("button", { name: "Close" }).click();
      assert.equal(await page.locator(".notice.probe").count(), 0, "what was found before is not said of it any more");
      assert.match(
        await page.locator(".life").first().innerText(),
        who === "cleo" ? /Consent given/ : /Works again[^]*Lapsed[^]*Consent given/,
      );
    }

    // The fourth is under suspicion: a refresh was sent, and its answer never came.
    await openGrant(page, "dirk");
    assert.match(
      await page.locator(".why").innerText(),
      /nobody knows how it ended[^]*nobody knows which token counts/,
    );
    assert.equal(await page.locator(".acts .primary").innerText(), "Ask the provider");
    await page.getByRole("button", { name: "Ask the provider" }).click();
    await page.locator(".notice.probe", { hasText: "The consent stands." }).waitFor();
    await page.locator(".title .badge", { hasText: "Active" }).waitFor();
    assert.equal(await page.locator(".why").count(), 0);

    // What a link brings goes on while the person is away, also for who never gave a refresh token.
    assert.equal((await vault.grant({ externalId: "cleo" })).offline, true);
    for (const externalId of ["anna", "bert", "cleo", "dirk"])
      assert.ok((await vault.getAccessToken({ externalId })).token);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("a reconnect link that is out is followed: an operator reads by which mistake it brought nothing, and makes another", async () => {
    const { standin, vault } = fixture;
    await died("ella", "ella@example.com", () => standin.revoke("ella@example.com"));
    const { page, context, complaints } = await signIn(browser, fixture);
    await openGrant(page, "ella");
    await consents(await makeLink(page), "mallory@example.com", "You chose another account");
    await page.locator("dialog h2", { hasText: "Nothing was connected" }).waitFor();
    assert.match(await page.locator("dialog [role=status]").innerText(), /with another account than this grant’s/);
    // Where the link was is another button now, and it has the focus.
    await page.locator("dialog button:focus", { hasText: "Make another link" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Make the link" }).click();
    const second = await page.locator("dialog .copy-out code").innerText();
    await page.keyboard.press("Escape");
    await page.locator(".link-note", { hasText: "A reconnect link is out." }).waitFor();
    // Whoever looks at something else meanwhile finds the link again. Nothing of the browser's keeps it.
    await page.locator("nav a", { hasText: "Overview" }).click();
    await openGrant(page, "ella");
    await page.getByRole("button", { name: "Show the link" }).click();
    assert.equal(await page.locator("dialog .copy-out code").innerText(), second);
    await page.keyboard.press("Escape");
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
    const other = await strange(browser, fixture);
    await other.page.goto(second);
    await other.page.click('button[value="cancel"]');
    await other.page.locator("h1", { hasText: "Nothing was connected" }).waitFor();
    await page.locator(".link-note.failed", { hasText: "They said no" }).waitFor();
    assert.equal((await vault.grant({ externalId: "ella" })).state, "lapsed");
    assert.deepEqual([complaints, other.complaints], [[], []]);
    await Promise.all([context.close(), other.context.close()]);
  });

  /** On a grant's page. @returns the link */
  async function makeLink(page: Page): Promise<string> {
    await page.getByRole("button", { name: "Reconnect link…" }).click();
    await page.getByRole("button", { name: "Make the link" }).click();
    await page.locator("dialog h2", { hasText: "Send this link" }).waitFor();
    return page.locator("dialog .copy-out code").innerText();
  }

  async function openGrant(page: Page, who: string): Promise<void> {
    await page.locator("nav a", { hasText: "Grants" }).click();
    await page.locator("table.grants a", { hasText: who }).click();
    await page.locator("h1", { hasText: who }).waitFor();
    await settled(page);
  }

  /**
   * Consents at the provider, which the link tells who is meant.
   *
   * @param other an account that is chosen there in that one's place
   * @param end what the page says at which the person ends
   * @returns what the link's page says
   */
  async function consents(link: string, other?: string, end = "The account is connected"): Promise<string> {
    const { page, context } = await strange(browser, fixture);
    await page.goto(link);
    const said = await page.innerText("main");
    await page.click('button[name="decision"][value="continue"]');
    await page.locator("#allow").waitFor();
    if (other !== undefined) {
      fixture.standin.person({ email: other });
      const asked = new URL(page.url());
      asked.searchParams.set("login_hint", other);
      await page.goto(asked.href);
    }
    await page.click("#allow");
    await page.locator("h1", { hasText: end }).waitFor();
    assert.match(page.url(), /\/connect\/done\?connect_id=c_/);
    await context.close();
    return said;
  }
});
