import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import * as onbehalf from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { blocksFor } from "./block-runners.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const page = read("docs/library.md");
const blocks = blocksFor("library");
const headings = new Set([...page.matchAll(/^### (.*)$/gm)].flatMap(([, names = ""]) => names.split(", ")));

const sources: Readonly<Record<string, string>> = {
  onbehalf: "src/index.ts",
  "onbehalf/node": "src/node/index.ts",
  "onbehalf/sqlite": "src/store/sqlite/index.ts",
  "onbehalf/standin": "src/standin/index.ts",
  "onbehalf/service": "src/service/index.ts",
};

/** Our modules as they are in this checkout. */
function resolved(text: string): string {
  return text.replaceAll(/from "(onbehalf(?:\/[^"]+)?)"/g, (_, name: string) => {
    return `from ${JSON.stringify(new URL(sources[name] ?? `no source for ${name}`, root).href)}`;
  });
}

const mark = "--- line ";

describe("docs/library.md", { timeout: 60_000 }, () => {
  test("its blocks run as one program, and print what stands below them", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const programs = blocks.filter(({ language }) => language === "ts");
    const text = programs.map(({ line, text }) => `console.log("${mark}${line}");\n${resolved(text)}`).join("\n");
    await writeFile(join(folder, "library.ts"), text);
    const { stdout } = await promisify(execFile)(process.execPath, ["library.ts"], { cwd: folder });
    const printed = new Map(
      stdout
        .split(mark)
        .slice(1)
        .map((part) => [Number.parseInt(part, 10), part.slice(part.indexOf("\n") + 1).trimEnd()]),
    );
    for (const [index, { language, line }] of blocks.entries()) {
      if (language !== "ts") continue;
      const below = blocks[index + 1];
      assert.equal(printed.get(line), below?.language === "text" ? below.text : "", `the block in line ${line}`);
    }
  });

  test("each value that onbehalf exports is named here or in the README; they are two dozen at most", () => {
    const values = Object.keys(onbehalf);
    const documents = `${page}\n${read("README.md")}`;
    assert.deepEqual(
      values.filter((name) => !new RegExp(`\\b${name}\\b`).test(documents)),
      [],
    );
    assert.ok(values.length <= 24, `${values.length} values: ${values.join(" ")}`);
  });

  test("each verb of a vault has a section", async () => {
    const { generateMasterKey, keyringFromKeys, oidc, openVault } = onbehalf;
    await using vault = await openVault({
      provider: oidc({ name: "example", issuer: "https://issuer.example", clientId: "app" }),
      store: sqlite(":memory:"),
      keyring: keyringFromKeys(generateMasterKey()),
    });
    const verbs = Object.getOwnPropertyNames(Object.getPrototypeOf(vault)).filter((name) => name !== "constructor");
    assert.deepEqual(
      [...verbs, ...Object.keys(vault)].filter((name) => !headings.has(name)),
      [],
    );
  });

  test("the events are those that a vault tells", () => {
    const [, section = ""] = page.split("\n## Events\n");
    const documented = [...section.matchAll(/^\| `([a-z_]+)`/gm)].map(([, type]) => type);
    const declared = [...read("src/vault/events.ts").matchAll(/type: "([a-z_]+)"/g)].map(([, type]) => type);
    assert.deepEqual(new Set(documented), new Set(declared));
  });
});
