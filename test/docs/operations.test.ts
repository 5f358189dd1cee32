import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { program } from "../../src/cli/program.ts";
import { keyringOf } from "../../src/service/settings/config-parts.ts";
import { settingNames } from "../../src/service/settings/config.ts";
import { testStandin } from "../support/test-standin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runBlocks } from "./bash-session.ts";
import { blocksFor } from "./block-runners.ts";

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
    const rows = [...page.matchAll(/^\| `onbehalf ([a-z]+(?: [a-z][a-z-]*){0,2})/gm)].map(([, name = ""]) => name);
    const leaves = (command: Command, above: readonly string[]): string[] =>
      command.commands.length === 0
        ? [[...above, command.name()].join(" ")]
        : command.commands.flatMap((each) => leaves(each, [...above, command.name()]));
    const known = program().commands.flatMap((command) => leaves(command, []));
    assert.deepEqual(rows.sort(), known.sort());
  });

  test("docs/operations.md: each action of the audit log that stands in the code has its row", () => {
    const source = new URL("../../src/", import.meta.url);
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
      (name) => /^(?:store|vault|service)\/.*\.ts$/.test(name) && !name.startsWith("store/suite/"),
    );
    const written = files.flatMap((name) =>
      [...readFileSync(new URL(name, source), "utf8").matchAll(/\baction: "(\w+\.\w+)"/g)].map(([, action]) => action),
    );
    assert.ok(written.length > 20, "they are found");
    const rows = page.split("\n").filter((line) => /^\| `\w+\.\w+`/.test(line));
    const known = new Set(rows.flatMap((line) => [...line.matchAll(/`(\w+\.\w+)`/g)].map(([, action]) => action)));
    assert.deepEqual(
      [...new Set(written)].filter((action) => !known.has(action)),
      [],
    );
  });

  test("docs/operations.md: each command that prints a key is read as it stands", () => {
    for (const { text } of blocksFor("operations, key commands")) {
      for (const line of text.split("\n")) {
        const [, keyCommand = ""] = /^ONBEHALF_KEY_COMMAND=(.+)$/.exec(line) ?? [];
        const problems: string[] = [];
        assert.ok(keyringOf({ keyCommand }, problems) !== undefined, line);
        assert.deepEqual(problems, [], line);
      }
    }
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
    const examples = blocksFor("operations, shell");
    const outputs = await runBlocks([{ text: `cd '${folder}'`, line: 0 }, ...examples], {
      PATH: [join(folder, ".bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter),
      HOME: folder,
      ONBEHALF_GOOGLE_BASE_URL: standin.url,
    });
    assert.equal(outputs.length, examples.length + 1);
    assert.match(outputs.join("\n"), /^warn {2}store|^ok {4}store/m);
    assert.match(outputs.join("\n"), /"status":"ready"/);
    assert.match(outputs.join("\n"), /^[0-9a-f]{16} {2}yes {4}(?:4|7)$/m);
  });
});
