import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { pages as served } from "../../src/service/pages/pages.ts";
import { checkout } from "../support/checkout-bin.ts";
import { anchorsOf, deadLinks, linksOf } from "./links.ts";

const read = (path: string): string => readFileSync(`${checkout}${path}`, "utf8");
const documents = new Map(
  globSync(["*.md", "llms.txt", "docs/**/*.md", ".*/**/*.md", "examples/**/*.md"], { cwd: checkout }).map((path) => [
    path,
    read(path),
  ]),
);

/** Every file that npm would publish. */
function packed(): string[] {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [{ files }] = JSON.parse(execFileSync("npm", args, { cwd: checkout, encoding: "utf8" })) as [
    { files: { path: string }[] },
  ];
  return files.map(({ path }) => path);
}

describe("relative links", () => {
  test("relative links and anchors of every page lead somewhere in a checkout", () => {
    assert.ok(documents.size > 50);
    assert.deepEqual(
      deadLinks(documents, (path) => existsSync(`${checkout}${path}`)),
      [],
    );
  });

  test("relative links and anchors of every page lead somewhere in the packed package", () => {
    const files = packed();
    const inside = new Map(files.filter((path) => documents.has(path)).map((path) => [path, read(path)]));
    assert.ok(inside.has("README.md") && inside.has("docs/library.md") && inside.has("llms.txt"));
    assert.deepEqual(
      deadLinks(inside, (path) =>
        files.some((file) => file === path || file.startsWith(`${path.replace(/\/$/, "")}/`)),
      ),
      [],
    );
  });

  test("relative links of the pages that the service serves lead to others, or to code in the package", () => {
    assert.deepEqual(
      deadLinks(served, (path) => /^(?:examples|migrations)\//.test(path) && existsSync(`${checkout}${path}`)),
      [],
    );
  });
});

test("llms.txt lists every page of docs/ once, and says what each is for", () => {
  const listed = linksOf(read("llms.txt")).map(({ target }) => target);
  assert.equal(new Set(listed).size, listed.length);
  const pages = [...documents.keys()].filter((path) => /^docs\/[\w-]+\.md$/.test(path));
  assert.deepEqual(
    pages.filter((page) => !listed.includes(page)),
    [],
  );
  for (const line of read("llms.txt")
    .split("\n")
    .filter((each) => each.startsWith("- "))) {
    // https://llmstxt.org: a link, a colon, what it is for.
    assert.match(line, /^- \[[^\]]+\]\([^)]+\): [A-Za-z].+[^.]$/);
  }
});

test("each page of docs/ but the glossary begins with its reader's situation", () => {
  const pages = [...documents].filter(([path]) => /^docs\/[\w-]+\.md$/.test(path) && path !== "docs/glossary.md");
  assert.ok(pages.length > 15);
  for (const [path, text] of pages) {
    const [, beginning = ""] = /^# [^\n]+\n\n([^]*?)\n\n/.exec(text) ?? [];
    assert.match(beginning, /\byou(?:rs?)?\b/i, path);
  }
});

describe("what counts as a link", () => {
  for (const [what, markdown, targets] of [
    ["one in brackets", "see [a](b.md) and\n[c](d.md#e)", ["b.md", "d.md#e"]],
    ["one with a title", '[a](b.md "the b")', ["b.md"]],
    ["one by reference", "[a][b]\n\n[b]: c.md", ["c.md"]],
    ["one of a picture", '<img src="a.png">', ["a.png"]],
    ["none in a block", "```md\n[a](b.md)\n```", []],
    ["none in code", "`[a](b.md)` and ``[`](c.md)``", []],
    ["one after code", "`a` [b](c.md) `d`", ["c.md"]],
  ] as const) {
    test(`what counts as a link: ${what}`, () => {
      assert.deepEqual(
        linksOf(markdown).map(({ target }) => target),
        targets,
      );
    });
  }

  for (const [what, target, flaw] of [
    ["a page that is there", "b.md", undefined],
    ["a heading", "b.md#a-heading", undefined],
    ["a heading that comes again", "b.md#a-heading-1", undefined],
    ["a heading of its own", "#own", undefined],
    ["another site", "https://x.example/", undefined],
    ["a page that is not there", "c.md", "is not there"],
    ["a heading that is not there", "b.md#nothing", "has no such heading"],
    ["a heading in a block", "b.md#code", "has no such heading"],
    ["a root", "/b.md", "begins at a root"],
  ] as const) {
    test(`where a link leads: ${what}`, () => {
      const pages = new Map([
        ["a.md", `# Own\n[x](${target})`],
        ["b.md", "# A heading\n## A heading\n```sh\n# code\n```\n"],
      ]);
      const dead = deadLinks(pages, () => false);
      assert.deepEqual(dead, flaw === undefined ? [] : [`a.md:2: ${target}: ${flaw}`]);
    });
  }

  test("an anchor is made of a heading as code hosts make it", () => {
    const headings = "# A `code`, and more\n## [Linked](x.md) it_is\n### 2. Three kinds of client\n";
    assert.deepEqual([...anchorsOf(headings)], ["a-code-and-more", "linked-it_is", "2-three-kinds-of-client"]);
  });
});
