import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { checkout } from "../support/checkout-bin.ts";
import { claimsIn, flawOfClaim, itemsUnder, rowsOf } from "./claims.ts";

const read = (page: string): string => readFileSync(`${checkout}${page}`, "utf8");
const pages = globSync(["docs/specs.md", "docs/specs/*.md", "docs/advisories.md", "SECURITY.md"], {
  cwd: checkout,
}).sort();

describe("what a page says is held by a test", () => {
  for (const page of pages) {
    const text = read(page);

    test(`${page}: each test that it names is there`, () => {
      const flaws = claimsIn(text).flatMap((claim) => flawOfClaim(claim) ?? []);
      assert.deepEqual(flaws, []);
    });

    test(`${page}: no row is without a test, unless it says why`, () => {
      const bare = rowsOf(text).filter(({ claims, excuse }) => claims.length === 0 && excuse === undefined);
      assert.deepEqual(bare, []);
    });

    test(`${page}: each path in src is there`, () => {
      const named = [...text.matchAll(/`(src\/[^`]*)`/g)].map(([, path = ""]) => path);
      assert.deepEqual(
        named.filter((path) => !existsSync(`${checkout}${path}`)),
        [],
      );
    });
  }
});

test("SECURITY.md: every sentence of its guarantees names the tests that hold it", () => {
  const page = read("SECURITY.md");
  const items = itemsUnder(page, "Guarantees");
  assert.ok(items.length > 20);
  for (const { line, text, claims } of items) {
    assert.ok(claims.length > 0, `SECURITY.md:${line} names no test: ${text}`);
    const promise = text.slice(2, text.indexOf(`\`${claims[0]?.file ?? ""}\``));
    // One promise an item: a second sentence would pass without a test of its own.
    assert.doesNotMatch(promise, /[.!?] \S/, `SECURITY.md:${line} is more than one sentence`);
  }
  // What stands outside of an item would name no test either.
  const section = /\n## Guarantees\n(.*?)\n## /s.exec(page)?.[1] ?? "";
  const outside = section.split("\n").filter((line) => line !== "" && !/^(?:- |  \S|### )/.test(line));
  assert.deepEqual(outside, []);
});

test("docs/specs.md lists every requirement that a page calls open, and no other", () => {
  const listed = itemsUnder(read("docs/specs.md"), "What is open").flatMap(({ text }) => {
    const [, page = "", numbers = ""] = /\(specs\/([\w-]+\.md)[^)]*\)(.*)$/.exec(text) ?? [];
    return [...numbers.matchAll(/\d+(?:\.\d+)+/g)].map(([number]) => `${page} ${number}`);
  });
  const open = globSync("docs/specs/*.md", { cwd: checkout }).flatMap((page) =>
    rowsOf(read(page))
      .filter(({ excuse }) => excuse === "open")
      .map(({ text }) => `${page.slice("docs/specs/".length)} ${/\d+(?:\.\d+)+/.exec(text)?.[0] ?? text}`),
  );
  assert.ok(open.length > 0);
  assert.deepEqual(listed.sort(), [...new Set(open)].sort());
});

describe("a test that a page names", () => {
  const file = "oauth/id-token";
  for (const [what, title] of [
    ["by its whole title", "an ID token as Google signs it is accepted from any of the published keys"],
    ["by a part of it", "accepted from any of the published keys"],
    ["by a title that is made for each case", "an ID token whose claims are wrong is refused for …: …"],
    ["by the title of one case", "an ID token whose claims are wrong is refused for aud: another audience"],
  ] as const) {
    test(`is found ${what}`, () => assert.equal(flawOfClaim({ file, title }), undefined));
  }

  for (const [what, claim, flaw] of [
    [
      "whose file is not there",
      { file: "oauth/id-tokens", title: "an ID token as Google signs it" },
      /there is no test/,
    ],
    ["whose title is another", { file, title: "an ID token is refused on Sundays" }, /no test of/],
    [
      "whose case is not in the table",
      { file, title: "an ID token whose claims are wrong is refused for aud: a Sunday" },
      /no test of/,
    ],
    ["whose part of a title fits several", { file, title: "an ID token whose claims" }, /titles of/],
    ["whose part of a title says nothing", { file, title: "is refused" }, /too short/],
  ] as const) {
    test(`is missed ${what}`, () => assert.match(flawOfClaim(claim) ?? "found", flaw));
  }

  const table = (cell: string): string => `| what | test |\n| ---- | ---- |\n| one  | ${cell} |\n`;
  for (const [cell, claims, excuse] of [
    ['`oauth/jwks` "an unknown kid"; `oauth/id-token` "the audience"', 2, undefined],
    ["**open**: nobody has done it", 0, "open"],
    ["operator: [operations](../operations.md)", 0, "operator"],
    ["does not apply: we have no pages", 0, "does not apply"],
    ["", 0, undefined],
    ["see the code", 0, undefined],
    ["openly so", 0, undefined],
  ] as const) {
    test(`is read out of a table: ${JSON.stringify(cell)}`, () => {
      const [row, ...more] = rowsOf(table(cell));
      assert.deepEqual([row?.claims.length, row?.excuse, more], [claims, excuse, []]);
    });
  }
});
