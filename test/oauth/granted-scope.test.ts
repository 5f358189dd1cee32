import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readScope } from "../../src/oauth/granted-scope.ts";
import { scopeAfter } from "../../src/oauth/token-set.ts";

const both = "openid files";

describe("a scope", () => {
  const spellings: readonly (readonly [string, unknown])[] = [
    ["with a space", "openid files"],
    ["with several spaces", " openid   files  "],
    ["with a tab", "openid\tfiles"],
    ["with a line end", "openid\r\nfiles\n"],
    ["with a comma", "openid,files"],
    ["with a comma and a space", "openid, files,"],
    ["with a zero byte", "openid\u0000files"],
    ["that comes twice", "openid files openid"],
    ["as a list", ["openid", "files"]],
    ["as a list with spaces in it", ["openid files"]],
    ["as a list with a comma in it", ["openid,files"]],
    ["as a list of lists", [["openid"], [["files"]]]],
    ["as a list with an empty text", ["openid", "", " files "]],
    ["as a list with what is no text", ["openid", 7, null, { scope: "more" }, "files"]],
    ["as a list in a text", '["openid","files"]'],
    ["with a semicolon", "openid;files"],
    ["in quotes", '"openid files"'],
    ["in single quotes", "'openid files'"],
    ["as names in quotes", '"openid" "files"'],
    ["as JSON in JSON", JSON.stringify(JSON.stringify(["openid", "files"]))],
    ["as Python prints a list", "['openid', 'files']"],
    ["as Python prints a set", "{'openid', 'files'}"],
    ["as Python prints a tuple", "('openid', 'files')"],
    ["as PostgreSQL prints an array", "{openid,files}"],
    ["as Ruby and Java print a list", "[openid, files]"],
    ["that was encoded once too often", "openid%20files"],
    ["with an encoded comma", "openid%2cfiles"],
  ];
  for (const [what, value] of spellings) {
    test(`a scope ${what} is read as the list it is`, () => assert.deepEqual(readScope(value), { scope: both }));
  }

  for (const value of [
    null,
    7,
    true,
    {},
    { openid: true },
    [],
    [[]],
    [null],
    [{ name: "openid" }],
    "",
    " ",
    ",",
    '{"openid":true}',
    '""',
    "[]",
    "{}",
  ]) {
    test(`a scope of ${JSON.stringify(value)} names nothing`, () =>
      assert.deepEqual(readScope(value), { scopeUnread: true }));
  }

  const names =
    "api://1/a.read user/*.rs patient/Observation.rs?category=lab|x read[own] payment:{id} https://a.example/b#c+d";
  test("a scope whose name has signs in it keeps them", () => assert.deepEqual(readScope(names), { scope: names }));

  test("a scope in more lists than anybody writes names nothing", () => {
    const deep = JSON.parse(`${"[".repeat(5_000)}"openid"${"]".repeat(5_000)}`) as unknown;
    assert.deepEqual(readScope(deep), { scopeUnread: true });
  });
});

test("what a grant covers after an answer: what it says; else what was held, or what was asked where it has no scope", () => {
  const cases = [
    [{ scope: "openid" }, "held", ["asked"], "openid"],
    [{}, "held", ["asked", "more"], "asked more"],
    [{}, "held", [], "held"],
    [{}, undefined, [], ""],
    [{ scopeUnread: true }, "held", ["asked"], "held"],
    [{ scopeUnread: true }, undefined, ["asked"], ""],
  ] as const;
  for (const [answer, held, asked, expected] of cases) assert.equal(scopeAfter(answer, held, asked), expected);
});
