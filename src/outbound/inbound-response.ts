import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream";
import type { Duplex, Readable } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { failure } from "./failures.ts";

/** A broken end of a compressed body is no reason to withhold what came before it. */
const lenient = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: () => createGunzip(lenient),
  "x-gzip": () => createGunzip(lenient),
  deflate: () => createInflate(lenient),
  br: () => createBrotliDecompress(),
};

/** A body that nobody reads keeps its socket. Where the body is forgotten, the socket must go, too. */
const forgotten = new FinalizationRegistry<Readable>((source) => source.destroy());

/**
 * An answer as a web-standard `Response`. Its headers fit its body: where the body is decoded, `content-encoding` and
 * `content-length` are gone.
 *
 * @param sent.decode whether the body is to be decoded; otherwise it stays as it came
 */
export function responseOf(
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
  if (status < 200 || status > 599) {
    incoming.destroy();
    throw failure("BAD_STATUS", `the server answered with the status ${status}`);
  }
  const init = { status, headers, ...(/^[\t\x20-\x7e]*$/.test(statusMessage) ? { statusText: statusMessage } : {}) };
  let body: ReadableStream<Uint8Array> | null = null;
  if (method === "HEAD" || [204, 304].includes(status)) incoming.resume();
  // Nothing may follow a 205. What follows all the same is not read.
  else if (status === 205) incoming.destroy();
  else {
    body = streamOf(decode ? decoded(incoming, headers) : incoming, incoming);
    forgotten.register(body, incoming);
  }
  return Object.defineProperty(new Response(body, init), "url", { value: url.href });
}

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
    { highWaterMark: 0 },
  );
}

/** The body without its content codings; as it came, where one of them is unknown. */
function decoded(incoming: IncomingMessage, headers: Headers): Readable {
  const codings = (headers.get("content-encoding") ?? "")
    .toLowerCase()
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && each !== "identity");
  const steps = codings.toReversed().map((coding) => (Object.hasOwn(decoders, coding) ? decoders[coding] : undefined));
  if (steps.length === 0 || steps.length > 3 || steps.includes(undefined)) return incoming;
  headers.delete("content-encoding");
  headers.delete("content-length");
  let last: Readable = incoming;
  for (const step of steps) {
    // An error in one ends the other: the reader sees it at the end of the line.
    if (step !== undefined) last = pipeline(last, step(), () => undefined);
  }
  return last;
}

/**
 * A `fetch` of somebody else's, which decodes bodies and leaves the headers as they were, so that its answers have
 * headers that fit their bodies.
 */
export function withFittingHeaders(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    if (!response.headers.has("content-encoding")) return response;
    const headers = new Headers(response.headers);
    headers.delete("content-encoding");
    headers.delete("content-length");
    const { status, statusText, url } = response;
    return Object.defineProperty(new Response(response.body, { status, statusText, headers }), "url", { value: url });
  };
}
