import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, Server as HttpServer } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { TestContext } from "node:test";
import type { BoundedFetch } from "../../src/oauth/bounded-fetch.ts";

/** A wire over real sockets, with bounds small enough for a test to wait for. */
export function wireWith(more: Partial<BoundedFetch> = {}): BoundedFetch {
  return { fetch: globalThis.fetch, timeoutMs: 10_000, bodyLimitBytes: 64 * 1024, ...more };
}

/** What a client really sent. */
export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string or bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
}

/** An HTTP server that keeps what it was sent and answers what the test says; closed after it. */
export async function recorder(
  t: TestContext,
  reply: (request: Recorded) => Reply | Promise<Reply>,
): Promise<{ readonly url: string; readonly requests: readonly Recorded[] }> {
  const requests: Recorded[] = [];
  const server = createHttpServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method = "", url: path = "", headers } = incoming;
      const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      void Promise.resolve(reply(request)).then(({ status = 200, headers, body = {} }) => {
        outgoing.writeHead(status, headers);
        outgoing.end(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
      });
    });
  });
  t.after(() => server.closeAllConnections());
  return { url: await listen(t, server), requests };
}

/** A form's members, sorted by name. */
export function membersOf(body: string | undefined): [string, string][] {
  const form = new URLSearchParams(body);
  form.sort();
  return [...form];
}

/** A server below HTTP. */
export interface Talker {
  readonly url: string;
  /** Waits until whoever asked something has hung up; the runner's timeout ends what never comes. */
  readonly abandoned: () => Promise<void>;
}

/** A server that says what the test says, byte by byte, once a request has come. */
export async function talker(t: TestContext, talk: (socket: Socket) => void): Promise<Talker> {
  const sockets = new Set<Socket>();
  const asked = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      asked.delete(socket);
    });
    // The other side hangs up in most of these tests.
    socket.on("error", () => undefined);
    socket.once("data", () => {
      asked.add(socket);
      talk(socket);
    });
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: await listen(t, server),
    async abandoned() {
      while (asked.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

/** A port of this machine that nobody listens on. */
export async function deadPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

async function listen(t: TestContext, server: Server | HttpServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
