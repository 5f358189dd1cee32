import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, number, numberOrNull, rowReader, text, textOrNull, truth } from "../../../src/store/sql/column.ts";
import type { ColumnsOf } from "../../../src/store/sql/column.ts";

interface Thing {
  readonly name: string;
  readonly note: string | null;
  readonly count: number;
}

const columns: ColumnsOf<Thing> = { name: text("name"), note: textOrNull("note"), count: number("count") };

test("a column map that lacks a property, or has one of another type, does not compile", () => {
  // @ts-expect-error: `count` has no column.
  const lacking: ColumnsOf<Thing> = { name: text("name"), note: textOrNull("note") };
  // @ts-expect-error: `count` is a number.
  const wrongKind: ColumnsOf<Thing> = { ...columns, count: text("count") };
  // @ts-expect-error: `name` is never null.
  const tooWide: ColumnsOf<Thing> = { ...columns, name: textOrNull("name") };
  // @ts-expect-error: `note` may be null.
  const tooNarrow: ColumnsOf<Thing> = { ...columns, note: text("note") };
  assert.equal([lacking, wrongKind, tooWide, tooNarrow].length, 4);
});

const damages = {
  "a column that was not selected": { name: "a", note: null },
  "null where there is always a value": { name: null, note: null, count: 1 },
  "a number as text": { name: "a", note: null, count: "1" },
  "text as bytes": { name: new Uint8Array(1), note: null, count: 1 },
};
for (const [what, row] of Object.entries(damages)) {
  test(`a row reader throws, and names the column, for ${what}`, () => {
    assert.throws(() => rowReader(columns)(row), {
      name: "TypeError",
      message: /^column (?:name|count) /,
    });
  });
}

test("a row reader returns every property, and no column that it was not asked for", () => {
  const row = { name: "a", note: null, count: 3, more: "unread" };
  assert.deepEqual(rowReader(columns)(row), { name: "a", note: null, count: 3 });
});

test("columns give back what they wrote", () => {
  const there = new Uint8Array([1, 2]);
  assert.equal(bytes("b").read({ b: bytes("b").write(there) }), there);
  assert.equal(truth("t").read({ t: truth("t").write(true) }), true);
  assert.equal(truth("t").read({ t: truth("t").write(false) }), false);
  assert.equal(numberOrNull("n").read({ n: numberOrNull("n").write(null) }), null);
});
