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
  const took: number[] = [];
  let left = requests;
  const request = Buffer.from(`${head}\r\n\r\n${body}`);
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let received = "";
      let sentAt = 0;
      const next = (): void => {
        if (left-- > 0) {
          sentAt = performance.now();
          socket.write(request);
        } else {
          socket.destroy();
          resolve();
        }
      };
      socket.on("connect", next);
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        received += chunk.toString("latin1");
        const end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
        if (received.length < end + 4 + length) return;
        took.push(performance.now() - sentAt);
        if (!received.startsWith("HTTP/1.1 200 ")) {
          reject(new Error(`answered ${received.slice(0, 200)}`));
          socket.destroy();
          return;
        }
        received = "";
        next();
      });
    });
  await Promise.all(Array.from({ length: connections }, one));
  return took;
}
