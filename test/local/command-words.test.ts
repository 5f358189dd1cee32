import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { commandWords } from "../../src/local/command-words.ts";

describe("a command without a shell", () => {
  test("white space separates, and quotes keep it", () => {
    const rows: readonly (readonly [string, readonly string[]])[] = [
      ["cat master.key", ["cat", "master.key"]],
      ["  cat \t master.key\n", ["cat", "master.key"]],
      ["'a b' c", ["a b", "c"]],
      ['"a b"c d', ["a bc", "d"]],
      [`sh -c 'x | "y" $Z'`, ["sh", "-c", 'x | "y" $Z']],
      ["a '' b", ["a", "", "b"]],
      ["C:\\tools\\kms.exe --x=1", ["C:\\tools\\kms.exe", "--x=1"]],
      ["a=b ./c~d", ["a=b", "./c~d"]],
    ];
    for (const [line, words] of rows) assert.deepEqual(commandWords(line), words, line);
  });

  test("what is split without a complaint, a shell splits in the same way", () => {
    const piece = fc.oneof(
      fc.constantFrom("'", '"', " ", "a", "-", "/", "=", ".", "$", "|", "~", "*", "'x y'", '"x y"', "  "),
      fc.stringMatching(/^[A-Za-z0-9%@:,+-]{1,5}$/),
    );
    const lines = fc.sample(
      fc.array(piece, { minLength: 1, maxLength: 8 }).map((all) => all.join("")),
      400,
    );
    const split = lines.filter((line) => {
      const words = commandWords(line);
      // Between double quotes, a shell replaces variables.
      return !("problem" in words) && !line.includes("$");
    });
    assert.ok(split.length > 20);
    const script = split.map((line) => `set -- ${line}; printf '%s\\0' "$@"; printf '\\1\\0'`).join("\n");
    const printed = execFileSync("sh", ["-f"], { input: script }).toString().split("\x01\0").slice(0, -1);
    assert.deepEqual(
      printed.map((each) => each.split("\0").slice(0, -1)),
      split.map((line) => commandWords(line)),
    );
  });
});
