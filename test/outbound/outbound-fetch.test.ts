import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { boundedRequest } from "../../src/oauth/bounded-fetch.ts";
import { outboundFetch } from "../../src/outbound/outbound-fetch.ts";
import { userAgent } from "../../src/outbound/user-agent.ts";
import { deadPort, talker, wireWith } from "../oauth/servers.ts";

const send = outboundFetch({});

async function serve(t: TestContext, listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** A server that answers with what it was sent. */
function echo(request: IncomingMessage, answer: (text: string) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { method, headers } = request;
    answer(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString("latin1") }));
  });
}

interface Echo {
  readonly method: string;
  readonly headers: Record<string, string | undefined>;
  readonly body: string;
}

async function* lines(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("what is sent", () => {
  const sent = async (t: TestContext, init?: RequestInit): Promise<Echo> => {
    const { url } = await serve(t, (request, response) => echo(request, (text) => void response.end(text)));
    return (await (await send(`${url}/a?b=c`, init)).json()) as Echo;
  };

  test("what is sent has the headers that were given, who we are, and nothing of a browser's", async (t) => {
    const { headers } = await sent(t, { headers: { "x-goog-user-project": "p" } });
    const { host: _host, ...rest } = headers;
    assert.deepEqual(rest, {
      "accept-encoding": "gzip, deflate, br",
      connection: "keep-alive",
      "user-agent": userAgent,
      "x-goog-user-project": "p",
    });
  });

  test("what is sent says who the caller is, where it does", async (t) => {
    const { headers } = await sent(t, { headers: { "user-agent": "mine/1", "accept-encoding": "identity" } });
    assert.deepEqual([headers["user-agent"], headers["accept-encoding"]], ["mine/1", "identity"]);
  });

  test("what is sent asks for a range of the very bytes", async (t) => {
    assert.equal((await sent(t, { headers: { range: "bytes=0-1" } })).headers["accept-encoding"], "identity");
  });

  test("what is sent names the version of this package", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    assert.equal(userAgent, `onbehalf/${version}`);
  });

  const form = new FormData();
  form.set("a", "b");
  const bodies: readonly (readonly [
    string,
    () => unknown,
    string | RegExp | undefined,
    string | undefined,
    string | RegExp,
  ])[] = [
    ["text", () => "h\u00e9", "text/plain;charset=UTF-8", "3", "h\u00c3\u00a9"],
    ["an empty text", () => "", "text/plain;charset=UTF-8", "0", ""],
    ["bytes", () => Buffer.from("abc"), undefined, "3", "abc"],
    ["a buffer", () => new Uint8Array([97, 98]).buffer, undefined, "2", "ab"],
    ["a view", () => new Uint8Array([97, 98, 99]).subarray(1), undefined, "2", "bc"],
    [
      "a form",
      () => new URLSearchParams({ a: "b c" }),
      "application/x-www-form-urlencoded;charset=UTF-8",
      "5",
      "a=b+c",
    ],
    ["a blob", () => new Blob(["abc"], { type: "image/x" }), "image/x", "3", "abc"],
    ["a blob of no type", () => new Blob(["abc"]), undefined, "3", "abc"],
    ["form data", () => form, /^multipart\/form-data; boundary=/, "*", /name="a"\r\n\r\nb\r\n/],
    ["a stream", () => new Blob(["abc"]).stream(), undefined, undefined, "abc"],
    ["a stream of nothing", () => new Blob([]).stream(), undefined, undefined, ""],
    ["an iterable", () => lines("ab", "c"), undefined, undefined, "abc"],
  ];
  for (const method of ["POST", "DELETE", "OPTIONS"]) {
    for (const [name, body, type, length, expected] of bodies) {
      test(`what is sent with ${method} and ${name} arrives whole, with one framing`, async (t) => {
        const init = { method, body: body(), duplex: "half" } as RequestInit;
        const { headers, body: arrived } = await sent(t, init);
        if (type instanceof RegExp) assert.match(headers["content-type"] ?? "", type);
        else assert.equal(headers["content-type"], type);
        if (length !== "*") assert.equal(headers["content-length"], length);
        assert.equal(headers["transfer-encoding"], length === undefined ? "chunked" : undefined);
        if (expected instanceof RegExp) assert.match(arrived, expected);
        else assert.equal(arrived, expected);
      });
    }
  }

  test("what is sent of a Request is what is in it", async (t) => {
    const { url } = await serve(t, (request, response) => echo(request, (text) => void response.end(text)));
    const request = new Request(url, { method: "PUT", body: "abc", headers: { "x-a": "1" } });
    const { method, headers, body } = (await (await send(request)).json()) as Echo;
    assert.deepEqual([method, headers["x-a"], body], ["PUT", "1", "abc"]);
  });

  for (const name of ["Host", "Connection", "Transfer-Encoding", "Upgrade", "TE", "Expect", "Proxy-Authorization"]) {
    test(`what is sent takes no header about the connection: ${name}`, async (t) => {
      const { url } = await serve(t, () => assert.fail("nothing may be sent"));
      await assert.rejects(send(url, { headers: { [name]: "x" } }), /belongs to the connection/);
    });
  }

  for (const [announced, texts] of [
    ["5", ["abc", "GET /smuggled HTTP/1.1\r\n\r\n"]],
    ["0", ["GET /smuggled HTTP/1.1\r\n\r\n"]],
    ["5", ["abc"]],
  ] as const) {
    test(`what is sent is never longer or shorter than announced: ${announced}, ${texts.join("")}`, async (t) => {
      const paths: string[] = [];
      const { url } = await serve(t, (request, response) => {
        paths.push(request.url ?? "");
        request.resume().on("end", () => response.end());
      });
      const init = { method: "POST", headers: { "content-length": announced }, body: lines(...texts), duplex: "half" };
      await assert.rejects(send(`${url}/a`, init as unknown as RequestInit), /content-length/);
      assert.equal((await send(`${url}/b`)).status, 200);
      assert.ok(!paths.includes("/smuggled"), paths.join(" "));
    });
  }

  test("what is sent with bytes of another length than announced is refused before anything is sent", async (t) => {
    const { url } = await serve(t, () => assert.fail("nothing may be sent"));
    await assert.rejects(send(url, { method: "POST", headers: { "content-length": "9" }, body: "abc" }), TypeError);
    await assert.rejects(send(url, { method: "POST", headers: { "content-length": "9" } }), /missing body/);
    await assert.rejects(send(url, { body: "abc" }), /GET has no body/);
    await assert.rejects(send("ftp://a.example/"), /must be http or https/);
  });
});

