import { connect } from "node:net";

/**
 * How long each of `requests` took, over `connections` sockets that ask one at a time, milliseconds. Raw sockets: a
 * client library would cost more than the server that is measured.
 */
export async function latencies(port: number, head: string, requests: number, connections: number): Promise<number[]> {
  const took: number[] = [];
  let left = requests;
  const request = Buffer.from(`${head}\r\n\r\n`);
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let received = "";
      let sentAt = 0;
      const next = (): void => {
        if (left-- <= 0) {
          socket.destroy();
          resolve();
          return;
        }
        sentAt = performance.now();
        socket.write(request);
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

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
