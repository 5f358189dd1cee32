import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { parseObject, boundedRequest, retryAfterMs, boundedFetchDefaults } from "../../src/oauth/bounded-fetch.ts";
import type { HttpResult, BoundedFetch } from "../../src/oauth/bounded-fetch.ts";
import { deadPort, recorder, talker, wireWith } from "./servers.ts";

const patient = wireWith({ bodyLimitBytes: 1_000 });
const impatient = wireWith({ timeoutMs: 100 });

function get(url: string, wire: BoundedFetch = patient): Promise<HttpResult> {
  return boundedRequest(wire, (signal) => wire.fetch(url, { signal }));
}

const ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
function silenceOf(result: HttpResult): HttpResult & { kind: "silence" } {
  assert.ok(result.kind === "silence", result.kind);
  return result;
}

const timeout: HttpResult = { kind: "silence", sent: true, error: "timeout" };

/** Goes on until the other side hangs up. */
function forever(socket: Socket, everyMs: number, chunk: string): void {
  const timer = setInterval(() => socket.write(chunk), everyMs);
  socket.on("close", () => clearInterval(timer));
}

describe("receive, from a provider that takes its time", () => {
  test("receive allows half a minute and 64 KiB in production", () => {
    assert.deepEqual(boundedFetchDefaults, { timeoutMs: 30_000, bodyLimitBytes: 65_536 });
  });

  const slow: Readonly<Record<string, (socket: Socket) => void>> = {
    "says nothing": () => undefined,
    "stops in the middle of its headers": (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-"),
    "stops after its headers": (socket) => socket.write(`${ok}content-length: 10\r\n\r\n`),
    "stops in the middle of its body": (socket) => socket.write(`${ok}content-length: 10\r\n\r\n{"a":`),
    "drips its body": (socket) => {
      socket.write(`${ok}content-length: 900\r\n\r\n`);
      forever(socket, 10, " ");
    },
  };
  for (const [what, talk] of Object.entries(slow)) {
    test(`receive gives up on a provider that ${what}, and hangs up`, async (t) => {
      const { url, abandoned } = await talker(t, talk);
      const { begun: _, ...received } = silenceOf(await get(url, impatient));
      assert.deepEqual(received, timeout);
      await abandoned();
    });
  }

  const parts: Readonly<Record<string, (socket: Socket) => void>> = {
    "hangs up": (socket) => socket.end(`${ok}content-length: 10\r\n\r\n{"a":`),
    "says nothing more": (socket) => socket.write(`${ok}content-length: 10\r\n\r\n{"a":`),
  };
  for (const [what, talk] of Object.entries(parts)) {
    test(`receive keeps the part of a body after which the provider ${what}`, async (t) => {
      const { url } = await talker(t, talk);
      const { begun } = silenceOf(await get(url, { ...impatient, timeoutMs: 1_000 }));
      assert.deepEqual([begun?.status, begun?.text], [200, '{"a":']);
    });
  }

  test("receive gives up though a wrapped fetch does not pass the signal on", async () => {
    const deaf = wireWith({ timeoutMs: 20, fetch: () => new Promise<Response>(() => undefined) });
    const alive = setTimeout(() => undefined, 5_000);
    assert.deepEqual(await get("http://127.0.0.1/", deaf), timeout);
    clearTimeout(alive);
  });

  test("receive gives up though the body that a wrapped fetch made never ends", async () => {
    const endless = wireWith({ timeoutMs: 20, fetch: async () => new Response(new ReadableStream()) });
    const alive = setTimeout(() => undefined, 5_000);
    const { begun, ...received } = silenceOf(await get("http://127.0.0.1/", endless));
    assert.deepEqual(received, timeout);
    assert.equal(begun?.text, "");
    clearTimeout(alive);
  });
});

describe("receive, from a provider that sends too much", () => {
  test("receive reads a body up to the limit, and not a byte more", async (t) => {
    const { url } = await recorder(t, ({ path }) => ({ body: "x".repeat(Number(path.slice(1))) }));
    const kinds = await Promise.all([`${url}/999`, `${url}/1000`, `${url}/1001`].map(async (each) => get(each)));
    assert.deepEqual(
      kinds.map(({ kind }) => kind),
      ["body", "body", "too-large"],
    );
  });

  test("receive does not read an endless body, and hangs up on it", async (t) => {
    const { url, abandoned } = await talker(t, (socket) => {
      socket.write(`${ok}\r\n`);
      forever(socket, 1, "x".repeat(400));
    });
    assert.equal((await get(url)).kind, "too-large");
    await abandoned();
  });

  test("receive counts what a compressed body becomes, not what it was", async (t) => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    assert.ok(bomb.length < 2_000);
    const { url } = await recorder(t, () => ({ headers: { "content-encoding": "gzip" }, body: bomb }));
    assert.equal((await get(url)).kind, "too-large");
  });
});

