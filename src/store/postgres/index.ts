import type { Client } from "pg";
import { bringUpToDate, compareMigrations, migrationsFor } from "../sql/migrate.ts";
import type { Migration } from "../sql/migrate.ts";
import { PostgresDatabase } from "./database.ts";
import { clientConfig, locationOf } from "./options.ts";
import type { PostgresOptions } from "./options.ts";
import { PostgresPresence } from "./presence.ts";
import { PostgresSession } from "./session.ts";
import { PostgresSockets } from "./sockets.ts";
import { Columns } from "../sql/sql.ts";
import { sqlStore } from "../sql/sql-store.ts";
import type { Store, StoreNote } from "../store.ts";

export type { PostgresOptions } from "./options.ts";

/** How long connections may take to end, milliseconds. */
const closeMs = 2_000;

/** What is there while the store is open. */
interface Open {
  readonly database: PostgresDatabase;
  readonly session: PostgresSession;
  readonly presence: PostgresPresence;
  close(): Promise<void>;
}

/**
 * The store for several machines: a PostgreSQL database, 14 or later.
 *
 * @param where a connection string, or more
 * @returns a store, opened by the vault it is given to
 * @throws {OnbehalfError} `configuration_invalid`: a malformed connection string
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */
export function postgres(where: string | PostgresOptions): Store {
  const {
    connectionString,
    directConnectionString = connectionString,
    poolSize = 8,
  }: PostgresOptions = typeof where === "string" ? { connectionString: where } : where;
  const location = locationOf(connectionString);
  locationOf(directConnectionString);
  const known = migrationsFor("postgres");
  const listeners = new Set<() => void>();
  let open: Open | undefined;

  const connect = async (migrate: boolean): Promise<Open> => {
    // Loaded when it is needed: a service on SQLite starts without it.
    const pg = await import("pg");
    const sockets = new PostgresSockets();
    const pool = new pg.Pool({ ...clientConfig(connectionString), max: poolSize, stream: sockets.make });
    // An idle connection that is lost is replaced when one is needed.
    pool.on("error", () => undefined);
    const database = new PostgresDatabase(pool, location);
    const presence = new PostgresPresence(database);
    const session = new PostgresSession({
      client: async () => new pg.Client({ ...clientConfig(directConnectionString), stream: sockets.make }),
      begin: async (client: Client) => {
        await client.query("LISTEN onbehalf_changes");
        await presence.resume(client);
      },
      hint: () => {
        for (const listener of listeners) listener();
      },
    });
    const close = (): Promise<void> => sockets.closing([session.stop(), database.close()], closeMs);
    try {
      await upToDate(database, known, migrate);
      await session.start();
      return { database, session, presence, close };
    } catch (error) {
      await close();
      throw error;
    }
  };

  return {
    ...sqlStore<PostgresDatabase>({
      kind: "postgres",
      location,
      known,
      async connect({ migrate = true }) {
        open = await connect(migrate);
        return open.database;
      },
      async disconnect() {
        const closing = open;
        open = undefined;
        await closing?.close();
      },
    }),

    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async announceOwner(owner) {
      await open?.presence.announce(owner, open.session.client);
    },
    async ownerLiveness(owner) {
      return (await open?.presence.livenessOf(owner)) ?? "unknown";
    },
    notes() {
      return open === undefined ? [] : notesOn(open.session);
    },
  };
}

/** Migrates under a lock, so that of twenty processes that start together one does it; looks first, without one. */
async function upToDate(database: PostgresDatabase, known: readonly Migration[], migrate: boolean): Promise<void> {
  const [row] = await database.all("SELECT (to_regclass('onbehalf_migrations') IS NOT NULL)::int AS there");
  const there = new Columns(row ?? {}).number("there") === 1;
  // A role that may not create tables can serve, once another one has migrated.
  if (there && (await compareMigrations(database, known)).pending.length === 0) return;
  await database.migration((sql) => bringUpToDate(sql, known, migrate));
}

function notesOn(session: PostgresSession): StoreNote[] {
  if (session.pooled) {
    return [
      {
        note:
          "a connection pooler stands before PostgreSQL: what other processes change is seen by polling alone, and what " +
          "a crashed process of another machine was doing is taken over by time alone",
        hint: "give directConnectionString as well, or connect straight to the server: few connections are needed",
      },
    ];
  }
  if (session.client !== undefined) return [];
  return [
    {
      note: "the direct connection to PostgreSQL is down: what other processes change is seen by polling alone",
      hint: "it is tried again by itself; look at the server's log if it stays so",
    },
  ];
}
