import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readParameters } from "../../../src/vault/http/request-body.ts";

function json(body: string): Request {
  return new Request("http://a.example/", { method: "POST", headers: { "content-type": "application/json" }, body });
}

/** Quotes, colons, braces and escapes, in names and values alike. */
const tricky = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', ":", "\\", "{", ",", "a", " ", "\n", "é") }),
  fc.string({ unit: "grapheme" }),
);

test("parameters as JSON come out as they went in, whatever stands in them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(tricky, tricky), fc.constantFrom(0, 1, "\t"), async (members, space) => {
      const text = JSON.stringify(members, undefined, space);
      // V8's JSON.parse takes a name that is one escape, such as \" , for a backslash where it has seen one at that place before.
      fc.pre(Object.keys(JSON.parse(text) as object).join() === Object.keys(members).join());
      const parameters = await readParameters(json(text));
      for (const [name, value] of Object.entries(members)) assert.equal(parameters.get(name), value);
    }),
  );
});

test("a name that stands twice is refused, however it is written", async () => {
  await fc.assert(
    fc.asyncProperty(tricky, tricky, tricky, async (name, one, other) => {
      const units = Array.from({ length: name.length }, (_, at) => name.charCodeAt(at).toString(16).padStart(4, "0"));
      const again = `"${units.map((unit) => `\\u${unit}`).join("")}"`;
      const body = `{${JSON.stringify(name)}: ${JSON.stringify(one)}, ${again} : ${JSON.stringify(other)}}`;
      await assert.rejects(readParameters(json(body)), /more than once/);
    }),
  );
});
