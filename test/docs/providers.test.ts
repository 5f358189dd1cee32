import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { providersIn } from "../../src/service/settings/providers-file.ts";
import { checkout } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";

const blocks = blocksFor("providers");
const textOf = (language: string): string => blocks.find((block) => block.language === language)?.text ?? assert.fail();

describe("docs/providers.md", () => {
  test("docs/providers.md has a file of providers that is taken as it stands", async (t) => {
    const path = `${await temporaryFolder(t)}/providers.json`;
    const names: string[] = [];
    for (const { text } of blocks.filter((block) => block.language === "json" && block.text.includes('"type"'))) {
      writeFileSync(path, text);
      const problems: string[] = [];
      const secrets = { GITHUB_CLIENT_SECRET: "s3cret", WIKI_CLIENT_SECRET: "s3cret" };
      names.push(...providersIn(path, problems, secrets).map(({ name }) => name));
      assert.deepEqual(problems, []);
    }
    assert.deepEqual(names, ["github", "wiki", "tools"]);
  });

  test("docs/providers.md shows refusals that an entry takes as they stand", async (t) => {
    const path = `${await temporaryFolder(t)}/providers.json`;
    const shown = blocks.filter(({ language, text }) => language === "json" && text.includes("inactive_user"));
    assert.equal(shown.length, 1);
    const refusals: unknown = JSON.parse(shown[0]?.text ?? "");
    const endpoints = { authorization_endpoint: "https://a.example/a", token_endpoint: "https://a.example/t" };
    const entry = { name: "a", type: "oauth2", ...endpoints, client_id: "c", identity: "none", refusals };
    writeFileSync(path, JSON.stringify({ providers: [entry] }));
    const problems: string[] = [];
    assert.deepEqual(providersIn(path, problems, {})[0]?.refusals, refusals);
    assert.deepEqual(problems, []);
  });

  test("docs/providers.md has a program that prints what stands below it", async (t) => {
    const path = `${await temporaryFolder(t)}/providers.ts`;
    const index = new URL("../../src/index.ts", import.meta.url).href;
    writeFileSync(path, textOf("ts").replace('from "onbehalf"', `from ${JSON.stringify(index)}`));
    const { stdout, stderr } = spawnSync(process.execPath, [path], { encoding: "utf8" });
    assert.equal(stdout.trim(), textOf("text").trim(), stderr);
  });

  test("docs/providers.md names every member that a provider may have", () => {
    const page = readFileSync(`${checkout}docs/providers.md`, "utf8");
    const source = readFileSync(`${checkout}src/service/settings/providers-file.ts`, "utf8");
    const [, tables = ""] = /const endpoints([^]*?)\/\*\* Tells/.exec(source) ?? [];
    const members = [...tables.matchAll(/"([a-z]+_[a-z_]+)"/g)].map(([, member = ""]) => member);
    assert.ok(members.length > 30);
    assert.deepEqual(
      members.filter((member) => !page.includes(`\`${member}\``)),
      [],
    );
  });
});
