import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";

/**
 * What stands between a program and its PostgreSQL.
 *
 * - `passes`: every byte goes through
 * - `refuses`: connections are accepted and cut at once
 * - `is silent`: connections are accepted, and nothing ever comes
 * - `{ says }`: whatever the program sends is answered with these bytes, and the connection is cut
 * - `{ holds }`: the same, and the connection is left open
 */
export type PoolerMood = "passes" | "refuses" | "is silent" | { readonly says: Buffer } | { readonly holds: Buffer };

/** A pooler, or a proxy of a cloud provider, that can fall ill. */
export interface FaultyPooler {
  /** The connection string that leads through it. */
  readonly url: string;
  /** How many connections came while it was ill. */
  readonly illConnections: number;
  /** Connections that are open are cut; those that come are treated by the new mood. */
  become(mood: PoolerMood): void;
  /** Answers on the connections that are open with bytes out of nowhere, and cuts them. */
  interject(bytes: Buffer): void;
}

/** Starts one before the server of a connection string; it ends with the test. */
export async function faultyPooler(t: TestContext, connectionString: string): Promise<FaultyPooler> {
  const behind = new URL(connectionString);
  const open = new Map<Socket, Socket | undefined>();
  let mood: PoolerMood = "passes";
  let illConnections = 0;

  const cut = (): void => {
    for (const [near, far] of open) {
      near.destroy();
      far?.destroy();
    }
    open.clear();
  };
  const server = createServer((near) => {
    near.on("error", () => undefined);
    near.once("close", () => open.delete(near));
    open.set(near, undefined);
    if (mood !== "passes") illConnections += 1;
    if (mood === "passes") {
      const far = connect(Number(behind.port), behind.hostname);
      far.on("error", () => undefined);
      open.set(near, far);
      near.pipe(far).pipe(near);
      near.once("close", () => far.destroy());
      far.once("close", () => near.destroy());
    } else if (mood === "refuses") near.destroy();
    else if (mood === "is silent") near.resume();
    else if ("says" in mood) {
      const { says } = mood;
      near.once("data", () => near.end(says));
    } else {
      const { holds } = mood;
      near.on("data", () => near.write(holds));
    }
  }).listen(0, "127.0.0.1");
  t.after(() => {
    cut();
    server.close();
  });
  await once(server, "listening");
  const url = new URL(connectionString);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    get illConnections() {
      return illConnections;
    },
    become(next) {
      mood = next;
      cut();
    },
    interject(bytes) {
      for (const [near, far] of open) {
        far?.unpipe(near);
        near.end(bytes);
      }
    },
  };
}

/**
 * An ErrorResponse.
 *
 * @param fields by their type, such as `C` for the SQLSTATE
 * @see https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export function errorResponse(fields: Readonly<Record<string, string>>): Buffer {
  const body = Object.entries(fields).map(([type, text]) => `${type}${text}\0`);
  return message("E", Buffer.from(`${body.join("")}\0`));
}

/** A message of the server. */
export function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** What a pooler says that has no server for us, as Supavisor and Neon's proxy do. */
export const noTenant: Buffer = errorResponse({ S: "FATAL", V: "FATAL", C: "XX000", M: "Tenant or user not found" });