describe("what comes back", () => {
  const text = "a long text ".repeat(200);
  const coded: readonly (readonly [string, Buffer, string | null])[] = [
    ["gzip", gzipSync(text), null],
    ["GZIP", gzipSync(text), null],
    ["deflate", deflateSync(text), null],
    ["br", brotliCompressSync(text), null],
    ["gzip, br", brotliCompressSync(gzipSync(text)), null],
    ["identity", Buffer.from(text), "identity"],
    ["unheard-of", Buffer.from(text), "unheard-of"],
  ];
  test("what comes back in more codings than anybody uses is not unpacked", async (t) => {
    const { url } = await serve(t, (request, response) => {
      response.writeHead(200, { "content-encoding": request.url?.slice(1) }).end(text);
    });
    for (const count of [4, 100, 1_000]) {
      const coding = Array.from({ length: count }, () => "gzip").join(",");
      const response = await send(`${url}/${coding}`);
      assert.equal(response.headers.get("content-encoding"), coding);
      assert.equal(await response.text(), text);
    }
  });

  for (const [coding, bytes, left] of coded) {
    test(`what comes back in ${coding} is read, and its headers fit the body`, async (t) => {
      const { url } = await serve(t, (_request, response) => {
        response.writeHead(200, { "content-encoding": coding, "content-length": bytes.length }).end(bytes);
      });
      const response = await send(url);
      assert.equal(response.headers.get("content-encoding"), left);
      assert.equal(response.headers.get("content-length"), left === null ? null : String(bytes.length));
      assert.equal(await response.text(), text);
      const asItCame = await send(url, { headers: { "accept-encoding": "gzip, br" } });
      assert.equal(asItCame.headers.get("content-encoding"), coding);
      assert.deepEqual(Buffer.from(await asItCame.arrayBuffer()), bytes);
    });
  }

  test("what comes back broken fails in the middle, compressed or not", async (t) => {
    for (const [coding, bytes] of coded) {
      const { url } = await serve(t, (request, response) => {
        response.writeHead(200, { "content-encoding": coding, "content-length": bytes.length });
        response.write(bytes.subarray(0, 10), () => request.socket.destroy());
      });
      await assert.rejects(async () => (await send(url)).text(), coding);
    }
  });

  test("what comes back with a redirect is returned or refused, and never followed", async (t) => {
    const paths: string[] = [];
    const { url } = await serve(t, (request, response) => {
      paths.push(request.url ?? "");
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    for (const redirect of [undefined, "manual", "follow"] as const) {
      const response = await send(`${url}/a`, redirect === undefined ? {} : { redirect });
      assert.deepEqual([response.status, response.headers.get("location")], [302, "/elsewhere"]);
      await response.text();
    }
    await assert.rejects(send(`${url}/a`, { redirect: "error" }), /redirect/);
    assert.deepEqual([...new Set(paths)], ["/a"]);
  });

  test("what comes back without a body leaves the connection as it was", async (t) => {
    const { url } = await serve(t, (request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { "content-length": 0, "x-a": "1" }).end();
    });
    for (const status of [200, 204, 205, 304, 404]) {
      const response = await send(`${url}/${status}`);
      assert.deepEqual([response.status, response.headers.get("x-a"), await response.text()], [status, "1", ""]);
    }
    assert.equal((await send(`${url}/200`, { method: "HEAD" })).headers.get("content-length"), "0");
  });

  for (const [name, line] of [
    ["no HTTP", "HELLO\r\n\r\n"],
    ["a status that is none", "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n"],
    [
      "an upgrade that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
    ["headers without end", `HTTP/1.1 200 OK\r\na: ${"x".repeat(70_000)}\r\n\r\n`],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
  ] as const) {
    test(`what comes back as ${name} is an error`, async (t) => {
      const { url, abandoned } = await talker(t, (socket) => socket.write(line));
      await assert.rejects(send(url));
      await abandoned();
    });
  }

  test("what comes back before the body was sent is the answer", async (t) => {
    const { url } = await serve(t, (request, response) => {
      response.writeHead(413, { connection: "close" }).end("too large");
      request.resume();
    });
    const never = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const response = await send(url, { method: "POST", body: never, duplex: "half" });
    assert.deepEqual([response.status, await response.text()], [413, "too large"]);
  });
});

/** A program that looks at the status of an answer, and at nothing else. */
const looksAtTheStatus = `
  import { outboundFetch } from ${JSON.stringify(new URL("../../src/outbound/outbound-fetch.ts", import.meta.url).href)};
  const answer = await outboundFetch({})(process.argv[1]);
  process.stdout.write(String(answer.status));
  globalThis.kept = answer;
`;

describe("an answer that nobody reads", () => {
  for (const [which, body] of [
    ["a short one", "x".repeat(100)],
    ["one of a megabyte", "x".repeat(1_000_000)],
    ["one that does not end by itself, and is longer than is read ahead", undefined],
  ] as const) {
    test(`an answer that nobody reads lets the program end: ${which}`, { timeout: 60_000 }, async (t) => {
      const { url, server } = await serve(t, (_request, response) => {
        if (body === undefined) response.write("x".repeat(1_000_000));
        else response.end(body);
      });
      // It never closes a connection by itself, which would end the program, too.
      server.keepAliveTimeout = 0;
      const args = ["--input-type=module", "--eval", looksAtTheStatus, url];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      assert.equal(stdout, "200");
    });
  }

  test("an answer that nobody reads, and that is short, gives its connection to the next request", async (t) => {
    const { url, server } = await serve(t, (_request, response) => void response.end("short"));
    let connections = 0;
    server.on("connection", () => connections++);
    const kept: Response[] = [];
    for (let at = 0; at < 5; at++) {
      kept.push(await send(url));
      // The body is read in the turns after the head.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve));
    }
    assert.equal(connections, 1);
    assert.equal(kept.length, 5);
  });
});

describe("a request that is given up", () => {
  test("a request that is given up before it began is not sent", async (t) => {
    const { url } = await serve(t, () => assert.fail("nothing may be sent"));
    await assert.rejects(send(url, { signal: AbortSignal.abort(new Error("mine")) }), /mine/);
  });

  test("a request that is given up is given up on the wire, and says why", async (t) => {
    const arrived = Promise.withResolvers<void>();
    const { url, abandoned } = await talker(t, () => arrived.resolve());
    const controller = new AbortController();
    const waiting = assert.rejects(send(url, { signal: controller.signal }), /mine/);
    await arrived.promise;
    controller.abort(new Error("mine"));
    await waiting;
    await abandoned();
  });

  test("a request that is given up in the middle of its answer ends the answer", async (t) => {
    const { url, abandoned } = await talker(t, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    });
    const controller = new AbortController();
    const response = await send(url, { signal: controller.signal });
    const reading = assert.rejects(response.text(), /mine/);
    controller.abort(new Error("mine"));
    await reading;
    await abandoned();
  });

  test("a request that is given up before its answer is read harms nobody", async (t) => {
    const { url, abandoned } = await talker(t, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    });
    const controller = new AbortController();
    const response = await send(url, { signal: controller.signal });
    controller.abort(new Error("mine"));
    await abandoned();
    await assert.rejects(response.text(), /mine/);
  });

  test("a request whose answer is not wanted any more lets the connection go", async (t) => {
    const { url, abandoned } = await talker(t, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    });
    await (await send(url)).body?.cancel();
    await abandoned();
  });
});

