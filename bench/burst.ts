import { connect } from "node:net";
import type { Socket } from "node:net";

export interface Burst {
  /** From when the first request was sent until the last answer was there, milliseconds. */
  readonly lastMs: number;
  /** How many were not answered with 200. */
  readonly failed: number;
}

/** Sends requests at the same time, each on a connection of its own that was open before. */
export async function burst(requests: readonly { readonly port: number; readonly request: Buffer }[]): Promise<Burst> {
  const open = await Promise.all(
    requests.map(async ({ port, request }) => ({ request, socket: await connected(port) })),
  );
  const began = performance.now();
  const statuses = await Promise.all(open.map(({ socket, request }) => answerTo(socket, request)));
  const lastMs = performance.now() - began;
  for (const { socket } of open) socket.destroy();
  return { lastMs, failed: statuses.filter((status) => status !== "200").length };
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The status of the answer, when its body is whole; empty where the connection ended before. */
function answerTo(socket: Socket, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const end = received.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
      if (end >= 0 && received.length >= end + 4 + length) resolve(received.slice(9, 12));
    });
    socket.once("close", () => resolve(""));
    socket.write(request);
  });
}
