import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Headers to which what a middleware has set before is as true as what the response says. */
const added = new Set(["set-cookie", "vary"]);

/** A response as a middleware may have made it: that of the package `compression` has this method. */
interface Flushable {
  flush?(): void;
}

/**
 * Sends a web-standard response as it is: no content type is made up, the head goes out at once, and an answer that
 * breaks off ends its connection instead of looking complete. A client that goes away is no error.
 *
 * Where something has been answered already, nothing is sent.
 *
 * @throws what the response's body fails with; the connection is then cut
 */
export async function sendResponse({ status, headers, body }: Response, outgoing: ServerResponse): Promise<void> {
  if (outgoing.headersSent || outgoing.destroyed) {
    await body?.cancel();
    return;
  }
  for (const [name, value] of headers) {
    if (added.has(name)) outgoing.appendHeader(name, value);
    else outgoing.setHeader(name, value);
  }
  outgoing.statusCode = status;
  if (body === null) {
    outgoing.end();
    return;
  }
  // The head goes out at once, as an API that sends events sends it. With bytes after it, Node writes it as it is.
  outgoing.write(new Uint8Array());
  const source = Readable.fromWeb(body);
  const sent = pipeline(source, outgoing);
  // What compresses answers before they leave keeps bytes back until it has many. A stream's reader waits for each of them.
  if (!headers.has("content-length")) source.on("data", () => (outgoing as Flushable).flush?.());
  try {
    await sent;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}