describe("a request that nobody answers", () => {
  const impatient = (limits: { connectMs?: number; silenceMs?: number }, env = {}): typeof fetch =>
    outboundFetch(env, { connectMs: 60_000, silenceMs: 60_000, ...limits });
  const outcome = (fetch: typeof globalThis.fetch, url: string): ReturnType<typeof boundedRequest> =>
    boundedRequest(wireWith(), (signal) => fetch(url, { signal }));

  test("a request that nobody answers while it connects was not sent", async (t) => {
    const { url, abandoned } = await talker(t, () => undefined);
    const found = await outcome(impatient({ connectMs: 50 }), url.replace("http:", "https:"));
    assert.deepEqual(found, { kind: "silence", sent: false, error: "connect_timeout" });
    await abandoned();
  });

  test("a request that nobody answers because of a silent proxy was not sent, and that is said of the proxy", async (t) => {
    const { url, abandoned } = await talker(t, () => undefined);
    const found = await outcome(impatient({ connectMs: 50 }, { HTTPS_PROXY: url }), "https://a.example/");
    assert.deepEqual(found, { kind: "silence", sent: false, error: "proxy_unreachable" });
    await abandoned();
  });

  for (const [name, said] of [
    ["at all", ""],
    ["to the end", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"],
  ] as const) {
    test(`a request that nobody answers ${name} may have arrived`, async (t) => {
      const { url, abandoned } = await talker(t, (socket) => said !== "" && socket.write(said));
      const found = await outcome(impatient({ silenceMs: 50 }), url);
      assert.equal(found.kind, "silence");
      if (found.kind === "silence") assert.deepEqual([found.sent, found.error], [true, "idle_timeout"]);
      await abandoned();
    });
  }
});

describe("an answer that announces no length", () => {
  test("a stream of events may be silent for longer than an answer whose length is known", async (t) => {
    const { url } = await serve(t, (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: first\n\n");
      // Longer than the limit, which is long enough for a busy machine to send the head.
      setTimeout(() => response.end("data: last\n\n"), 2_500);
    });
    const response = await outboundFetch({}, { connectMs: 10_000, silenceMs: 2_000 })(url);
    assert.equal(await response.text(), "data: first\n\ndata: last\n\n");
    // The connection goes back, and with it the limit comes back.
    const silent = await serve(t, () => undefined);
    await assert.rejects(outboundFetch({}, { connectMs: 10_000, silenceMs: 50 })(silent.url), { code: "IDLE_TIMEOUT" });
  });
});

describe("a request through a proxy", () => {
  /** A proxy that notes what it is asked for, and answers each tunnel with this. */
  const proxyThat = async (t: TestContext, answer: string): Promise<{ url: string; asked: string[] }> => {
    const asked: string[] = [];
    const { url, server } = await serve(t, (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end("by the proxy");
    });
    server.on("connect", (request: IncomingMessage, socket) => {
      asked.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"] ?? ""}`.trim());
      socket.end(answer);
    });
    return { url, asked };
  };
  const result = (fetch: typeof globalThis.fetch, url: string): ReturnType<typeof boundedRequest> =>
    boundedRequest(wireWith(), (signal) => fetch(url, { signal, method: "POST", body: "secret" }));

  for (const status of ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"]) {
    test(`a request through a proxy that answers ${status} never arrived, and that is said of the proxy`, async (t) => {
      const { url, asked } = await proxyThat(t, `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
      const fetch = outboundFetch({ HTTPS_PROXY: url.replace("//", "//user:pass@") });
      assert.deepEqual(await result(fetch, "https://a.example/token"), {
        kind: "silence",
        sent: false,
        error: "proxy_refused",
      });
      assert.deepEqual(asked, [`CONNECT a.example:443 Basic ${Buffer.from("user:pass").toString("base64")}`]);
    });
  }

  test("a request through a proxy that is not there never arrived, and that is said of the proxy", async () => {
    for (const proxy of [await deadPort(), "http://no-such-host.invalid:3128"]) {
      const fetch = outboundFetch({ HTTPS_PROXY: proxy });
      const found = await result(fetch, "https://a.example/token");
      assert.deepEqual(found, { kind: "silence", sent: false, error: "proxy_unreachable" }, proxy);
    }
  });

  test("a request through a proxy that lets it through speaks TLS with the provider itself", async (t) => {
    const hello = Promise.withResolvers<number>();
    const provider = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (chunk: Buffer) => {
        hello.resolve(chunk[0] ?? 0);
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
    t.after(() => provider.close());
    const { url, server } = await serve(t, () => assert.fail("the proxy must not see the request"));
    const { connect } = await import("node:net");
    server.on("connect", (_request: IncomingMessage, socket) => {
      const onward = connect((provider.address() as AddressInfo).port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
      for (const each of [socket, onward]) each.on("error", () => undefined);
    });
    assert.equal((await result(outboundFetch({ HTTPS_PROXY: url }), "https://a.example/token")).kind, "silence");
    assert.equal(await hello.promise, 0x16, "the first byte of a TLS handshake");
  });

  test("a request through a proxy in clear goes to the proxy whole; to this machine and to what NO_PROXY names it does not", async (t) => {
    const { url, asked } = await proxyThat(t, "");
    const { url: here } = await serve(t, (_request, response) => response.end("here"));
    const fetch = outboundFetch({ HTTP_PROXY: url, NO_PROXY: "b.example" });
    assert.equal(await (await fetch("http://a.example/x")).text(), "by the proxy");
    assert.equal(await (await fetch(here)).text(), "here");
    assert.equal(await (await fetch(here.replace("127.0.0.1", "localhost"))).text(), "here");
    await assert.rejects(fetch("http://b.example/x"));
    assert.deepEqual(asked, ["GET http://a.example/x"]);
  });
});
