import type { ServerResponse } from "node:http";

/** Headers to which what a middleware has set before is as true as what the response says. */
const added = new Set(["set-cookie", "vary"]);

/** A response as a middleware may have made it: that of the package `compression` has this method. */
interface Flushable {
  flush?(): void;
}

/**
 * Sends a web-standard response as it is: no content type is made up, the head goes out at once, and an answer that
 * breaks off ends its connection instead of looking complete. The body is read no faster than the client takes it, and no more
 * once the client is gone, which is no error.
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
  const reader = body.getReader();
  outgoing.once("close", () => void reader.cancel().catch(() => undefined));
  // What is written to a client that has just gone fails, and tells nobody else.
  outgoing.on("error", () => undefined);
  // What compresses answers before they leave keeps bytes back until it has many. A stream's reader waits for each of them.
  const isStream = !headers.has("content-length");
  try {
    let next = reader.read();
    // A short answer is there already, and leaves in one piece with its head. Of any other, such as a stream whose first event
    // may be hours away, the head goes out at once. With bytes after it, Node writes it as it is.
    if ((await Promise.race([next, aTurn()])) === undefined) outgoing.write(new Uint8Array());
    for (let read = await next; !read.done && !outgoing.destroyed; read = await next) {
      const mayGoOn = outgoing.write(read.value);
      if (isStream) (outgoing as Flushable).flush?.();
      if (!mayGoOn) await drained(outgoing);
      next = reader.read();
    }
    if (!outgoing.destroyed) outgoing.end();
  } catch (error) {
    // What came before the end is the client's, and its head at least.
    if (!outgoing.headersSent && !outgoing.destroyed) outgoing.write(new Uint8Array());
    await aTurn();
    outgoing.destroy();
    throw error;
  }
}

/** Resolves once what is ready now has been done. */
function aTurn(): Promise<undefined> {
  return new Promise((resolve) => {
    setImmediate(resolve, undefined);
  });
}

/** Resolves once more may be written, or the client is gone. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    if (outgoing.destroyed) {
      resolve();
      return;
    }
    outgoing.once("drain", done);
    outgoing.once("close", done);
  });
}
