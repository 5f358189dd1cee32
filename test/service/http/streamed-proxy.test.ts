/** What comes bit by bit through the proxy, over bare sockets: each piece as it comes, and no more than is taken. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { constants, createGzip, gzipSync } from "node:zlib";
import { eventually } from "../../support/eventually.ts";
import { proxiedApi } from "../../support/proxied-api.ts";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

/** A client with a socket of its own: what it has got so far, and nothing that it has not asked for. */
interface BareClient {
  readonly socket: Socket;
  /** Resolves once what came holds this text. */
  until(text: string): Promise<string>;
}

function bareClient(t: TestContext, url: string, request: string): BareClient {
  const { port } = new URL(url);
  const socket = connect({ port: Number(port), host: "127.0.0.1" });
  t.after(() => socket.destroy());
  let got = "";
  socket.on("data", (chunk: Buffer) => (got += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.write(request);
  return {
    socket,
    until: (text) =>
      eventually(
        () => got,
        (each) => each.includes(text),
      ),
  };
}

const target = "www.googleapis.com/events";

/** An API that leaves its answers to the test. */
async function openApi(t: TestContext) {
  const answers: ServerResponse[] = [];
  const uploads: { received: number }[] = [];
  const service = await proxiedApi(t, shared, (request, response) => {
    answers.push(response);
    const upload = { received: 0 };
    uploads.push(upload);
    if (request.url?.includes("unread") !== true)
      request.on("data", (chunk: Buffer) => (upload.received += chunk.length));
  });
  const head = (key: string, method = "GET", path = target, more = ""): string =>
    `${method} ${service.proxied}/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n${more}\r\n`;
  const answer = async (n = 1): Promise<ServerResponse> =>
    (await eventually(
      () => answers[n - 1],
      (each) => each !== undefined,
    )) as ServerResponse;
  return { ...service, head, answer, uploads };
}

describe("a stream through the proxy", () => {
  for (const [whose, allow] of Object.entries({
    "that sees no token": ["proxy"],
    "with every byte as it came": ["proxy", "token"],
  } as const)) {
    test(`each event reaches a caller ${whose} before the next one is there, and the head before the first`, async (t) => {
      const { url, head, answer, keyFor } = await openApi(t);
      const client = bareClient(t, url, head(await keyFor(...allow)));
      const response = await answer();
      response.writeHead(200, { "content-type": "text/event-stream", "mcp-session-id": "s-1" }).flushHeaders();
      assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 200 OK\r\n[^]*mcp-session-id: s-1\r\n/);
      for (let n = 1; n <= 20; n++) {
        response.write(`id: ${n}\ndata: event ${n}\n\n`);
        await client.until(`data: event ${n}\n\n`);
      }
      response.end();
      await client.until("0\r\n\r\n");
    });
  }

  test("compressed events are looked through one by one, for a caller that sees no token", async (t) => {
    const { url, head, answer, keyFor } = await openApi(t);
    const client = bareClient(t, url, head(await keyFor("proxy")));
    const response = await answer();
    response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" });
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
    gzip.pipe(response);
    for (let n = 1; n <= 5; n++) {
      gzip.write(`data: event ${n}\n\n`);
      await client.until(`data: event ${n}\n\n`);
    }
    gzip.end();
    await client.until("0\r\n\r\n");
  });

  test("an upload of unknown length reaches the API piece by piece, and its answer may come before its end", async (t) => {
    const { url, head, answer, uploads, key } = await openApi(t);
    const client = bareClient(t, url, head(key, "POST", target, "Transfer-Encoding: chunked\r\n"));
    for (let n = 1; n <= 5; n++) {
      client.socket.write("5\r\npiece\r\n");
      await eventually(
        () => uploads[0]?.received,
        (received) => received === 5 * n,
      );
    }
    (await answer()).writeHead(200).write("so far so good");
    await client.until("so far so good");
    client.socket.write("0\r\n\r\n");
    (await answer()).end();
    await client.until("0\r\n\r\n");
  });

  test("who expects 100 is told to go on", async (t) => {
    const { url, head, answer, uploads, key } = await openApi(t);
    const client = bareClient(t, url, head(key, "PUT", target, "Expect: 100-continue\r\nContent-Length: 4\r\n"));
    await client.until("HTTP/1.1 100 Continue\r\n\r\n");
    client.socket.write("body");
    (await answer()).end("done");
    await client.until("done");
    assert.equal(uploads[0]?.received, 4);
  });

  test("a WebSocket's handshake is refused in words, and reaches no API", async (t) => {
    const { url, head, uploads, key } = await openApi(t);
    const upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n";
    assert.match(
      await bareClient(t, url, head(key, "GET", target, upgrade)).until("}"),
      /^HTTP\/1\.1 400 [^]*WebSocket/,
    );
    assert.equal(uploads.length, 0);
  });

  test("an API that breaks off in the middle ends the client's connection, and what came before is the client's", async (t) => {
    const { url, head, answer, key } = await openApi(t);
    const client = bareClient(t, url, head(key));
    const response = await answer();
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: last\n\n");
    await client.until("data: last\n\n");
    const closed = new Promise<string>((resolve) => client.socket.once("close", () => resolve("closed")));
    response.destroy();
    assert.equal(await closed, "closed");
    assert.ok(!(await client.until("data: last")).includes("0\r\n\r\n"), "it does not look complete");
  });
});

describe("no more than is taken", () => {
  /** Two megabytes: what the buffers of four sockets and of two programs hold, and much less than what is offered. */
  const buffered = 12 * 1024 * 1024;
  const offered = 96 * 1024 * 1024;

  for (const [whose, allow] of Object.entries({
    "that sees no token": ["proxy"],
    "with every byte as it came": ["proxy", "token"],
  } as const)) {
    test(`an endless answer to a caller ${whose} that reads nothing is read no further`, async (t) => {
      const { url, head, answer, keyFor } = await openApi(t);
      const client = bareClient(t, url, head(await keyFor(...allow)));
      client.socket.pause();
      const response = await answer();
      response.writeHead(200, { "content-type": "application/octet-stream" });
      const chunk = Buffer.alloc(65_536, "x");
      let sent = 0;
      const more = (): void => {
        while (sent < offered && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) {
            response.once("drain", more);
            return;
          }
        }
      };
      more();
      await still(() => sent);
      assert.ok(sent < buffered, `${sent} bytes were taken from the API`);
      client.socket.destroy();
      await eventually(() => response.destroyed, Boolean);
    });
  }

  test("a bomb of a compressed answer is unpacked no further than the caller reads", async (t) => {
    const { url, head, answer, keyFor } = await openApi(t);
    const client = bareClient(t, url, head(await keyFor("proxy")));
    client.socket.pause();
    const before = process.memoryUsage().rss;
    const response = await answer();
    // Half a gigabyte in half a megabyte.
    const packed = gzipSync(Buffer.alloc(offered));
    response.writeHead(200, { "content-encoding": "gzip" });
    for (let n = 0; n < 5; n++) response.write(packed);
    await still(() => client.socket.bytesRead);
    assert.ok(process.memoryUsage().rss - before < 2 * offered, "it was not unpacked into memory");
    client.socket.destroy();
    await eventually(() => response.destroyed, Boolean);
  });

  test("a fast upload to an API that reads nothing is taken no further", async (t) => {
    const { url, head, answer, key } = await openApi(t);
    const client = bareClient(t, url, head(key, "POST", "www.googleapis.com/unread", "Transfer-Encoding: chunked\r\n"));
    await answer();
    const piece = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, "x"), Buffer.from("\r\n")]);
    let sent = 0;
    const more = (): void => {
      while (sent < offered && !client.socket.destroyed) {
        sent += piece.length;
        if (!client.socket.write(piece)) {
          client.socket.once("drain", more);
          return;
        }
      }
    };
    more();
    await still(() => sent);
    assert.ok(sent < buffered, `${sent} bytes were taken from the client`);
    const response = await answer();
    client.socket.destroy();
    // Only who reads learns that the other end is gone.
    response.req.resume();
    await eventually(() => response.destroyed, Boolean);
  });

  test("clients that go away in the middle leave neither a call at the API nor a listener behind", async (t) => {
    const { url, head, answer, key, faults } = await openApi(t);
    t.mock.method(process, "emitWarning", (warning: unknown) => faults.push(warning));
    const calls = 200;
    for (let n = 1; n <= calls; n++) {
      const client = bareClient(t, url, head(key));
      const response = await answer(n);
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      await client.until("data: 1\n\n");
      client.socket.destroy();
      await eventually(() => response.destroyed, Boolean);
    }
    assert.deepEqual(faults, [], "no warning of too many listeners, and no fault");
  });
});

/** Resolves once a number has stopped growing. */
async function still(read: () => number): Promise<void> {
  for (let last = -1; last !== read();) {
    last = read();
    await sleep(300);
  }
}
