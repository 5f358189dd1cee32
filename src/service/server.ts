import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { OnbehalfError, problemOf, problemResponse, systemClock } from "../index.ts";
import type { Vault } from "../index.ts";
import { service } from "./app.ts";
import type { ServiceOptions } from "./app.ts";
import { fastToken } from "./fast-token.ts";
import { tokenHeaders } from "./wire.ts";

export interface ServerOptions extends ServiceOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 8787 by default; 0 for any. */
  readonly port?: number;
  /** Routes beside the service's own, asked first. */
  readonly before?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

export interface RunningServer {
  readonly url: string;
  /** Takes nothing new, finishes what is under way, and resolves when all of it is answered. */
  close(): Promise<void>;
}

const limits = { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 30_000 };

/**
 * Serves a vault over HTTP.
 *
 * @throws {OnbehalfError} `configuration_invalid`: the address cannot be listened on
 */
export async function startServer(vault: Vault, options: ServerOptions = {}): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8787, before, clock = systemClock, metrics } = options;
  const handle = service(vault, options);
  const slow = getRequestListener(
    async (request: Request) => (await before?.(request)) ?? (await handle(request)),
    // Its own Request and Response would replace the global ones for the whole process.
    { overrideGlobalObjects: false, errorHandler: (error: unknown) => malformed(error, options) },
  );
  const fast = fastToken(vault, clock);
  const server = createServer(limits, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const body = method === "GET" ? fast(url ?? "", headers.authorization ?? "") : undefined;
    if (body === undefined) {
      void slow(incoming, outgoing);
      return;
    }
    metrics?.countRequest("/v1/grants/{ref}/token", 200);
    outgoing.writeHead(200, { ...tokenHeaders, "content-length": Buffer.byteLength(body) });
    outgoing.end(body);
  });
  server.on("clientError", refuseUnreadable);
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shownHost}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** What could not even become a request: a Host that is none, a URL that cannot be parsed. */
function malformed(error: unknown, { onFault }: ServerOptions): Response {
  const known = error instanceof Error && error.name === "RequestError";
  if (!known) onFault?.(error);
  return problemResponse(
    known
      ? new OnbehalfError("invalid_request", "the request cannot be read", {
          hint: "look at its address and its Host header",
          details: {},
        })
      : error,
  );
}

/** Answers what the HTTP parser refused: too large or malformed headers, or a client that is too slow. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const { body } = problemOf(
    tooLarge
      ? new OnbehalfError("request_too_large", "the headers are too large", {
          hint: "16 KiB at most",
          details: { limitBytes: limits.maxHeaderSize },
        })
      : new OnbehalfError("invalid_request", "the request cannot be read", {
          hint: "send valid HTTP/1.1",
          details: {},
        }),
  );
  const status = tooLarge
    ? "431 Request Header Fields Too Large"
    : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? "408 Request Timeout"
      : "400 Bad Request";
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}

function listen(
  server: ReturnType<typeof createServer<typeof IncomingMessage, typeof ServerResponse>>,
  host: string,
  port: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new OnbehalfError(
          "configuration_invalid",
          `cannot listen on ${host}:${port} (${error.code ?? error.message})`,
          {
            hint:
              error.code === "EADDRINUSE"
                ? "another program listens there: choose another with --port, or 0 for any"
                : "choose another host or port",
            details: { problems: [`cannot listen on ${host}:${port}`] },
            cause: error,
          },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}
