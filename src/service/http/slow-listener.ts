import { ServerResponse } from "node:http";
import type { IncomingMessage } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { invalidRequest } from "../../core/errors.ts";
import { sendResponse } from "../../node/send-response.ts";
import { withSafeHeaders } from "./answer-headers.ts";
import type { Service } from "./app.ts";
import { noteConnection } from "./connection-of.ts";
import { problemResponse } from "./problems.ts";

/** Answers a request of Node's that no short way answers. */
export type SlowListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** What of a server's options matters here. */
export interface SlowListenerOptions {
  /** Routes of an app's own, which come before the service's. */
  readonly before?: (request: Request) => Promise<Response | undefined> | Response | undefined;
  /** Told of each error that becomes `internal_error`. */
  readonly onFault?: (error: unknown) => void;
}

/** Answers by the web standard's `Request` and `Response`, as the service does. */
export function slowListener(handle: Service, { before, onFault }: SlowListenerOptions): SlowListener {
  const listener = getRequestListener(
    async (request: Request, { incoming, outgoing }) => {
      noteConnection(request, incoming.socket);
      const response = (await before?.(request)) ?? (await handle(request));
      const isProxied = outgoing instanceof ServerResponse && new URL(request.url).pathname.includes("/proxy/");
      if (!isProxied) return response;
      // The listener would call a body of no type text, write a header's bytes above 127 as UTF-8 once more, and end an
      // answer that breaks off as if it were complete, with the error's message as its last bytes.
      await sendResponse(response, outgoing).catch(() => undefined);
      return RESPONSE_ALREADY_SENT;
    },
    // The listener's own Request and Response would replace the global ones for the whole process.
    { overrideGlobalObjects: false, errorHandler: (error: unknown) => malformed(error, onFault) },
  );
  return (incoming, outgoing) => void listener(incoming, outgoing);
}

/** The answer where no `Request` could be made of what came: the Host header or the URL cannot be parsed. */
function malformed(error: unknown, onFault: SlowListenerOptions["onFault"]): Response {
  const known = error instanceof Error && error.name === "RequestError";
  if (!known) onFault?.(error);
  return withSafeHeaders(
    problemResponse(
      known
        ? invalidRequest("the address or the Host header cannot be parsed", "send a valid URL and one Host header")
        : error,
    ),
  );
}
