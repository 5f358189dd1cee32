import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { OnbehalfError, problemOf, problemResponse } from "../../index.ts";
import type { Vault } from "../../index.ts";
import { service } from "./app.ts";
import type { ServiceOptions } from "./app.ts";
import { fastToken } from "./fast-token.ts";
import { maxHeaderBytes, refuseMalformed } from "./malformed-request.ts";
import { tokenHeaders } from "./json-bodies.ts";

export interface ServerOptions extends ServiceOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 8787 by default; 0 for any. */
  readonly port?: number;
  /** How long a client may take to send its headers, milliseconds; 10,000 by default. */
  readonly headersTimeoutMs?: number;
  /** How long a client may take to send its whole request, milliseconds; 15,000 by default. */
  readonly requestTimeoutMs?: number;
  /** Routes beside the service's own, asked first. */
  readonly before?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

export interface RunningServer {
  readonly url: string;
  /** Takes nothing new, finishes what is under way, and resolves when all of it is answered. */
  close(): Promise<void>;
}

const limits = {
  maxHeaderSize: maxHeaderBytes,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 30_000,
  // Node looks for slow clients every 30 seconds otherwise, whatever the limits are.
  connectionsCheckingInterval: 1_000,
  // Node would answer this one itself, without a body; ours says what is wrong.
  requireHostHeader: false,
};

/**
 * Serves a vault over HTTP.
 *
 * @throws {OnbehalfError} `configuration_invalid`: the address cannot be listened on
 */
export async function startServer(vault: Vault, options: ServerOptions = {}): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8787, before, metrics } = options;
  const handle = service(vault, options);
  const slow = getRequestListener(
    async (request: Request, { outgoing }) =>
      cutWithItsSource((await before?.(request)) ?? (await handle(request)), request, outgoing),
    // Its own Request and Response would replace the global ones for the whole process.
    { overrideGlobalObjects: false, errorHandler: (error: unknown) => malformed(error, options) },
  );
  const fast = fastToken(vault);
  let closing = false;
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method, url, headers } = incoming;
    const body = method === "GET" ? fast(url ?? "", headers.authorization ?? "") : undefined;
    if (body === undefined && isAmbiguousPath(url ?? "")) {
      refuseAmbiguousPath(outgoing);
      return;
    }
    if (body === undefined) {
      // Answered while we close: nobody is waiting for this client's next request any more.
      outgoing.once("close", () => closing && incoming.socket.end());
      void slow(incoming, outgoing);
      return;
    }
    metrics?.countRequest("/v1/grants/{ref}/token", 200);
    outgoing.writeHead(200, { ...tokenHeaders, "content-length": Buffer.byteLength(body) });
    outgoing.end(body);
  };
  const { headersTimeoutMs: headersTimeout, requestTimeoutMs: requestTimeout } = options;
  const server = createServer(
    {
      ...limits,
      ...(headersTimeout === undefined ? {} : { headersTimeout }),
      ...(requestTimeout === undefined ? {} : { requestTimeout }),
    },
    answer,
  );
  server.on("checkExpectation", answer);
  server.on("clientError", refuseMalformed);
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shownHost}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        closing = true;
        server.close(() => resolve());
      }),
  };
}

/**
 * Whether an address means another one once it is read: dots that climb, and backslashes, which become slashes. What
 * stands before us may have judged it by its spelling.
 */
function isAmbiguousPath(url: string): boolean {
  const [path = ""] = url.split("?");
  return /\\|%5c|\/(?:\.|%2e){1,2}(?:[/;]|$)/i.test(path);
}

function refuseAmbiguousPath(outgoing: ServerResponse): void {
  const { status, headers, body } = problemOf(
    new OnbehalfError("invalid_request", "the address is not a plain one", {
      hint: "write it without dot segments and backslashes, encoded or not",
      details: { parameter: "path" },
    }),
  );
  outgoing.writeHead(status, headers).end(JSON.stringify(body));
}

/**
 * An API's answer that breaks off breaks off here, too. The listener would end it as if it were whole, with the error's
 * message at its end.
 */
function cutWithItsSource(response: Response, request: Request, outgoing: Pick<Writable, "destroy">): Response {
  const { body, status, headers } = response;
  if (body === null || !new URL(request.url).pathname.includes("/proxy/")) return response;
  async function* whole(source: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch {
      outgoing.destroy();
    }
  }
  return new Response(ReadableStream.from(whole(body)), { status, headers });
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
