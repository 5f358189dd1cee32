import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { startStandin } from "../../src/standin/index.ts";
import { blocksFor } from "../docs/block-runners.ts";
import { json } from "./talk.ts";

const run = promisify(execFile);
const document = await readFile(new URL("../../docs/standin.md", import.meta.url), "utf8");

describe("docs/standin.md", () => {
  test("docs/standin.md shows a program that runs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "standin-"));
    try {
      const source = new URL("../../src/standin/index.ts", import.meta.url).href;
      const programs = blocksFor("stand-in, program");
      for (const { line, text } of programs) {
        const file = join(folder, `${String(line)}.ts`);
        await writeFile(file, text.replace('"onbehalf/standin"', JSON.stringify(source)));
        await run(process.execPath, [file]);
      }
      assert.ok(programs.length > 0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("docs/standin.md shows commands that work", async () => {
    await using standin = await startStandin();
    const env = { PATH: process.env["PATH"], STANDIN: standin.url };
    const script = blocksFor("stand-in, shell").map(({ text }) => text);
    const { stdout } = await run("bash", ["-e", "-c", script.join("\n")], { env });
    assert.match(stdout, /"code": "4\/0A/);
    assert.equal((await fetch(`${standin.url}/token`, { method: "POST" })).status, 503);
  });

  test("docs/standin.md names every setting, with its default", async () => {
    await using standin = await startStandin();
    const { body } = await json(await fetch(`${standin.url}/standin/settings`));
    for (const [name, value] of Object.entries(body)) {
      const row = document.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? "";
      assert.ok(row.split("|")[2]?.includes(String(value)), `${name} ${String(value)}: ${row}`);
    }
  });

  test("docs/standin.md names every control route, member of a fault, and member of a code", async () => {
    await using standin = await startStandin();
    const membersOf = async (path: string): Promise<string[]> => {
      const response = await fetch(`${standin.url}/standin/${path}`, { method: "POST", body: '{"?":1}' });
      const { error_description: text } = (await response.json()) as { error_description: string };
      return text.split("the members are ")[1]?.split(", ") ?? [];
    };
    for (const path of ["faults", "code", "people", "clients"]) {
      assert.ok(document.includes(`POST /standin/${path}`), path);
      const members = await membersOf(path);
      assert.ok(members.length > 3, path);
      for (const name of members) assert.match(document, new RegExp(`\\b${name}\\b`), `${path}: ${name}`);
    }
  });
});
