import type { Duplex } from "node:stream";
import type { Client, ClientConfig } from "pg";
import { Frames } from "./frames.ts";

/** What of the driver's connection we take hold of; its types do not show it. */
interface DriverConnection {
  readonly stream: Duplex;
  attachListeners(stream: Pick<Duplex, "on">): void;
}

/**
 * The driver's client, such that no bytes of a server can end this process:
 *
 * - What the driver throws while it reads would be an uncaught exception. Here it ends the connection, as if it had been
 *   cut.
 * - An `error` event that comes while nobody listens, between two owners of a client, would be one as well.
 * - A connection that failed to begin is destroyed, whatever the other side does with it.
 *
 * @param Base the driver's own, which is loaded only where PostgreSQL is used
 */
export function guardedClient(Base: typeof Client): typeof Client {
  return class GuardedClient extends Base {
    constructor(config?: string | ClientConfig) {
      super(config);
      this.on("error", () => undefined);
      const connection = connectionOf(this);
      const attach = connection.attachListeners.bind(connection);
      connection.attachListeners = (stream) => attach(guarded(connection, stream));
    }

    override connect(): Promise<never>;
    override connect(callback: (error: Error | null) => void): void;
    override connect(callback?: (error: Error | null) => void): Promise<never> | undefined {
      if (callback === undefined) {
        return new Promise((resolve, reject) => {
          this.connect((error: Error | null) => (error === null ? resolve(this as never) : reject(error)));
        });
      }
      super.connect((error: Error | null) => {
        if (error !== null) connectionOf(this).stream.destroy();
        callback(error);
      });
      return undefined;
    }
  };
}

function connectionOf(client: Client): DriverConnection {
  return (client as unknown as { readonly connection: DriverConnection }).connection;
}

/** A stream whose bytes reach the driver in whole messages, and whose listeners throw nothing. */
function guarded(connection: DriverConnection, stream: Pick<Duplex, "on">): Pick<Duplex, "on"> {
  const frames = new Frames();
  return {
    on(event: string, listener: (...args: unknown[]) => void) {
      if (event !== "data") return stream.on(event, listener);
      return stream.on("data", (chunk: Buffer) => {
        try {
          const whole = frames.whole(chunk);
          if (whole.length > 0) listener(whole);
        } catch (error) {
          connection.stream.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      });
    },
  } as Pick<Duplex, "on">;
}
