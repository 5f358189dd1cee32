import assert from "node:assert/strict";
import { test } from "node:test";
import { keyIn, newKey, partsOf } from "../../../src/vault/http/key-text.ts";

for (const kind of ["obk", "obs", "obh"] as const) {
  test(`a text of the kind ${kind} is read in its parts, and a copy that is wrong by one character is none`, () => {
    const { id, secret, key } = newKey(kind);
    const text = key.expose();
    assert.deepEqual(partsOf(text), { kind, id, secret });
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === "0" ? "1" : "0";
      assert.equal(partsOf(text.slice(0, at) + other + text.slice(at + 1)), undefined, `character ${at}`);
    }
    for (const cut of [text.slice(0, -1), text.slice(1), `${text}0`, `${text}\n`, ""]) {
      assert.equal(partsOf(cut), undefined);
    }
  });
}

test("an Authorization header carries the key of a caller or a session, and never a handle", () => {
  for (const kind of ["obk", "obs"] as const) assert.equal(keyIn(`Bearer ${newKey(kind).key.expose()}`)?.kind, kind);
  assert.equal(keyIn(`Bearer ${newKey("obh").key.expose()}`), undefined);
  assert.equal(keyIn(newKey("obk").key.expose()), undefined);
});
