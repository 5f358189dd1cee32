import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { needsProgram } from "../support/installed-programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";
import { blocksOf, type Block } from "./fenced-blocks.ts";

const blocks = blocksOf(readFileSync(new URL("../../docs/mobile.md", import.meta.url), "utf8"));

/** Each platform, the languages it is explained in, and what a phone or page there may call itself. */
const platforms = new Map<string, { languages: string[]; sources: string[] }>([
  ["Android", { languages: ["kotlin"], sources: ["android"] }],
  ["Android, legacy", { languages: ["kotlin"], sources: ["android"] }],
  ["iOS", { languages: ["swift"], sources: ["ios"] }],
  ["React Native and Expo", { languages: ["ts"], sources: ["android", "ios"] }],
  ["Flutter", { languages: ["dart"], sources: ["android", "ios"] }],
  ["Capacitor", { languages: ["java", "ts"], sources: ["android", "ios"] }],
  ["Web, popup", { languages: ["js"], sources: [] }],
  ["Web, redirect", { languages: ["js"], sources: [] }],
  ["Web, without our client", { languages: ["js"], sources: ["web-popup"] }],
]);

const sendsItself = (block: Block): boolean => /\bPOST\b|\.post\(/.test(block.text);
const usesOurClient = (block: Block): boolean => block.text.includes('from "onbehalf/browser"');

/** What the block sends as `source`: the words in quotes, or after an equals sign, on its line. */
function sourcesIn(block: Block): string[] {
  const values = block.text
    .split("\n")
    .flatMap((line) => line.split(/\bsource\b/).slice(1))
    .flatMap((rest) => rest.match(/(?<=["'=])[a-z][a-z-]*(?=["'&])/g) ?? []);
  return [...new Set(values)].sort();
}

describe("docs/mobile.md", () => {
  test("docs/mobile.md has a section per platform, each with code in its language", () => {
    for (const [section, { languages }] of platforms) {
      const used = new Set(blocks.filter((block) => block.section === section).map((block) => block.language));
      assert.deepEqual([...used].sort(), languages, section);
    }
  });

  for (const block of blocks.filter(({ section }) => platforms.has(section))) {
    test(`docs/mobile.md: line ${String(block.line)}, ${block.section}: hands the code over as /authcode wants it`, () => {
      if (block.language === "java") return; // passes results on inside the app
      if (usesOurClient(block)) {
        assert.match(block.text, /endpoint: "\/authcode"/);
        return;
      }
      assert.ok(sendsItself(block), "sends the code");
      assert.match(block.text, /\/authcode\b/);
      assert.match(block.text, /^.*X-Requested-With["'].*$/m);
      assert.match(block.text, /authCode/);
      assert.deepEqual(sourcesIn(block), platforms.get(block.section)?.sources);
    });

    test(`docs/mobile.md: line ${String(block.line)}, ${block.section}: nothing secret, nothing in the clear`, () => {
      assert.doesNotMatch(block.text, /client_?secret|GOCSPX|refresh_?token|access_?token/i);
      assert.doesNotMatch(block.text, /http:\/\//);
    });
  }

  for (const { language, line, section, text } of blocks.filter(({ language }) => language === "ts")) {
    test(`docs/mobile.md: line ${String(line)}, ${section}: is ${language} that parses`, () => {
      assert.ok(stripTypeScriptTypes(text).length > 0);
    });
  }

  test("docs/mobile.md: the Java is Java, for classes that are not here", needsProgram("java"), async (t) => {
    const folder = await temporaryFolder(t);
    const samples = blocks.filter(({ language }) => language === "java");
    assert.ok(samples.length > 0);
    for (const { text } of samples) {
      const file = join(folder, "MainActivity.java");
      await writeFile(file, text);
      const { stderr } = spawnSync("/usr/bin/javac", ["-XDrawDiagnostics", "-d", folder, file], { encoding: "utf8" });
      const errors = [...stderr.matchAll(/compiler\.err\.([\w.]+)/g)].map(([, code]) => code);
      // What it imports is not there, and then nothing of it can be looked up. Anything else would be its own fault.
      assert.deepEqual(
        errors.filter((code) => !/^(?:doesnt\.exist|cant\.resolve|method\.does\.not\.override)/.test(code ?? "")),
        [],
      );
    }
  });

  test("docs/mobile.md: the JSON block is what an answer looks like", () => {
    const json = blocksFor("mobile, answer");
    assert.equal(json.length, 1);
    const answer = JSON.parse(json[0]?.text ?? "") as Record<string, unknown>;
    const claims = ["sub", "email", "email_verified", "name", "picture", "locale", "family_name", "given_name"];
    const members = [...claims, "grant_id", "scope", "offline", "sign_in_assertion"];
    assert.deepEqual(Object.keys(answer).sort(), members.sort());
  });
});
