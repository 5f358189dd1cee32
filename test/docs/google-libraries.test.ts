import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Vault } from "../../src/index.ts";
import { checkout } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testVault } from "../support/test-vault.ts";
import { blocksFor } from "./block-runners.ts";

/** What the page's program in Node exports. */
interface Program {
  filesOf(vault: Vault, userId: string): Promise<readonly { readonly name?: string }[]>;
}

/** Our modules as they are in this checkout, and others from wherever this file finds them. */
function resolved(text: string): string {
  return text.replaceAll(/from "([^"]+)"/g, (_, name: string) => {
    const ours = name === "onbehalf" ? "src/index.ts" : name.replace(/^onbehalf\/(.*)$/, "src/$1/index.ts");
    const url = ours === name ? import.meta.resolve(name) : pathToFileURL(join(checkout, ours)).href;
    return `from ${JSON.stringify(url)}`;
  });
}

describe("the page on Google's libraries", () => {
  test("the page on Google's libraries: the program in Node lists a person's files with the vault's tokens", async (t) => {
    const [program] = blocksFor("google-libraries");
    const fixture = await testVault(t);
    const vault = await fixture.open();
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-42" });
    const made = await vault.fetch({ externalId: "user-42" }, "https://www.googleapis.com/drive/v3/files", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"name":"notes.txt","parents":["appDataFolder"]}',
    });
    assert.equal(made.status, 200);
    const file = join(await temporaryFolder(t), "program.ts");
    // The one difference to Google itself: where Drive is.
    const here = (program?.text ?? "").replace('version: "v3"', `$&, rootUrl: "${fixture.standin.url}/"`);
    await writeFile(file, resolved(here));
    const { filesOf } = (await import(pathToFileURL(file).href)) as Program;
    const files = await filesOf(vault, "user-42");
    assert.deepEqual(
      files.map(({ name }) => name),
      ["notes.txt"],
    );
  });
});
