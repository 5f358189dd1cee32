import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { readLoosely } from "../../src/oauth/loose-json.ts";

/** Names with their values. */
function read(text: string): unknown[] {
  return readLoosely(text).pairs.map(([name, value]) => [name, value]);
}

describe("loose JSON", () => {
  const texts: readonly (readonly [string, string, unknown[]])[] = [
    ["nothing", "", []],
    ["a page", "<html><body class='x'>it's 12:30, and \"so\": on</body></html>", []],
    ["single quotes", "{'a': 'x'}", [["a", "x"]]],
    ["an apostrophe before it", `can't connect, {"a":"x"}`, [["a", "x"]]],
    [
      "an apostrophe in it",
      `{"a":"it's","b":"'"}`,
      [
        ["a", "it's"],
        ["b", "'"],
      ],
    ],
    [
      "a name in a text",
      '{"a":"\\"b\\":\\"c\\"","d":"e"}',
      [
        ["a", '"b":"c"'],
        ["d", "e"],
      ],
    ],
    [
      "a name in a list",
      '{"a":["b:","c",["d"]],"e":1}',
      [
        ["a", ["b:", "c", ["d"]]],
        ["e", 1],
      ],
    ],
    [
      "a name twice",
      '{"a":1,"a":2}',
      [
        ["a", 1],
        ["a", 2],
      ],
    ],
    [
      "words",
      '{"a":null,"b":true,"c":NaN,"d":-1.5e3,"e":x}',
      [
        ["a", null],
        ["b", true],
        ["c", "NaN"],
        ["d", -1500],
        ["e", "x"],
      ],
    ],
    ["a text that has no end", '{"a":"x","b":"y', [["a", "x"]]],
    ["a text that ends in an escape", '{"a":"x","b":"y\\"', [["a", "x"]]],
    ["a text that ends in half an escape", '{"a":"x","b":"y\\', [["a", "x"]]],
    ["a number that may go on", '{"a":36', []],
    ["a list that has no end", '{"b":["c","d', [["b", ["c"]]]],
    ["a value that is missing", '{"a":,"b":"x"}', [["b", "x"]]],
    ["a line end in a text", '{"a":"x\ny"}', [["a", "x\ny"]]],
  ];
  for (const [what, text, pairs] of texts) {
    test(`loose JSON is read with ${what}`, () => assert.deepEqual(read(text), pairs));
  }

  test("loose JSON gives the objects that stand side by side, and says which of them came whole", () => {
    const { objects, pairs } = readLoosely('body {color:red} {"a":1,"b":{"c":1,},"a":2} {"d":{"e":1},"f":["g');
    assert.deepEqual(objects, [
      { members: { color: "red" }, isWhole: true },
      { members: { a: 2, b: { c: 1 } }, isWhole: true },
      { members: { d: { e: 1 }, f: [] }, isWhole: false },
    ]);
    assert.deepEqual(
      pairs.map(([name]) => name),
      ["color", "a", "c", "b", "a", "e", "d", "f"],
    );
  });

  test("an object that was cut off behind one within it is not whole", () => {
    for (const text of ['{"a":1,"b":{"c":2}', '{"a":1,"b":[{"c":2}]', '{"a":1,"b":{"c":{}}']) {
      for (const isWhole of [false, true]) {
        const { objects } = readLoosely(isWhole ? `${text}}` : text);
        assert.deepEqual(
          objects.map((each) => each.isWhole),
          [isWhole],
        );
      }
    }
  });

  test("a list that its object's brace cuts off ends with it", () => {
    assert.deepEqual(readLoosely('{"a":[}').objects, [{ members: { a: [] }, isWhole: true }]);
    assert.deepEqual(readLoosely('{"a":[[1,{"b":2},}').objects[0]?.members, { a: [[1, { b: 2 }]] });
    assert.deepEqual(read('{"a":["x"},"b":"y"}{"c":1}'), [
      ["a", ["x"]],
      ["c", 1],
    ]);
  });

  test("reading comes to an end, whatever signs stand in a text", () => {
    const signs = fc.array(fc.constantFrom("{", "}", "[", "]", ":", ",", '"a"', "1", '"'), { maxLength: 40 });
    fc.assert(
      fc.property(signs, (each) => {
        readLoosely(each.join(""));
      }),
      { numRuns: 2_000 },
    );
  });

  test("loose JSON is read like JSON where it is JSON, and of its beginning no text, number or word is made up", () => {
    const value = fc.oneof(
      fc.string(),
      fc.double({ noDefaultInfinity: true, noNaN: true }),
      fc.constantFrom(null, true),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(value, fc.array(value))), fc.nat(), (object, cut) => {
        const text = JSON.stringify(object);
        const whole = read(text);
        assert.deepEqual(Object.fromEntries(whole as [string, unknown][]), JSON.parse(text));
        const part = read(text.slice(0, cut % (text.length + 1))) as [string, unknown][];
        for (const [n, [name, value]] of part.entries()) {
          const [sameName, sent] = whole[n] as [string, unknown];
          assert.equal(name, sameName);
          assert.deepEqual(value, Array.isArray(value) ? (sent as unknown[]).slice(0, value.length) : sent);
        }
      }),
    );
  });

  test("loose JSON takes no longer than its text is long", () => {
    for (const piece of ['\\"', "\\'", '"a":[', "[", "{", "'", '"', "a:", '"a":"', "\\"]) {
      for (const first of ["", '"', "'", "{", '{"a":"', "{'"]) readLoosely(first + piece.repeat(40_000));
    }
  });
});
