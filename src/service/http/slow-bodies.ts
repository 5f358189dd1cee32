import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Ends requests whose bodies come too slowly. One to the proxy may take as long as it likes, as an upload of gigabytes
 * does, while its bytes keep coming; any other must have arrived in time.
 *
 * @param ms how long a whole request may take; to the proxy: how long it may stand still
 * @param end called for a request that is too slow
 */
export function limitBody(incoming: IncomingMessage, outgoing: ServerResponse, ms: number, end: () => void): void {
  const { headers, socket } = incoming;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (!hasBody) return;
  const mayGoOn = isProxied(incoming.url ?? "");
  let seen = socket.bytesRead;
  const timer = setInterval(() => {
    // Bytes that wait here for a slow API are no fault of the client's.
    const isMoving = socket.bytesRead > seen || incoming.readableLength > 0;
    seen = socket.bytesRead;
    if (mayGoOn && isMoving && !outgoing.writableFinished) return;
    end();
  }, ms);
  const done = (): void => {
    clearInterval(timer);
    // Thousands of requests may come over one connection, and each would leave a listener there.
    socket.off("close", done);
  };
  incoming.once("end", done);
  incoming.once("close", done);
  socket.once("close", done);
}

/** Whether a path is one of the proxy: `/v1/grants/{ref}/proxy/…`. */
function isProxied(url: string): boolean {
  return /^\/v1\/grants\/[^/?]+\/proxy\//.test(url);
}
