import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { boundedForm } from "../../src/oauth/bounded-fetch.ts";
import type { BoundedFetch, HttpResult } from "../../src/oauth/bounded-fetch.ts";
import { outboundSender } from "../../src/outbound/outbound-fetch.ts";
import { userAgent } from "../../src/outbound/user-agent.ts";
import { deadPort, recorder, talker } from "./servers.ts";

const bounds = { timeoutMs: 10_000, bodyLimitBytes: 1_000, sought: { word: '"refresh_token"', withinBytes: 50_000 } };

/** The two ways that a form can take: as a `fetch` with a `Response`, and without one. */
function waysOf(env: NodeJS.ProcessEnv = {}, more: Partial<BoundedFetch> = {}): Readonly<Record<string, BoundedFetch>> {
  const limits = { connectMs: 200, silenceMs: 300_000 };
  // Each with connections of its own.
  const { fetch } = outboundSender(env, limits);
  return {
    "with a Response": { ...bounds, fetch, ...more },
    "without one": { ...bounds, ...outboundSender(env, limits), ...more },
  };
}

const form = { "content-type": "application/x-www-form-urlencoded;charset=UTF-8", accept: "application/json" };

function sendForm(http: BoundedFetch, url: string): Promise<HttpResult> {
  return boundedForm(
    http,
    `${url}/token`,
    form,
    new URLSearchParams({ grant_type: "refresh_token", refresh_token: "rt" }),
  );
}

/** A result whose headers can be compared. */
function plain(result: HttpResult): unknown {
  const { headers = [], ...rest } = result.kind === "silence" ? { ...result.begun, ...result } : result;
  const begun = "begun" in rest ? { ...rest.begun, headers: [...(rest.begun?.headers ?? [])] } : undefined;
  return {
    ...rest,
    headers: joined(headers),
    begun: begun === undefined ? undefined : { ...begun, headers: joined(begun.headers) },
  };
}

function joined(headers: Iterable<[string, string]>): unknown {
  return [...new Headers([...headers])].filter(([name]) => name !== "content-encoding" && name !== "content-length");
}

const ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const body = '{"access_token":"at","expires_in":3600}';
const whole = `${ok}content-length: ${body.length}\r\n\r\n${body}`;
const packed = gzipSync(body);

/** One piece after another, each in a packet of its own. */
function writeSlowly(socket: Socket, pieces: readonly string[]): void {
  socket.setNoDelay(true);
  const [first, ...others] = pieces;
  if (first !== undefined) socket.write(first, () => setTimeout(writeSlowly, 1, socket, others));
}

