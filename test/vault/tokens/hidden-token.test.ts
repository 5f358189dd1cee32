import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noteToken, withoutToken } from "../../../src/vault/tokens/hidden-token.ts";

const token = "ya29.a0AfH6SM+bK/9x_Y-z~Q==";

const readable = (chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

async function hidden(chunks: readonly Uint8Array[], headers: Record<string, string> = {}): Promise<Buffer> {
  const response = withoutToken(noteToken(new Response(readable(chunks), { headers }), token));
  return Buffer.from(await response.arrayBuffer());
}

/** As the named programs write a text with + / and = in it. */
const written: Readonly<Record<string, Buffer>> = {
  "as it is": Buffer.from(token),
  "percent-encoded twice": Buffer.from(encodeURIComponent(encodeURIComponent(token))),
  "in JSON by Gson": Buffer.from(token.replaceAll("=", "\\u003d")),
  "in JSON by .NET": Buffer.from(token.replaceAll("+", "\\u002B")),
  "in JSON by PHP": Buffer.from(token.replaceAll("/", "\\/")),
  "in a page of Go": Buffer.from(token.replaceAll("+", "&#43;")),
  "in a page of Mustache": Buffer.from(token.replaceAll("/", "&#x2F;").replaceAll("=", "&#x3D;")),
  "in UTF-16": Buffer.from(token, "utf16le"),
  "in UTF-16, the other way round": Buffer.from(Buffer.from(token, "utf16le")).swap16(),
};

describe("an answer without its request's token", () => {
  for (const [name, form] of Object.entries(written)) {
    test(`a token is hidden ${name}, wherever chunks divide it, and the length stays`, async () => {
      const whole = Buffer.concat([
        Buffer.from("before "),
        form,
        Buffer.from(" between "),
        form,
        Buffer.from(" after"),
      ]);
      const expected = Buffer.concat([
        Buffer.from("before "),
        Buffer.alloc(form.length, "*"),
        Buffer.from(" between "),
        Buffer.alloc(form.length, "*"),
        Buffer.from(" after"),
      ]);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat({ max: whole.length }), { maxLength: 12 }), async (cuts) => {
          const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
          const chunks = places.slice(1).map((to, n) => new Uint8Array(whole.subarray(places[n], to)));
          assert.deepEqual(await hidden(chunks), expected);
        }),
        { numRuns: 40 },
      );
    });
  }

  test("an event is passed on before the next one is there: only what may be the beginning of the token is held back", async () => {
    const events = new TransformStream<Uint8Array, Uint8Array>();
    const reader = withoutToken(noteToken(new Response(events.readable), token)).body?.getReader();
    const writer = events.writable.getWriter();
    const next = async (): Promise<string> => Buffer.from((await reader?.read())?.value ?? []).toString();
    for (const data of ["data: 1\n\n", `data: ${"x".repeat(100_000)}\n\n`, "data: ya29\n\n"]) {
      void writer.write(Buffer.from(data));
      assert.equal(await next(), data);
    }
    void writer.write(Buffer.from(`data: ${token.slice(0, 9)}`));
    assert.equal(await next(), "data: ");
    void writer.write(Buffer.from(`${token.slice(9)}\n\n`));
    assert.equal(await next(), `${"*".repeat(token.length)}\n\n`);
  });

  test("bytes that hold no token come out as they went in", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), async (chunks) => {
        assert.deepEqual(await hidden(chunks), Buffer.concat(chunks));
      }),
      { numRuns: 100 },
    );
  });
});
