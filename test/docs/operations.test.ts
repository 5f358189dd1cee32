import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { program } from "../../src/cli/program.ts";
import { settingNames } from "../../src/service/settings/config.ts";
import { testStandin } from "../support/test-standin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runBlocks } from "./bash-session.ts";
import { anchorsOf, blocksOf } from "./fenced-blocks.ts";

const docs = new URL("../../docs/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, docs), "utf8");
const page = read("operations.md");

describe("docs/operations.md", () => {
  test("docs/operations.md: the settings are those that are read, each with its flag", () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)`\s+\| `--([a-z-]+)`/gm)].map(([, variable, flag]) => [
      flag,
      variable,
    ]);
    const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    assert.deepEqual(
      Object.fromEntries(rows),
      Object.fromEntries(Object.entries(settingNames).map(([name, variable]) => [kebab(name), variable])),
    );
  });

  test("docs/operations.md: the commands are those that there are", () => {
    const rows = [...page.matchAll(/^\| `onbehalf ([a-z]+(?: [a-z]+)?)/gm)].map(([, name = ""]) => name);
    const leaves = (command: Command, above: readonly string[]): string[] =>
      command.commands.length === 0
        ? [[...above, command.name()].join(" ")]
        : command.commands.flatMap((each) => leaves(each, [...above, command.name()]));
    const known = program().commands.flatMap((command) => leaves(command, []));
    assert.deepEqual(rows.sort(), known.sort());
  });

  test("docs/operations.md: its examples work, one after the other, in a folder with a client's file", async (t) => {
    const folder = await temporaryFolder(t);
    await using standin = await testStandin();
    const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const { clientId, clientSecret } = standin;
    await mkdir(join(folder, ".bin"));
    await writeFile(join(folder, ".bin", "onbehalf"), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, {
      mode: 0o755,
    });
    await writeFile(
      join(folder, "client_secret.json"),
      JSON.stringify({ web: { client_id: clientId, client_secret: clientSecret } }),
      { mode: 0o600 },
    );
    const examples = blocksOf(page).filter(({ language }) => language === "sh");
    const outputs = await runBlocks([{ text: `cd '${folder}'`, line: 0 }, ...examples], {
      PATH: [join(folder, ".bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter),
      HOME: folder,
      ONBEHALF_GOOGLE_BASE_URL: standin.url,
    });
    assert.equal(outputs.length, examples.length + 1);
    assert.match(outputs.join("\n"), /^warn {2}store|^ok {4}store/m);
    assert.match(outputs.join("\n"), /"status":"ready"/);
    assert.match(outputs.at(-1) ?? "", /^[0-9a-f]{16} {2}yes {4}(?:4|7)$/m);
  });
});

describe("links between the pages", () => {
  for (const name of ["errors.md", "http-api.md", "operations.md", "glossary.md"]) {
    test(`links between the pages: ${name}: each leads somewhere`, () => {
      for (const [, target = "", anchor] of read(name).matchAll(/\]\(([a-z-]*\.md)?(?:#([^)\s]+))?\)/g)) {
        const there = read(target === "" ? name : target);
        if (anchor !== undefined) {
          // An error's section is found by its code as it stands, underscores and all.
          const found = anchorsOf(there).has(anchor) || there.includes(`\n## ${anchor}\n`);
          assert.ok(found, `${name}: ${target}#${anchor}`);
        }
      }
    });
  }
});
