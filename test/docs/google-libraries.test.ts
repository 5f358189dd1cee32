import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Vault } from "../../src/index.ts";
import { checkout } from "../support/checkout-bin.ts";
import { needsProgram } from "../support/installed-programs.ts";
import type { Program as Installed } from "../support/installed-programs.ts";
import { sampleLanguages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import { testVault } from "../support/test-vault.ts";
import { javaClassPath } from "../google-libraries/programs.ts";
import { blocksFor } from "./block-runners.ts";

/** What the page's program in Node exports. */
interface Program {
  filesOf(vault: Vault, userId: string): Promise<readonly { readonly name?: string }[]>;
}

const blocks = blocksFor("google-libraries");
const blockIn = (language: string): string => blocks.find((block) => block.language === language)?.text ?? "";

/** Our modules as they are in this checkout, and others from wherever this file finds them. */
function resolved(text: string): string {
  return text.replaceAll(/from "([^"]+)"/g, (_, name: string) => {
    const ours = name === "onbehalf" ? "src/index.ts" : name.replace(/^onbehalf\/(.*)$/, "src/$1/index.ts");
    const url = ours === name ? import.meta.resolve(name) : pathToFileURL(join(checkout, ours)).href;
    return `from ${JSON.stringify(url)}`;
  });
}

interface Language {
  readonly file: string;
  /** How its program is run, from the folder that it is in. */
  readonly command: readonly string[];
  readonly needs: readonly Installed[];
}

const languages: Readonly<Record<string, Language>> = {
  js: { file: "sample.mjs", command: ["node", "sample.mjs"], needs: [] },
  python: { file: "sample.py", command: ["python3", "-B", "sample.py"], needs: ["python3", "google-auth for Python"] },
  java: {
    file: "AppFolder.java",
    command: ["java", "-cp", javaClassPath, "AppFolder.java"],
    needs: ["java", "google-auth for Java"],
  },
  go: { file: "sample.go", command: ["go", "run", "sample.go"], needs: ["go"] },
};

/** Runs a program of the page against a service and a stand-in. @returns what it printed */
async function run(t: TestContext, language: string, { file, command }: Language): Promise<string> {
  const { vault, fixture, url, grant } = await testService(t);
  const { grantId } = await grant("ada@example.com");
  const { caller, key } = await vault.callers.create("reports", { allow: ["token"] });
  const { secret } = await vault.handles.create({ grantId }, { name: "nightly", forCaller: caller.name });
  const folder = await temporaryFolder(t);
  // The one difference to Google itself: where Drive is.
  const here = blockIn(language).replace("https://www.googleapis.com", fixture.standin.url);
  await writeFile(join(folder, file), language === "js" ? resolved(here) : here);
  const env = {
    ...(await sampleLanguages(folder)),
    TOKEN_URL: `${url}/oauth/token`,
    CALLER: caller.name,
    CALLER_KEY: key.expose(),
    HANDLE: secret.expose(),
  };
  const [program = "", ...args] = command;
  const { stdout } = await promisify(execFile)(program, args, { cwd: folder, env, timeout: 100_000 });
  return stdout;
}

describe("the page on Google's libraries", { timeout: 200_000 }, () => {
  test("the page on Google's libraries: authClient lists a person's files with the vault's tokens", async (t) => {
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
    const here = blockIn("ts").replace('version: "v3"', `$&, rootUrl: "${fixture.standin.url}/"`);
    await writeFile(file, resolved(here));
    const { filesOf } = (await import(pathToFileURL(file).href)) as Program;
    const files = await filesOf(vault, "user-42");
    assert.deepEqual(
      files.map(({ name }) => name),
      ["notes.txt"],
    );
  });

  for (const [language, how] of Object.entries(languages)) {
    const title = `the page on Google's libraries: the program in ${language} calls Drive with a handle`;
    test(title, needsProgram(...how.needs), async (t) => {
      assert.match(await run(t, language, how), /Application Data/);
    });
  }
});
