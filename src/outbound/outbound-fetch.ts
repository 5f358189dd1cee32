/**
 * outbound/ sends requests to providers and APIs, and is the one way out: through a company's proxy where the
 * environment names one, with the headers that were given and no others, and with a limit on each wait.
 * What a request says, and what its answer means, does not belong here.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { decoded } from "./content-coding.ts";
import { acceptedCodings, assertStatus, exchange, formSender, routesOf, usualLimits } from "./exchange.ts";
import type { OutboundBody, OutboundLimits, Routes } from "./exchange.ts";
import { streamedBody } from "./streamed-body.ts";
import { connectionHeaders } from "../core/api-request.ts";
import { userAgent } from "./user-agent.ts";

/** What a request may say besides what `fetch` knows. A `fetch` of somebody else's ignores it. */
export interface OutboundInit extends RequestInit {
  /**
   * Whether a name must mean addresses of the public internet alone; the request otherwise fails with
   * `ADDRESS_NOT_PUBLIC`. Through a proxy it is the proxy that looks names up.
   */
  readonly publicOnly?: boolean;
}

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
  return fetchOver(routesOf(env, limits), limits);
}

/**
 * {@link outboundFetch}, and what sends forms over the same connections.
 *
 * @param env where the proxy's variables are read, once
 */
export function outboundSender(
  env: NodeJS.ProcessEnv = process.env,
  limits: OutboundLimits = usualLimits,
): { readonly fetch: typeof fetch; readonly post: ReturnType<typeof formSender> } {
  const routes = routesOf(env, limits);
  return { fetch: fetchOver(routes, limits), post: formSender(routes, limits) };
}

function fetchOver(routeTo: Routes, limits: OutboundLimits): typeof fetch {
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
    const route = routeTo(url, (init as OutboundInit).publicOnly === true);
    const incoming = await exchange(ready, route, limits);
    if (init.redirect === "error" && [301, 302, 303, 307, 308].includes(incoming.statusCode ?? 0)) {
      incoming.destroy();
      throw new TypeError("the server answered with a redirect");
    }
    return responseOf(incoming, { url, method, decode });
  };
}

/**
 * Reads a body as `fetch` does.
 *
 * @see https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 */
async function bodyOf(body: RequestInit["body"]): Promise<OutboundBody | undefined> {
  if (body === undefined || body === null) return undefined;
  if (body instanceof Blob || (typeof body === "object" && Symbol.asyncIterator in body)) return streamedBody(body);
  // The standard knows how the rest becomes bytes, and under which type.
  const extracted = new Response(body);
  const type = extracted.headers.get("content-type") ?? "";
  const bytes = new Uint8Array(await extracted.arrayBuffer());
  return { ...(type === "" ? {} : { type }), length: bytes.length, bytes };
}

/** What is sent: what was given, and what every request needs. */
function complete(headers: Headers, body: OutboundBody | undefined, decode: boolean): OutgoingHttpHeaders {
  for (const name of connectionHeaders) {
    if (headers.has(name)) throw new TypeError(`${name} belongs to the connection, and cannot be given`);
  }
  if (!headers.has("user-agent")) headers.set("user-agent", userAgent);
  // A range counts the bytes that are sent: of a compressed body it would be a range of something else.
  if (decode) headers.set("accept-encoding", headers.has("range") ? "identity" : acceptedCodings);
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

/** A body that nobody reads keeps its socket. Where the body is forgotten, the socket must go, too. */
const forgotten = new FinalizationRegistry<Readable>((source) => source.destroy());

/**
 * An answer as a web-standard `Response`. Its headers fit its body: where the body is decoded, `content-encoding` and
 * `content-length` are gone.
 *
 * @param sent.decode whether the body is to be decoded; otherwise it stays as it came
 */
function responseOf(
  incoming: IncomingMessage,
  { url, method, decode }: { readonly url: URL; readonly method: string; readonly decode: boolean },
): Response {
  const { statusCode: status = 0, statusMessage = "" } = incoming;
  // The reader of the body learns of an error by reading. Where nobody reads, it must not end the process.
  incoming.on("error", () => undefined);
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? "");
  }
  assertStatus(incoming);
  const init = { status, headers, ...(/^[\t\x20-\x7e]*$/.test(statusMessage) ? { statusText: statusMessage } : {}) };
  let body: ReadableStream<Uint8Array> | null = null;
  if (method === "HEAD" || [204, 304].includes(status)) incoming.resume();
  // Nothing may follow a 205. What follows all the same is not read.
  else if (status === 205) incoming.destroy();
  else {
    body = streamOf(decode && headers.has("content-encoding") ? decoded(incoming, headers) : incoming, incoming);
    forgotten.register(body, incoming);
  }
  return Object.defineProperty(new Response(body, init), "url", { value: url.href });
}

/**
 * How much of a body is read before anybody asks for it, bytes. A short answer that nobody reads so gives its socket
 * back: it would keep a program alive that looked at the status and at no more.
 */
const readAheadBytes = 65_536;

/** A body that is read from the socket as fast as it is read from the stream. */
function streamOf(source: Readable, incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        source.destroy();
        incoming.destroy();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: readAheadBytes }),
  );
}
