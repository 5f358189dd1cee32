import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { generateMasterKey } from "../../src/index.ts";
import { checkout } from "../support/checkout-bin.ts";
import { installInto, offlineNpm, unpackedPackage } from "../support/packed-package.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { blocksFor } from "./block-runners.ts";
import { runAsPasted } from "./page-session.ts";

const run = promisify(execFile);
const blocks = blocksFor("readme");
const sections = ["In your server", "As a service"];

/** What a newcomer has: Node, npm, curl, and nothing of ours. */
async function newcomer(t: TestContext): Promise<{ folder: string; env: Record<string, string | undefined> }> {
  const folder = await temporaryFolder(t);
  const { HOME, LANG, NODE_COMPILE_CACHE } = process.env;
  const PATH = [await offlineNpm(t), dirname(process.execPath), process.env["PATH"]].join(delimiter);
  return { folder, env: { PATH, HOME, LANG, NODE_COMPILE_CACHE } };
}

describe("README.md", { timeout: 120_000 }, () => {
  for (const section of sections) {
    test(`README.md: ${section}: its blocks, pasted into an empty folder, print what stands below them`, async (t) => {
      const { folder, env } = await newcomer(t);
      const pasted = blocks.filter((block) => block.section === section);
      await runAsPasted(t, pasted, { folder, env, ports: [4600, 8787] });
    });
  }

  test("README.md: every block stands in a section that is run", () => {
    assert.deepEqual(
      blocks.filter(({ section }) => !sections.includes(section)).map(({ line }) => line),
      [],
    );
  });

  test("README.md: its program works a second time, with a stand-in that knows nothing of the first", async (t) => {
    const { folder, env } = await newcomer(t);
    const pasted = blocks.filter((block) => block.section === "In your server");
    const again = pasted.filter(({ language, text }) => language === "text" || text === "node first.mts");
    assert.equal(again.length, 2);
    await runAsPasted(t, [...pasted, ...again], { folder, env });
  });

  test("README.md: its program is right for a strict compiler, as it is and with the line for Google itself", async (t) => {
    const folder = await temporaryFolder(t);
    await installInto(folder, await unpackedPackage(t));
    const { text = "" } = blocks.find(({ language }) => language === "ts") ?? {};
    const line = "  provider: google({ clientId, clientSecret, baseUrl }),";
    const forGoogle = '  provider: google({ clientSecretFile: "client_secret.json" }),';
    assert.ok(text.includes(line));
    await writeFile(join(folder, "first.mts"), text);
    await writeFile(join(folder, "google.mts"), text.replace(line, forGoogle));
    const flags = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2024", "--lib", "esnext"];
    const types = ["--types", "node", "--typeRoots", join(checkout, "node_modules/@types"), "--skipLibCheck"];
    await run("tsc", [...flags, ...types, "first.mts", "google.mts"], { cwd: folder });

    // With the file that the console gives out, a vault opens: nothing is asked of Google for that.
    const opens = `${text.replace(line, forGoogle).split("// once")[0]}console.log(vault.providerOf().issuer, clientId !== "");\nawait standin.close();\n`;
    await using standin = await testStandin();
    const web = { client_id: standin.clientId, client_secret: standin.clientSecret };
    await writeFile(join(folder, "client_secret.json"), JSON.stringify({ web }));
    await writeFile(join(folder, "master.key"), generateMasterKey().expose(), { mode: 0o600 });
    await writeFile(join(folder, "opens.mts"), opens);
    const { stdout } = await run(process.execPath, ["opens.mts"], { cwd: folder });
    assert.equal(stdout, "https://accounts.google.com true\n");
  });
});
