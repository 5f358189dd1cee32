import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, numbered } from "../../../src/store/sql/column.ts";

test("a named parameter becomes a number, the same number wherever it stands", () => {
  const text = "UPDATE t SET a = :at, b = :other, c = CASE WHEN c > :at THEN :at ELSE c END";
  assert.deepEqual(numbered(text, "$"), {
    text: "UPDATE t SET a = $1, b = $2, c = CASE WHEN c > $1 THEN $1 ELSE c END",
    names: ["at", "other"],
  });
  assert.match(numbered(text, "?").text, /a = \?1, b = \?2/);
});

test("a cast of PostgreSQL is no parameter", () => {
  const { text, names } = numbered("SELECT :key::bigint, 'public'::regnamespace, (a = 1)::int", "$");
  assert.equal(text, "SELECT $1::bigint, 'public'::regnamespace, (a = 1)::int");
  assert.deepEqual(names, ["key"]);
});

test("values stand in the order of their parameters, however they were written", () => {
  assert.deepEqual(inOrder({ b: 2, a: null }, ["a", "b"]), [null, 2]);
});

test("a parameter without a value is an error, and so is a value without a parameter", () => {
  assert.throws(() => inOrder({ a: 1 }, ["a", "b"]), { name: "TypeError", message: /:b has no value/ });
  assert.throws(() => inOrder({ a: 1, c: 2 }, ["a"]), { name: "TypeError", message: /no parameter :c/ });
});
