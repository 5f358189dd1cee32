import { connect } from "node:net";

/**
 * Keeps `connections` sockets busy, one request at a time each, until `requests` were answered with 200.
 * Raw sockets: a client library would cost more than the server that is measured.
 *
 * @returns how long each request took, milliseconds
 */
export async function load(
  port: number,
  head: string,
  requests: number,
  connections: number,
  body = "",
): Promise<number[]> {
  return loadAll(port, [requestOf(head, body)], requests, connections);
}

/** A request as bytes. */
export function requestOf(head: string, body = ""): Buffer {
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

/** {@link load} with several requests, which are sent one after the other, and again from the first one. */
export async function loadAll(
  port: number,
  requests: readonly Buffer[],
  count: number,
  connections: number,
): Promise<number[]> {
  const took: number[] = [];
  let sent = 0;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let received: Buffer | undefined;
      let sentAt = 0;
      const next = (): void => {
        if (sent >= count) {
          socket.destroy();
          resolve();
          return;
        }
        const request = requests[sent % requests.length] ?? Buffer.alloc(0);
        sent += 1;
        sentAt = performance.now();
        socket.write(request);
      };
      socket.on("connect", next);
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("the server closed a connection")));
      socket.on("data", (chunk: Buffer) => {
        received = received === undefined ? chunk : Buffer.concat([received, chunk]);
        if (!isWhole(received)) return;
        took.push(performance.now() - sentAt);
        if (received.toString("latin1", 0, 13) !== "HTTP/1.1 200 ") {
          reject(new Error(`answered ${received.toString("latin1", 0, 400)}`));
          socket.destroy();
          return;
        }
        received = undefined;
        next();
      });
    });
  await Promise.all(Array.from({ length: Math.min(connections, count) }, one));
  return took;
}

function isWhole(received: Buffer): boolean {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = received.toString("latin1", 0, end);
  const [, length] = /content-length: (\d+)/i.exec(head) ?? [];
  if (length !== undefined) return received.length >= end + 4 + Number(length);
  // In chunks: the last one is empty.
  return received.toString("latin1", received.length - 5) === "0\r\n\r\n";
}
