import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Vault } from "../../src/index.ts";
import { checkout } from "../support/checkout-bin.ts";
import { ConnectBrowser, consented } from "../support/connect-browser.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testVault } from "../support/test-vault.ts";
import { blocksFor } from "./block-runners.ts";

/** What the page's program exports. */
interface App {
  connect(vault: Vault, session: Session, returnUrl: string): Promise<string>;
  back(vault: Vault, session: Session, address: URL): Promise<string>;
}

interface Session {
  readonly userId: string;
  links?: Record<string, string>;
}

describe("the page on connect links", () => {
  test("its program connects an account, and refuses whoever did not begin or did not come back", async (t) => {
    const blocks = blocksFor("connect-links");
    assert.equal(blocks.length, 1);
    const folder = await temporaryFolder(t);
    const library = pathToFileURL(join(checkout, "src/index.ts")).href;
    const file = join(folder, "app.ts");
    await writeFile(file, (blocks[0]?.text ?? "").replaceAll('"onbehalf"', JSON.stringify(library)));
    const app = (await import(pathToFileURL(file).href)) as App;

    const fixture = await testVault(t);
    const vault = await fixture.open();
    const baseUrl = "http://127.0.0.1:3000/connect";
    const handler = vault.connectHandler({ baseUrl });
    const returnUrl = "http://127.0.0.1:3000/settings";
    const ada: Session = { userId: "ada" };
    const browser = new ConnectBrowser(handler);

    /** Follows the link in the browser, consents as this person, and is sent back. */
    async function comesBack(url: string, email: string): Promise<URL> {
      const { location = "" } = await browser.open(url);
      const sentBack = await browser.open(consented(fixture.standin, location, email));
      return new URL(sentBack.location ?? "");
    }
    const address = await comesBack(await app.connect(vault, ada, returnUrl), "ada@example.com");
    const [id = ""] = Object.keys(ada.links ?? {});
    const elsewhere: Session = { userId: "carl" };
    assert.match(await app.back(vault, elsewhere, address), /not begun here/);
    const guessed = new URL(`${returnUrl}?connect_id=${id}&status=pending`);
    assert.match(await app.back(vault, { ...ada }, guessed), /Nothing was connected/);
    assert.equal((await vault.grants()).grants.length, 0);
    assert.equal(await app.back(vault, ada, address), "Your account at google is connected.");
    assert.equal((await vault.grant({ externalId: "ada" })).provider, "google");
    assert.match(await app.back(vault, ada, address), /not begun here/);
  });
});