const answers: Readonly<Record<string, (socket: Socket) => void>> = {
  "a whole answer": (socket) => socket.write(whole),
  "a whole answer in many pieces": (socket) => writeSlowly(socket, whole.split("")),
  "an answer in chunks": (socket) =>
    socket.write(`${ok}transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n`),
  "an answer that ends with the connection": (socket) => socket.end(`${ok}\r\n${body}`),
  "a packed answer": (socket) => {
    socket.write(`${ok}content-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`);
    socket.write(packed);
  },
  "a packed answer whose end is missing": (socket) => {
    socket.write(`${ok}content-encoding: gzip\r\ncontent-length: ${packed.length - 8}\r\n\r\n`);
    socket.write(packed.subarray(0, -8));
  },
  "a coding that nobody knows": (socket) =>
    socket.write(`${ok}content-encoding: new\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
  "a byte order mark": (socket) => socket.write(`${ok}content-length: ${body.length + 3}\r\n\r\n\uFEFF${body}`),
  "bytes that are no UTF-8": (socket) => {
    socket.write(`${ok}content-length: 4\r\n\r\n`);
    socket.write(Buffer.from([0x7b, 0xc3, 0x28, 0xff]));
  },
  "headers that come twice": (socket) =>
    socket.write(`${ok}date: a\r\nDate: b\r\nretry-after: 1\r\nretry-after: 2\r\ncontent-length: 2\r\n\r\n{}`),
  "a body that is cut off": (socket) => socket.end(`${ok}content-length: 99\r\n\r\n{"refresh_token":"rt2"`),
  "a reset in the middle of the body": (socket) => {
    socket.write(`${ok}content-length: 99\r\n\r\n{"refresh_token":"rt2"`, () =>
      setTimeout(() => socket.resetAndDestroy(), 50),
    );
  },
  "a body that is too large": (socket) => socket.write(`${ok}content-length: 2000\r\n\r\n${"x".repeat(2_000)}`),
  "a token at the end of a body that is too large": (socket) =>
    socket.write(`${ok}content-length: 2022\r\n\r\n${"x".repeat(2_000)}"refresh_token":"rt2"}`),
  "a token across the limit": (socket) =>
    writeSlowly(socket, [
      `${ok}content-length: 1500\r\n\r\n${"x".repeat(990)}"refresh_`,
      `token":"rt2"${"x".repeat(489)}`,
    ]),
  "a redirect": (socket) =>
    socket.write("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"),
  "a refusal": (socket) =>
    socket.write('HTTP/1.1 400 Bad Request\r\ncontent-length: 25\r\n\r\n{"error":"invalid_grant"}'),
  "no content": (socket) => socket.write("HTTP/1.1 204 No Content\r\n\r\n"),
  "a word before the answer": (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${whole}`),
  "another protocol": (socket) =>
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
  "a status that is none": (socket) => socket.write("HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\n{}"),
  "nothing, and hangs up": (socket) => socket.end(),
  "a reset": (socket) => socket.resetAndDestroy(),
  "half a head, and hangs up": (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-"),
  "no HTTP": (socket) => socket.end("220 mail.example.com ESMTP\r\n"),
};

describe("a form comes to the same, with a Response and without one", () => {
  for (const [what, talk] of Object.entries(answers)) {
    test(`a form that is answered by ${what} comes to the same by both ways`, async (t) => {
      const results = await byBoth(t, talk);
      assert.deepEqual(results["without one"], results["with a Response"]);
    });
  }

  async function byBoth(t: TestContext, talk: (socket: Socket) => void): Promise<Record<string, unknown>> {
    const { url } = await talker(t, talk);
    const results: Record<string, unknown> = {};
    for (const [name, http] of Object.entries(waysOf())) results[name] = plain(await sendForm(http, url));
    return results;
  }

  test("a form that nobody takes was not sent, by both ways", async () => {
    const url = await deadPort();
    for (const http of Object.values(waysOf())) {
      assert.deepEqual(await sendForm(http, url), { kind: "silence", sent: false, error: "econnrefused" });
    }
  });

  test("a form whose connection does not come about in time was not sent, by both ways", async (t) => {
    // It takes connections, and never says a word of TLS.
    const server = createTcpServer((socket) => {
      t.after(() => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const http of Object.values(waysOf())) {
      assert.deepEqual(await sendForm(http, url), { kind: "silence", sent: false, error: "connect_timeout" });
    }
  });

  test("a form whose answer takes too long is given up on the wire with what came, by both ways", async (t) => {
    const { url, abandoned } = await talker(t, (socket) => socket.write(`${ok}content-length: 99\r\n\r\n{"a":`));
    for (const http of Object.values(waysOf({}, { timeoutMs: 300 }))) {
      const result = await sendForm(http, url);
      assert.ok(result.kind === "silence" && result.sent && result.error === "timeout", JSON.stringify(result));
      assert.deepEqual([result.begun?.status, result.begun?.text], [200, '{"a":']);
      await abandoned();
    }
  });

  test("a form whose answer does not end is read up to the limit, and hung up on, by both ways", async (t) => {
    const { url, abandoned } = await talker(t, (socket) => {
      socket.write(`${ok}\r\n`);
      const timer = setInterval(() => socket.write("x".repeat(400)), 1);
      socket.on("close", () => clearInterval(timer));
    });
    for (const http of Object.values(waysOf({}, { sought: { word: '"refresh_token"', withinBytes: 2_000 } }))) {
      assert.equal((await sendForm(http, url)).kind, "too-large");
      await abandoned();
    }
  });

  for (const proxy of ["http://127.0.0.1:1", "socks5://127.0.0.1:1"]) {
    test(`a form whose proxy is ${proxy} was not sent, and that is said of the proxy, by both ways`, async () => {
      const found = [];
      for (const http of Object.values(waysOf({ HTTPS_PROXY: proxy }))) {
        found.push(await sendForm(http, "https://provider.example"));
      }
      assert.deepEqual(found[0], found[1]);
      assert.ok(
        found[0]?.kind === "silence" && !found[0].sent && found[0].error.startsWith("proxy_"),
        JSON.stringify(found[0]),
      );
    });
  }

  test("a form to what is no address of the web is not sent, by both ways", async () => {
    for (const http of Object.values(waysOf())) {
      assert.equal((await sendForm(http, "ftp://127.0.0.1")).kind, "silence");
    }
  });

  test("a form is sent with the same headers by both ways, and says who we are", async (t) => {
    const { url, requests } = await recorder(t, () => ({ body: {} }));
    for (const http of Object.values(waysOf())) await sendForm(http, url);
    const [first, second] = requests.map(({ method, path, headers, body: sent }) => ({ method, path, sent, headers }));
    assert.deepEqual(sortedHeaders(second?.headers), sortedHeaders(first?.headers));
    assert.deepEqual({ ...second, headers: 0 }, { ...first, headers: 0 });
    assert.equal(second?.headers["user-agent"], userAgent);
    assert.equal(second.headers["accept-encoding"], "gzip, deflate, br");
  });

  function sortedHeaders(headers: IncomingHttpHeaders = {}): unknown {
    return Object.entries(headers).toSorted(([one], [other]) => (one < other ? -1 : 1));
  }
});

test("forms that are sent one after another go over one connection", async (t) => {
  let connections = 0;
  const server = createServer((_request, response) => void response.end("{}"));
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = waysOf()["without one"] as BoundedFetch;
  for (let n = 0; n < 5; n += 1) {
    assert.equal((await sendForm(http, url)).kind, "body");
    // The socket is given back after the answer's end.
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(connections, 1);
});
