import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream";
import type { Duplex, Readable } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** A broken end of a compressed body is no reason to withhold what came before it. */
const lenient = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: () => createGunzip(lenient),
  "x-gzip": () => createGunzip(lenient),
  deflate: () => createInflate(lenient),
  br: () => createBrotliDecompress(),
};

/**
 * A body without its content codings; as it came, where one of them is unknown.
 *
 * @param headers those of the answer. Where the body is decoded, `content-encoding` and `content-length` are removed:
 *   they would not fit it
 */
export function decoded(incoming: IncomingMessage, headers: Headers): Readable {
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
