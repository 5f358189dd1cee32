import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Ends connections that are idle, as Node's server does, but for those on which a request has come. Node ends them when their time
 * is over, without a look at what has come meanwhile: where the process stood still for a moment, that is a request that its
 * client sent in time, and the client sees its connection reset.
 */
export function endIdleConnections(server: Server): void {
  server.on("timeout", (socket: Socket) => {
    const { bytesRead } = socket;
    // By then, what was there has been read.
    setImmediate(() => {
      if (socket.bytesRead === bytesRead) socket.destroy();
    });
  });
}
