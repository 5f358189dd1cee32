import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { startStandin } from "../../src/standin/index.ts";
import type { RunningStandin } from "../../src/standin/index.ts";
import { blocksFor } from "../docs/block-runners.ts";
import { json } from "./talk.ts";

const run = promisify(execFile);
const document = await readFile(new URL("../../docs/standin.md", import.meta.url), "utf8");

/** What a control route takes, in its own words. */
async function membersOf(standin: RunningStandin, path: string): Promise<string[]> {
  const response = await fetch(`${standin.url}/standin/${path}`, { method: "POST", body: '{"?":1}' });
  const { error_description: text } = (await response.json()) as { error_description: string };
  return text.split("the members are ")[1]?.split(", ") ?? [];
}

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

  const oauth2Section = "The kind oauth2";
  const mcpSection = "The kind mcp";

  const shell = async (standin: RunningStandin, section: (name: string) => boolean): Promise<string> => {
    const env = { PATH: process.env["PATH"], STANDIN: standin.url };
    const script = blocksFor("stand-in, shell").filter((block) => section(block.section));
    assert.ok(script.length > 0);
    return (await run("bash", ["-e", "-c", script.map(({ text }) => text).join("\n")], { env })).stdout;
  };

  test("docs/standin.md shows commands for the kind oauth2 that work", async () => {
    await using standin = await startStandin({ kind: "oauth2" });
    const stdout = await shell(standin, (section) => section === oauth2Section);
    assert.match(stdout, /"code": "ac-/);
    assert.equal(standin.settings().expiresIn, "none");
    assert.match(stdout, /"client_secret": "cs-/);
  });

  test("docs/standin.md shows commands for the kind mcp that work", async () => {
    await using standin = await startStandin({ kind: "mcp" });
    const stdout = await shell(standin, (section) => section === mcpSection);
    assert.match(stdout, /"code": "ac-[\s\S]*"client_id": "client-/);
  });

  test("docs/standin.md names every default of the kind mcp that differs from those of the kind oauth2", async () => {
    await using standin = await startStandin({ kind: "mcp" });
    await using other = await startStandin({ kind: "oauth2" });
    const text = document.slice(document.indexOf(`## ${mcpSection}`));
    const [own, others] = [standin.settings(), Object.entries(other.settings())];
    const differing = others.filter(
      ([name, value]) => own[name as keyof typeof own] !== value && name !== "refusalWords",
    );
    assert.equal(differing.length, 6);
    for (const [name] of differing)
      assert.match(text, new RegExp(`\`${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}\``));
  });

  test("docs/standin.md names every setting of the kind oauth2, with its default, and every member of a control route", async () => {
    await using standin = await startStandin({ kind: "oauth2" });
    const text = document.slice(document.indexOf(`## ${oauth2Section}`));
    const { body } = await json(await fetch(`${standin.url}/standin/settings`));
    for (const [name, value] of Object.entries(body)) {
      const row = text.split("\n").find((line) => line.startsWith("|") && line.includes(`\`${name}\``)) ?? "";
      const written = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
      assert.ok(row.split("|")[2]?.includes(written), `${name} ${written}: ${row}`);
    }
    for (const path of ["code", "clients", "people"]) {
      const members = await membersOf(standin, path);
      assert.ok(members.length > 1, path);
      for (const name of members) assert.match(text, new RegExp(`\\b${name}\\b`), `${path}: ${name}`);
    }
  });

  test("docs/standin.md shows commands that work", async () => {
    await using standin = await startStandin();
    const stdout = await shell(standin, (section) => ![oauth2Section, mcpSection].includes(section));
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
    for (const path of ["faults", "code", "people", "clients"]) {
      assert.ok(document.includes(`POST /standin/${path}`), path);
      const members = await membersOf(standin, path);
      assert.ok(members.length > 3, path);
      for (const name of members) assert.match(document, new RegExp(`\\b${name}\\b`), `${path}: ${name}`);
    }
  });
});
