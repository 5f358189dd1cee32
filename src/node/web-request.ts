import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { OnbehalfError, isOnbehalfError } from "../core/errors.ts";
import { bodyLeft } from "./body-left.ts";
import { refusedAddress } from "./request-address.ts";

/** What a handler may know besides the request. */
export interface NodeContext {
  /** The path above the handler's own, such as `/vault` of `app.use("/vault", …)`; empty at the top of a server. */
  readonly mountPath: string;
  /** The request as the framework has it, such as Express's `req`, with what its middlewares have put there. */
  readonly incoming: object;
}

/** What a framework has made of a request before it came here. */
export interface Before {
  /** What a body parser has made of the body; undefined where there was none. */
  readonly parsed?: unknown;
  /** The path above the handler's own, where the framework says so. */
  readonly prefix?: string | undefined;
  /** The request as the framework has it. */
  readonly request: object;
}

/**
 * Makes a web-standard request of one of Node's, for as long as work is done with it. What the work leaves of the body
 * is read off, so that the connection can be used again. When the client goes away, the request's signal is aborted.
 *
 * @param work is given the error to answer with where the request cannot be one of the web's
 * @returns what the work returns
 * @throws what the work throws
 */
export function duringRequest<T>(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  before: Before,
  work: (request: Request | OnbehalfError, context: NodeContext) => Promise<T>,
): Promise<T> {
  const target = (incoming as { readonly originalUrl?: string }).originalUrl ?? incoming.url ?? "";
  const context = { mountPath: before.prefix ?? mountPathOf(incoming, target), incoming: before.request };
  const refusal = refusedMethod(incoming) ?? refusedAddress(addressOf(incoming, target), () => true);
  if (refusal !== undefined) return work(refusal, context);
  return new Promise((resolve, reject) => {
    const listener = getRequestListener(
      async (request) => {
        const whole = wholeRequest(request, target, incoming, before.parsed);
        await work(whole, context).then(resolve, reject);
        return RESPONSE_ALREADY_SENT;
      },
      // The listener's own Request and Response would replace the global ones for the whole process.
      { overrideGlobalObjects: false, errorHandler: reject },
    );
    void listener(incoming, outgoing);
  });
}

/**
 * The request as the global class has it, which the listener's own is not: `new Request(request)` and `fetch(request)`
 * take no other.
 */
function wholeRequest(
  request: Request,
  target: string,
  incoming: IncomingMessage,
  parsed: unknown,
): Request | OnbehalfError {
  const { method, signal } = request;
  const headers = new Headers(request.headers);
  const url = `${new URL(request.url).origin}${target}`;
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers, signal });
  try {
    const left = bodyLeft(incoming, parsed);
    for (const name of left?.untrue ?? []) headers.delete(name);
    if (left?.contentType !== undefined) headers.set("content-type", left.contentType);
    return new Request(url, { method, headers, signal, body: left?.body ?? request.body, duplex: "half" });
  } catch (error) {
    if (isOnbehalfError(error)) return error;
    throw error;
  }
}

/** Methods that a web-standard request cannot have. */
function refusedMethod({ method = "" }: IncomingMessage): OnbehalfError | undefined {
  if (!/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) return undefined;
  return new OnbehalfError("method_not_allowed", "this address does not have this method", {
    hint: "use GET or POST",
    details: { allow: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] },
  });
}

/** HTTP/2 has the host in a header of its own. */
function addressOf({ rawHeaders, headers, httpVersionMajor, socket }: IncomingMessage, url: string): AddressedRequest {
  const host = headers[":authority"] ?? headers.host;
  const isNewer = httpVersionMajor > 1 && typeof host === "string";
  return { url, rawHeaders: isNewer ? ["host", host] : rawHeaders, socket };
}

type AddressedRequest = Parameters<typeof refusedAddress>[0];

/** Express says what its routers have taken off. Connect does not, but what is left of the path ends it. */
function mountPathOf(incoming: IncomingMessage, target: string): string {
  const { baseUrl } = incoming as { readonly baseUrl?: unknown };
  if (typeof baseUrl === "string") return baseUrl;
  const [path = ""] = target.split("?");
  const [left = ""] = (incoming.url ?? "").split("?");
  if (left === path) return "";
  if (path.endsWith(left)) return path.slice(0, -left.length);
  return left === "/" ? path : "";
}
