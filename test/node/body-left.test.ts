import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { bodyLeft } from "../../src/node/body-left.ts";
import { fails } from "../support/fails.ts";

const form = "application/x-www-form-urlencoded";
const json = "application/json";

function read(type: string, more: object = {}): Parameters<typeof bodyLeft>[0] {
  const headers = { "content-type": type, "content-length": "20" };
  return { headers, readableDidRead: true, httpVersionMajor: 1, ...more };
}

const nested = Object.assign(Object.create(null) as object, {
  user: { name: "x", tags: ["a", { b: 1 }] },
  authCode: "4/0",
});

const bodies: Readonly<Record<string, readonly [type: string, parsed: unknown, written: string]>> = {
  "a form": [form, { authCode: "4/0 a&b", empty: "" }, "authCode=4%2F0+a%26b&empty="],
  "a form with a name that came twice": [form, { code: ["1", "2"] }, "code=1&code=2"],
  "a form with brackets": [form, nested, "user%5Bname%5D=x&user%5Btags%5D=a&user%5Btags%5D%5Bb%5D=1&authCode=4%2F0"],
  "a form with a number that somebody made of a text": [
    form,
    { age: 42, none: null, is: true },
    "age=42&none=&is=true",
  ],
  "a form in capitals and with a charset": ["Application/X-WWW-Form-Urlencoded; charset=UTF-8", { a: "ä" }, "a=%C3%A4"],
  "a JSON object": [`${json}; charset=utf-8`, { a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
  "a JSON array": [json, [1, 2], "[1,2]"],
  "a JSON null": [json, null, "null"],
  "a JSON number": [json, 7, "7"],
  "JSON by another name": ["application/vnd.api+json", { a: 1 }, '{"a":1}'],
  "a text": ["text/plain", "as it was", "as it was"],
  "the text of a form": [form, "authCode=4%2F0", "authCode=4%2F0"],
  "the text of a JSON object": [json, '{ "a": 1 }', '{ "a": 1 }'],
  "bytes of any type": ["multipart/form-data; boundary=x", Buffer.from("--x--"), "--x--"],
  "bytes of another class": [json, new Uint8Array([123, 125]), "{}"],
};

describe("a body that a parser has read", () => {
  for (const [what, [type, parsed, written]] of Object.entries(bodies)) {
    test(`${what} can be read again after a body parser`, async () => {
      const left = bodyLeft(read(type), parsed);
      assert.equal(await new Response(left?.body).text(), written);
      assert.deepEqual(left?.untrue, ["content-length", "content-encoding", "transfer-encoding"]);
    });
  }

  test("a text that a parser has decoded is UTF-8 from then on, whatever its charset was", () => {
    assert.equal(bodyLeft(read(`${form}; charset=ISO-8859-1`), { name: "ä" })?.contentType, form);
    assert.equal(bodyLeft(read("text/plain; charset=utf-16"), "ä")?.contentType, "text/plain");
    assert.equal(bodyLeft(read("text/plain; charset=utf-16"), Buffer.from("ä", "utf16le"))?.contentType, undefined);
  });

  test("bytes that a server keeps as rawBody come before what was made of them", async () => {
    const left = bodyLeft(read(json, { rawBody: Buffer.from('{"a":1,"a":2}') }), { a: 2 });
    assert.equal(await new Response(left?.body).text(), '{"a":1,"a":2}');
  });

  test("a stream that a parser gave on is read", async () => {
    const left = bodyLeft(read("text/plain"), Readable.from([Buffer.from("one "), Buffer.from("two")]));
    assert.equal(await text(left?.body as ReadableStream), "one two");
  });

  test("a body that nobody has read stays in its stream, whatever a parser has left beside it", () => {
    for (const parsed of [undefined, {}, { a: 1 }, null]) {
      assert.equal(bodyLeft(read(json, { readableDidRead: false }), parsed), undefined);
    }
  });

  test("a request without a body needs none", () => {
    assert.equal(bodyLeft(read(json, { headers: {} }), undefined), undefined);
    assert.equal(bodyLeft(read(json, { headers: { "content-length": "0" } }), {}), undefined);
  });

  const lost: Readonly<Record<string, readonly [type: string, parsed: unknown, more?: object]>> = {
    "of which nothing is left": [json, undefined],
    "of which a parser has left its empty object": [form, {}],
    "in parts, which no object holds whole": ["multipart/form-data; boundary=x", { authCode: "4/0" }],
    "of a type that nobody knows": ["application/xml", { authCode: "4/0" }],
    "without a type": ["", { authCode: "4/0" }],
    "that cannot be written": [json, { big: 1n }],
    "that came in pieces, over HTTP/2, and is gone": [
      json,
      undefined,
      { headers: { "content-type": json }, httpVersionMajor: 2 },
    ],
  };
  for (const [what, [type, parsed, more]] of Object.entries(lost)) {
    test(`a body ${what} is named as the body parser's doing`, () => {
      assert.throws(
        () => bodyLeft(read(type, more), parsed),
        fails("configuration_invalid", "a body parser has read this request's body"),
      );
    });
  }
});