describe("receive, when no answer comes", () => {
  test("receive knows that nothing was sent where nobody listens", async () => {
    assert.deepEqual(await get(await deadPort()), { kind: "silence", sent: false, error: "econnrefused" });
  });

  const broken: Readonly<Record<string, (socket: Socket) => void>> = {
    "hangs up": (socket) => socket.end(),
    "resets the connection": (socket) => socket.resetAndDestroy(),
    "hangs up in the middle of its headers": (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-"),
    "hangs up in the middle of its body": (socket) => socket.end(`${ok}content-length: 10\r\n\r\n{"a":`),
    "speaks no HTTP": (socket) => socket.end("220 mail.example.com ESMTP\r\n"),
  };
  for (const [what, talk] of Object.entries(broken)) {
    test(`receive takes the token for spent where the provider ${what}`, async (t) => {
      const { url } = await talker(t, talk);
      const received = await get(url);
      assert.equal(received.kind, "silence");
      assert.equal(received.kind === "silence" && received.sent, true, JSON.stringify(received));
    });
  }

  const system = (code: string, syscall = ""): Error => Object.assign(new Error(code), { code, syscall });
  const failures: readonly (readonly [string, unknown, boolean, string])[] = [
    ["no such name", system("ENOTFOUND", "getaddrinfo"), false, "enotfound"],
    ["no name server", system("EAI_AGAIN", "getaddrinfo"), false, "eai_again"],
    ["no route", system("EHOSTUNREACH", "connect"), false, "ehostunreach"],
    ["no network", system("ENETUNREACH", "connect"), false, "enetunreach"],
    ["a route that was lost while we waited", system("EHOSTUNREACH", "read"), true, "ehostunreach"],
    ["a network that was lost while we waited", system("ENETUNREACH", "write"), true, "enetunreach"],
    ["a connection that does not come about", system("UND_ERR_CONNECT_TIMEOUT"), false, "und_err_connect_timeout"],
    ["a certificate that has ended", system("CERT_HAS_EXPIRED"), false, "cert_has_expired"],
    ["somebody else's certificate", system("ERR_TLS_CERT_ALTNAME_INVALID"), false, "err_tls_cert_altname_invalid"],
    ["a reset", system("ECONNRESET", "read"), true, "econnreset"],
    ["a broken pipe", system("EPIPE", "write"), true, "epipe"],
    ["no headers in time", system("UND_ERR_HEADERS_TIMEOUT"), true, "und_err_headers_timeout"],
    [
      "two addresses, both refused",
      Object.assign(new AggregateError([system("ECONNREFUSED", "connect"), system("ENETUNREACH", "connect")]), {
        code: "ECONNREFUSED",
      }),
      false,
      "econnrefused",
    ],
    ["something without a name", new Error("what?"), true, "network_error"],
    ["something with a number for a name", Object.assign(new Error("what?"), { code: 7 }), true, "network_error"],
    ["something that is no error", "what?", true, "network_error"],
  ];
  for (const [what, cause, sent, why] of failures) {
    test(`receive takes ${what} for ${sent ? "perhaps" : "never"} sent`, async () => {
      for (const error of [cause, new TypeError("fetch failed", { cause })]) {
        const failing = wireWith({ fetch: () => Promise.reject(error) });
        assert.deepEqual(await get("http://127.0.0.1/", failing), { kind: "silence", sent, error: why });
      }
    });
  }

  test("receive does not go round in circles after causes", async () => {
    const error = new Error("a circle");
    error.cause = error;
    const failing = wireWith({ fetch: () => Promise.reject(error) });
    assert.deepEqual(await get("http://127.0.0.1/", failing), { kind: "silence", sent: true, error: "network_error" });
  });
});

describe("receive, from a provider that answers", () => {
  test("receive gives status, headers and text", async (t) => {
    const { url } = await recorder(t, () => ({ status: 418, headers: { "retry-after": "3" }, body: '{"a":"ü€😀"}' }));
    const received = await get(url);
    assert.ok(received.kind === "body");
    const { status, headers, text } = received;
    assert.deepEqual([status, headers.get("retry-after"), text], [418, "3", '{"a":"ü€😀"}']);
  });

  test("receive takes no body for an empty one", async (t) => {
    const { url } = await recorder(t, () => ({ status: 204, body: "" }));
    const received = await get(url);
    assert.equal(received.kind === "body" && received.text, "");
  });

  test("receive reads past a byte order mark, for which JSON.parse would refuse a good answer", async (t) => {
    const { url } = await recorder(t, () => ({ body: '\uFEFF{"a":1}' }));
    const received = await get(url);
    assert.deepEqual(received.kind === "body" && parseObject(received.text), { a: 1 });
  });
});

describe("receive, letter by letter", () => {
  test("receive puts letters together again, wherever the body was cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 20 }), fc.nat(60), async (text, cut) => {
        const bytes = new TextEncoder().encode(text);
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(bytes.slice(0, cut));
            controller.enqueue(bytes.slice(cut));
            controller.close();
          },
        });
        const received = await get("http://127.0.0.1/", wireWith({ fetch: async () => new Response(body) }));
        assert.equal(received.kind === "body" && received.text, text);
      }),
      { numRuns: 50 },
    );
  });
});

