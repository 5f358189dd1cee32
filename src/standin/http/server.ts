/**
 * The stand-in's HTTP: sockets, routing, requests read in full, replies written, and the faults that spoil them.
 * What a request means, and what state it changes, is decided in the other folders.
 */

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers one request; `ending` fires when the server closes. */
export type Answer = (request: IncomingMessage, response: ServerResponse, ending: AbortSignal) => Promise<void>;

export interface Listening {
  readonly url: string;
  /** Begins to answer. Requests that came before have waited for it. */
  open(answer: Answer): void;
  close(): Promise<void>;
  /** Resolves when it no longer listens, for whatever reason. */
  readonly closed: Promise<void>;
}

/** Listens on `host`:`port` (0: any free port). */
export async function listen(host: string, port: number): Promise<Listening> {
  const ending = new AbortController();
  const opened = Promise.withResolvers<Answer>();
  // Clients keep connections for longer than Node's default of five seconds. Closing one just as a client uses it again
  // would look like a fault that no test asked for.
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    opened.promise
      .then((answer) => answer(request, response, ending.signal))
      .catch((error: unknown) => {
        fail(response, error, ending.signal);
      });
  });
  await listening(server, port, host);
  const closed = new Promise<void>((resolve) => {
    server.once("close", resolve);
  });
  const address = server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shown}:${String(address.port)}`,
    open: opened.resolve,
    close: async () => {
      ending.abort();
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await closed;
    },
    closed,
  };
}

/** Where the client went away or the server closes, the connection just ends. Any other error is a bug, and is shown. */
function fail(response: ServerResponse, error: unknown, ending: AbortSignal): void {
  if (ending.aborted || response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(500, { "content-type": "text/plain" }).end(`the stand-in failed: ${String(error)}\n`);
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
