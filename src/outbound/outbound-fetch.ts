/**
 * outbound/ sends requests to providers and APIs, and is the one way out: through a company's proxy where the
 * environment names one, with the headers that were given and no others, and with a limit on each wait.
 * What a request says, and what its answer means, does not belong here.
 */
import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable, pipeline } from "node:stream";
import { failure, viaProxy } from "./failures.ts";
import { bodyOf, exactly } from "./outbound-body.ts";
import type { OutboundBody } from "./outbound-body.ts";
import { routesFrom } from "./proxy-agents.ts";
import type { Route } from "./proxy-agents.ts";
import { responseOf } from "./inbound-response.ts";
import { userAgent } from "./user-agent.ts";

/** How long a request waits. */
export interface OutboundLimits {
  /** For a connection, TLS and a proxy's tunnel included, milliseconds. */
  readonly connectMs: number;
  /** For the next byte of a request or an answer, milliseconds. */
  readonly silenceMs: number;
}

const usualLimits: OutboundLimits = { connectMs: 10_000, silenceMs: 300_000 };

/** Headers about the connection, which the sender makes itself. A caller's `host` could take a token elsewhere. */
export const connectionHeaders: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A `fetch` for talking to servers, not for pages. It differs from the global one in what is sent and in nothing that
 * is done with the answer, but for this:
 *
 * - It adds `user-agent` and, where it decodes the answer itself, `accept-encoding`, and only where they are absent.
 *   The global one adds `sec-fetch-mode`, `accept`, `accept-language` and a `user-agent` that names nobody.
 * - Where the caller gave `accept-encoding`, the body comes as the server sent it, with its `content-encoding`.
 * - Redirects are never followed: `redirect: "error"` refuses them, anything else returns them.
 * - `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured; this machine itself is always reached directly.
 *
 * @param env where the proxy's variables are read, once
 * @param limits how long to wait; a request that takes longer fails with `CONNECT_TIMEOUT` or `IDLE_TIMEOUT`
 */
export function outboundFetch(
  env: NodeJS.ProcessEnv = process.env,
  limits: OutboundLimits = usualLimits,
): typeof fetch {
  const routeTo = routesFrom(env, limits.connectMs);
  return async (input, init = {}) => {
    const from = input instanceof Request ? input : undefined;
    const url = new URL(from?.url ?? (input as string | URL));
    if (!/^https?:$/.test(url.protocol)) throw new TypeError(`the URL must be http or https, and is ${url.protocol}`);
    const method = (init.method ?? from?.method ?? "GET").toUpperCase();
    const signal = init.signal ?? from?.signal;
    signal?.throwIfAborted();

    const body = await bodyOf(init.body ?? from?.body);
    if (body !== undefined && (method === "GET" || method === "HEAD")) throw new TypeError(`${method} has no body`);
    const headers = new Headers(init.headers ?? from?.headers);
    const decode = !headers.has("accept-encoding");
    const ready = { url, method, headers: complete(headers, body, decode), body, signal };
    const incoming = await exchange(ready, routeTo(url), limits);
    if (init.redirect === "error" && [301, 302, 303, 307, 308].includes(incoming.statusCode ?? 0)) {
      incoming.destroy();
      throw new TypeError("the server answered with a redirect");
    }
    return responseOf(incoming, { url, method, decode });
  };
}

/** What is sent: what was given, and what every request needs. */
function complete(headers: Headers, body: OutboundBody | undefined, decode: boolean): OutgoingHttpHeaders {
  for (const name of headers.keys()) {
    if (connectionHeaders.has(name)) throw new TypeError(`${name} belongs to the connection, and cannot be given`);
  }
  if (!headers.has("user-agent")) headers.set("user-agent", userAgent);
  // A range counts the bytes that are sent: of a compressed body it would be a range of something else.
  if (decode) headers.set("accept-encoding", headers.has("range") ? "identity" : "gzip, deflate, br");
  if (body === undefined) {
    if ((headers.get("content-length") ?? "0") !== "0") throw new TypeError("content-length announces a missing body");
    return Object.fromEntries(headers);
  }
  if (body.type !== undefined && !headers.has("content-type")) headers.set("content-type", body.type);
  const length = body.length === undefined ? (headers.get("content-length") ?? undefined) : String(body.length);
  if (length === undefined) return { ...Object.fromEntries(headers), "transfer-encoding": "chunked" };
  if (headers.has("content-length") && headers.get("content-length") !== length) {
    throw new TypeError("content-length is not the length of the body");
  }
  return { ...Object.fromEntries(headers), "content-length": length };
}

interface ReadyRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: OutboundBody | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Sends a request, and resolves when the head of its answer is there. */
function exchange(
  { url, method, headers, body, signal }: ReadyRequest,
  { agent, proxy }: Route,
  limits: OutboundLimits,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, { method, headers, agent });
    let incoming: IncomingMessage | undefined;
    const told = (error: Error): Error => (proxy === undefined ? error : viaProxy(error, proxy));
    const end = (error: Error): void => {
      // While a proxy opens the way there is no socket yet, and a request that is destroyed tells nobody.
      reject(told(error));
      (incoming ?? request).destroy(error);
    };
    const abort = (): void => {
      reject(signal?.reason as Error);
      end(signal?.reason instanceof Error ? signal.reason : new DOMException("the request was aborted", "AbortError"));
    };
    signal?.addEventListener("abort", abort, { once: true });
    request.once("close", () => signal?.removeEventListener("abort", abort));
    // Errors may follow the answer, as when the server does not read the rest of our body.
    request.on("error", (error) => reject(told(error)));
    request.once("response", (message) => {
      incoming = message;
      resolve(message);
    });
    // Nobody asked for another protocol, so nothing could read what follows.
    request.once("upgrade", (_message, socket) => {
      socket.destroy();
      reject(failure("BAD_STATUS", "the server answered with the status 101"));
    });
    limitConnecting(request, limits.connectMs, end);
    request.setTimeout(limits.silenceMs, () => end(failure("IDLE_TIMEOUT", `${url.host} fell silent`)));

    if (body === undefined) request.end();
    else if (body.bytes !== undefined) request.end(body.bytes);
    else {
      const announced = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
      // What goes wrong destroys the request, which tells its error.
      pipeline(Readable.from(exactly(body.chunks, announced)), request, (error) => error && reject(error));
    }
  });
}

/** Ends a request that is not connected in time. Until then not a byte of it was sent. */
function limitConnecting(request: ClientRequest, ms: number, end: (error: Error) => void): void {
  const timer = setTimeout(() => {
    end(failure("CONNECT_TIMEOUT", `no connection within ${ms} ms`));
  }, ms);
  const connected = (): void => clearTimeout(timer);
  request.once("close", connected);
  request.once("socket", (socket) => {
    if (socket.connecting || ("secureConnecting" in socket && socket.secureConnecting === true)) {
      socket.once("secureConnecting" in socket ? "secureConnect" : "connect", connected);
    } else connected();
  });
}