describe("retryAfterMs", () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 37);
  const hour = 3_600_000;
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["1", 1_000],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["3600", hour],
    ["3601", hour],
    ["31536000", hour],
    ["99999999999999999999999", hour],
    // The provider asks for no wait: our own back-off decides, or we would ask again at once, and again.
    ["0", undefined],
    ["Sun, 06 Nov 1994 08:49:37 GMT", undefined],
    ["Sun, 06 Nov 1994 08:49:00 GMT", undefined],
    // The three forms of a date.
    ["Sun, 06 Nov 1994 08:49:47 GMT", 10_000],
    ["Sunday, 06-Nov-94 08:49:47 GMT", 10_000],
    ["Sun Nov  6 08:49:47 1994", 10_000],
    ["Mon, 06 Nov 1995 08:49:37 GMT", hour],
    // Some of these Date.parse would take for a date.
    ["-1", undefined],
    ["+5", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["10 seconds", undefined],
    ["soon", undefined],
    ["soon 2030", undefined],
    ["2030-01-01", undefined],
    ["Sun, 99 Nov 1994 08:49:47 GMT", undefined],
    ["", undefined],
    ["   ", undefined],
  ];
  for (const [value, expected] of cases) {
    test(`retryAfterMs reads ${JSON.stringify(value)} as ${String(expected)}`, () => {
      assert.equal(retryAfterMs(new Headers({ "retry-after": value }), now), expected);
    });
  }

  test("retryAfterMs has nothing to say where the header is missing", () => {
    assert.equal(retryAfterMs(new Headers(), now), undefined);
  });

  test("retryAfterMs is never less than a moment nor more than an hour, whatever a server writes", () => {
    const value = fc.stringMatching(/^[\x20-\x7e]{0,40}$/);
    fc.assert(
      fc.property(value, fc.nat(2 ** 42), (text, at) => {
        const ms = retryAfterMs(new Headers({ "retry-after": text }), at);
        assert.ok(ms === undefined || (ms > 0 && ms <= hour), String(ms));
      }),
    );
  });
});

describe("parseObject", () => {
  const cases: readonly (readonly [string, object | undefined])[] = [
    ["{}", {}],
    ['{"a":{"b":[1]}}', { a: { b: [1] } }],
    ['{"a":1,"a":2}', { a: 2 }],
    ["", undefined],
    ["null", undefined],
    ["[]", undefined],
    ["1", undefined],
    ['"a"', undefined],
    ["<html>", undefined],
    ['{"a":', undefined],
  ];
  for (const [text, expected] of cases) {
    test(`parseObject reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseObject(text), expected));
  }
});
