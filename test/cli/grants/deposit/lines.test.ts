import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { linesOf } from "../../../../src/cli/grants/deposit/lines.ts";

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part as string);
}

async function read(...parts: readonly (string | Uint8Array)[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const { number, text, problem } of linesOf(chunks(...parts))) {
    lines.push(`${number} ${text ?? `! ${problem ?? ""}`}`);
  }
  return lines;
}

describe("the lines of a file of deposits", () => {
  for (const [what, parts, expected] of [
    ["nothing", [], []],
    ["LF at the end", ["a\nb\n"], ["1 a", "2 b"]],
    ["no line end at the end", ["a\nb"], ["1 a", "2 b"]],
    ["CRLF", ["a\r\nb\r\n"], ["1 a", "2 b"]],
    ["blank lines, which are counted", ["\n\na\n \t\r\n\nb\n\n"], ["3 a", "6 b"]],
    ["a byte order mark", ["\ufeffa\nb"], ["1 a", "2 b"]],
    ["a byte order mark alone", ["\ufeff"], []],
    ["a character that is cut by a chunk", [Uint8Array.of(0xc3), Uint8Array.of(0xa4, 0x0a)], ["1 ä"]],
    ["bytes that are no UTF-8", [Uint8Array.of(0xff, 0xfe, 0x0a, 0x61)], ["1 ! it is not UTF-8", "2 a"]],
    ["a line that is too long", ["x".repeat(131_073), "\nb"], ["1 ! it has more than 131072 bytes", "2 b"]],
    ["a line that is almost too long", [`${"x".repeat(131_072)}\nb`], [`1 ${"x".repeat(131_072)}`, "2 b"]],
  ] as const) {
    test(`a file with ${what} is read as lines with their numbers`, async () => {
      assert.deepEqual(await read(...parts), expected);
    });
  }

  test("a file is read the same however it is cut into chunks", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("a", "\n", "\r\n", "ä", "", " ", "bc")),
        fc.nat(7),
        async (all, size) => {
          const bytes = Buffer.from(all.join(""));
          const parts = Array.from({ length: Math.ceil(bytes.length / (size + 1)) }, (_, at) =>
            bytes.subarray(at * (size + 1), (at + 1) * (size + 1)),
          );
          assert.deepEqual(await read(...parts), await read(bytes));
        },
      ),
    );
  });

  test("a line without end is not kept in memory", async () => {
    const before = process.memoryUsage().rss;
    async function* endless(): AsyncGenerator<Uint8Array> {
      const chunk = Buffer.alloc(1_048_576, 0x78);
      for (let at = 0; at < 512; at += 1) yield chunk;
    }
    const lines = [];
    for await (const line of linesOf(endless())) lines.push(line.problem);
    assert.deepEqual(lines, ["it has more than 131072 bytes"]);
    assert.ok(process.memoryUsage().rss - before < 256 * 1_048_576);
  });
});
