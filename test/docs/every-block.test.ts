import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { checkout } from "../support/checkout-bin.ts";
import { allBlocks, allRunners, takes } from "./block-runners.ts";
import { blocksOf } from "./fenced-blocks.ts";

const blocks = allBlocks();
const read = (path: string): string => readFileSync(`${checkout}${path}`, "utf8");
const flat = (text: string): string => text.replaceAll(/\s+/g, " ");

describe("every block of README and docs", () => {
  test("every block of README and docs is run by one test, or the page says why not", () => {
    const flaws = blocks.flatMap((block) => {
      const takers = allRunners.filter(([, runner]) => takes(runner, block)).map(([name]) => name);
      if (takers.length === 1) return [];
      const who = takers.length === 0 ? "nobody runs it" : `several runners: ${takers.join(", ")}`;
      return [`${block.page}:${block.line}: ${block.language === "" ? "no language" : block.language}: ${who}`];
    });
    assert.ok(blocks.length > 100);
    assert.deepEqual(flaws, []);
  });

  for (const [name, runner] of allRunners) {
    test(`every block of README and docs: ${name}: has blocks, and a test that takes them or a reason that is told`, () => {
      assert.ok(
        blocks.some((block) => takes(runner, block)),
        "it takes no block: take it out",
      );
      if (runner.notRun !== undefined) {
        assert.ok(flat(read(runner.notRun.page)).includes(flat(runner.notRun.says)), "its page does not say why");
      } else {
        assert.ok(read(`test/${runner.test ?? ""}.test.ts`).includes(JSON.stringify(name)), "no test takes them");
      }
    });
  }
});

describe("what counts as a block", () => {
  for (const [what, markdown, found] of [
    ["one with a language", "```sh\nls\n```", [["sh", "", "ls"]]],
    ["one with a note", "```sh server\nls\n```", [["sh", "server", "ls"]]],
    ["one in a list", "1. so:\n\n   ```sh\n   ls\n     -l\n   ```", [["sh", "", "ls\n  -l"]]],
    ["one with more backticks", "````md\n```sh\nls\n```\n````", [["md", "", "```sh\nls\n```"]]],
    ["one with tildes", "~~~py\n1\n~~~", [["py", "", "1"]]],
    ["one without a language", "```\nx\n```", [["", "", "x"]]],
  ] as const) {
    test(`what counts as a block: ${what}`, () => {
      const blocks = blocksOf(markdown).map(({ language, note, text }) => [language, note, text]);
      assert.deepEqual(blocks, found);
    });
  }

  test("a block without an end is no page", () => {
    assert.throws(() => blocksOf("a\n```sh\nls"), /line 2 has no end/);
  });
});
