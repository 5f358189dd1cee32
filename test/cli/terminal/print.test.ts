import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { OnbehalfError } from "../../../src/index.ts";
import { facts, printJson, printLines, printable, say, table } from "../../../src/cli/terminal/print.ts";
import { report } from "../../../src/cli/terminal/failure.ts";

/** What was written to stdout and stderr meanwhile. */
function written(act: () => void): string {
  const chunks: string[] = [];
  const originals = [process.stdout, process.stderr].map((stream) => [stream, stream.write] as const);
  for (const [stream] of originals) stream.write = (chunk: unknown) => chunks.push(String(chunk)) > 0;
  try {
    act();
  } finally {
    for (const [stream, write] of originals) stream.write = write;
  }
  return chunks.join("");
}

const evil: Readonly<Record<string, string>> = {
  "a colour": "\u001b[31mred",
  "a title": "\u001b]0;title\u0007",
  "a clipboard": "\u001b]52;c;ZXZpbA==\u001b\\",
  "a link": "\u001b]8;;https://attacker.example\u001b\\x",
  "a control of eight bits": "\u009b31mred",
  "a line end": "x\nonbehalf: stopped",
  "a return": "x\rfoo",
  "a backspace": "x\b\b\bfoo",
  "a separator of lines": "x\u2028y",
  "another direction": "\u202egpj.exe",
  "an isolate": "\u2066x",
  "an invisible tag": "x\u{e0041}",
  "half a character": "x\ud800",
};
const harmful = /(?!\n)[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;

describe("what a terminal gets", () => {
  for (const [name, text] of Object.entries(evil)) {
    test(`what a terminal gets has no escape sequence of a name: ${name}`, () => {
      const error = new OnbehalfError("invalid_request", text, { hint: text, details: {} });
      const output = written(() => {
        printLines(table(["NAME", "STATE"], [[text, "active"]]));
        printLines(facts([["name", text]]));
        say(text);
        report(error, true);
        printJson({ name: text, list: [text] });
      });
      assert.doesNotMatch(output, harmful, JSON.stringify(output));
    });
  }

  test("what a terminal gets is unchanged where it is plain, and JSON means the same", () => {
    for (const text of ["Ada Lovelace", "\u00c9va", "\u674e", "\u{1f469}\u200d\u{1f680}", "\u0645\u06cc\u200c\u062e"]) {
      assert.equal(printable(text), text);
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const output = written(() => printJson({ text }));
        assert.deepEqual(JSON.parse(output), { text });
        assert.doesNotMatch(output, harmful);
      }),
    );
  });
});
