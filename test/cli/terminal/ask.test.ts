import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { canAsk, confirm, conversation } from "../../../src/cli/terminal/ask.ts";
import type { Terminal } from "../../../src/cli/terminal/ask.ts";

/** A terminal at which somebody types this, and then ends the input. */
function typing(text: string): Terminal & { readonly said: () => string } {
  const input = new PassThrough();
  const output = new PassThrough();
  input.end(text);
  return { input, output, said: () => String(output.read() ?? "") };
}

describe("a question on the terminal", () => {
  test("a question on the terminal: only y and yes are a yes", async () => {
    for (const [typed, expected] of [
      ["y\n", true],
      ["YES\n", true],
      [" yes \n", true],
      ["\n", false],
      ["n\n", false],
      ["yep\n", false],
      ["", false],
    ] as const) {
      const terminal = typing(typed);
      assert.equal(await confirm("sure?", terminal), expected, JSON.stringify(typed));
      assert.equal(terminal.said(), "sure? [y/N] ");
    }
  });

  test("a question on the terminal: an answer loses the white space around it, and the end of the input is none", async () => {
    const { ask, end } = conversation(typing("  a b \r\nsecond\n"));
    assert.equal(await ask("where? "), "a b");
    assert.equal(await ask("and? "), "second", "typed before it was asked");
    assert.equal(await ask("more? "), undefined);
    end();
  });

  test("a question on the terminal is possible where both ends are one", () => {
    const end = (isTTY: boolean): PassThrough & { isTTY: boolean } => Object.assign(new PassThrough(), { isTTY });
    assert.equal(canAsk({ input: end(true), output: end(true) }), true);
    assert.equal(canAsk({ input: end(false), output: end(true) }), false);
    assert.equal(canAsk({ input: end(true), output: end(false) }), false);
  });
});
