import { Socket } from "node:net";

/** The sockets of connections, so that they can be ended whatever has become of the server. */
export class PostgresSockets {
  readonly #open = new Set<Socket>();

  /** A socket for `pg` to connect. */
  readonly make = (): Socket => {
    const socket = new Socket();
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    return socket;
  };

  /**
   * Waits for connections to end as they should, and destroys those that do not: a server that is gone never answers.
   *
   * @param ends the ends that were begun
   * @param withinMs how long they may take, milliseconds
   */
  async closing(ends: readonly Promise<unknown>[], withinMs: number): Promise<void> {
    const deadline = setTimeout(() => {
      for (const socket of this.#open) socket.destroy();
    }, withinMs);
    try {
      await Promise.all(ends);
    } finally {
      clearTimeout(deadline);
    }
  }
}
