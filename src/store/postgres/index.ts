/*
 * The PostgreSQL store: how a connection is made, kept, watched and lost, and which SQLSTATE means what.
 * No statement on grants, attempts or intakes stands here: those are the same for every database, in ../sql/.
 */
import { required, text } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { bringUpToDate, compareMigrations } from "../sql/migrate.ts";
import { PostgresDatabase } from "./database.ts";
import { migrations } from "./migrations.ts";
import { placeOf } from "./place.ts";
import { guardedClient } from "./client.ts";
import { parseConnectionString } from "./connection-string.ts";
import { clientConfig } from "./options.ts";
import type { PostgresOptions } from "./postgres-options.ts";
import { PostgresPresence } from "./presence.ts";
import { PostgresSession } from "./session.ts";
import { PostgresSockets } from "./sockets.ts";
import { truth } from "../sql/column.ts";
import { assertStoreOptions } from "../sql/store-options.ts";
import { sqlStore } from "../sql/sql-store.ts";
import type { Store, StoreNote } from "../store.ts";
import { describeStore } from "../store-description.ts";

export type { PostgresOptions } from "./postgres-options.ts";

/** Whether the table of migrations is there: it is not in a database that was never used. */
const isThere = truth("there");

/** How long connections may take to end, milliseconds. */
const closeMs = 2_000;

const connections: Rule = {
  fits: (value) => typeof value === "number" && Number.isInteger(value) && value >= 1,
  must: "a whole number of connections, 1 or more",
};

/** What exists while the store is open. */
interface Open {
  readonly session: PostgresSession;
  readonly presence: PostgresPresence;
  close(): Promise<void>;
}

/** What an opening begins with. */
interface Opening extends Open {
  /** Resolves when the session has tried to connect, whether or not it worked. */
  readonly tried: Promise<void>;
  /** Whether the schema was seen to be that of this version. */
  readonly isUpToDate: boolean;
}

/**
 * The store for several machines: a PostgreSQL database, 14 or later.
 *
 * @param where a connection string, or {@link PostgresOptions}
 * @returns a store that is not open yet: the vault that it is given to opens it
 * @throws {OnbehalfError} `configuration_invalid`: a connection string is malformed, or an option is not what it must be
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */
export function postgres(where: string | PostgresOptions): Store {
  const options: PostgresOptions = typeof where === "string" ? { connectionString: where } : where;
  assertStoreOptions("postgres", options, {
    connectionString: required(text),
    directConnectionString: text,
    poolSize: connections,
  });
  const { connectionString, directConnectionString = connectionString, poolSize = 8 } = options;
  const { location } = parseConnectionString(connectionString);
  parseConnectionString(directConnectionString);
  const listeners = new Set<() => void>();
  const database = new PostgresDatabase(location);
  let open: Open | undefined;
  let prepared: Promise<Opening> | undefined;

  const begin = async (): Promise<Opening> => {
    // Loaded only now: a service on SQLite starts without it.
    const pg = await import("pg");
    const Client = guardedClient(pg.Client);
    const sockets = new PostgresSockets();
    const config = { ...clientConfig(connectionString), Client, stream: sockets.make };
    const directConfig = { ...clientConfig(directConnectionString), stream: sockets.make };
    const pool = new pg.Pool({ ...config, max: poolSize });
    // The pool replaces an idle connection that is lost when the next one is needed.
    pool.on("error", () => undefined);
    database.open(pool);
    const presence = new PostgresPresence(database);
    const session = new PostgresSession({
      client: () => new Client(directConfig),
      begin: async (client) => {
        await client.query("LISTEN onbehalf_changes");
        await presence.resume(client);
      },
      hint: () => {
        for (const listener of listeners) listener();
      },
    });
    const close = (): Promise<void> => sockets.closing([session.stop(), database.close()], closeMs);
    return { session, presence, close, tried: session.start(), isUpToDate: false };
  };

  const connect = async (migrate: boolean): Promise<Open> => {
    const beginning = prepared ?? begin();
    prepared = undefined;
    const begun = await beginning;
    try {
      // Beside one another: each connection takes a tenth of a start. The session needs none of our tables yet.
      await Promise.all([begun.isUpToDate ? undefined : bringSchemaUpToDate(database, migrate), begun.tried]);
      return begun;
    } catch (error) {
      await begun.close();
      throw error;
    }
  };

  /** Makes the connection of the first statement, too, by a look at the schema. Where that fails, the opening says why. */
  const beginAhead = async (): Promise<Opening> => {
    const begun = await begin();
    return { ...begun, isUpToDate: await isUpToDate(database).catch(() => false) };
  };

  const shared = sqlStore({
    kind: "postgres",
    location,
    known: migrations,
    database,
    async open({ migrate = true }) {
      open = await connect(migrate);
    },
    async close() {
      const closing = open;
      open = undefined;
      await closing?.close();
    },
  });
  const store: Store = {
    ...shared,

    prepare() {
      if (open !== undefined) return;
      prepared ??= beginAhead();
      // Whoever opens the store hears of it.
      prepared.catch(() => undefined);
    },
    async close() {
      const left = prepared;
      prepared = undefined;
      await Promise.all([shared.close(), left?.then((begun) => begun.close())]);
    },

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
    place: () => placeOf(database, location),
    notes() {
      return open === undefined ? [] : notesOn(open.session);
    },
  };
  return describeStore(store, { kind: "postgres", connectionString, directConnectionString, poolSize });
}

/** Looks without a lock first; migrates under one, so that of twenty processes that start together only one does it. */
async function bringSchemaUpToDate(database: PostgresDatabase, migrate: boolean): Promise<void> {
  // A role that may not create tables can serve once another role has migrated.
  if (await isUpToDate(database)) return;
  await database.migration((sql) => bringUpToDate(sql, migrations, migrate));
}

async function isUpToDate(database: PostgresDatabase): Promise<boolean> {
  const [row] = await database.all("SELECT (to_regclass('onbehalf_migrations') IS NOT NULL)::int AS there");
  return isThere.read(row ?? {}) && (await compareMigrations(database, migrations)).pending.length === 0;
}

function notesOn(session: PostgresSession): StoreNote[] {
  if (session.pooled) {
    return [
      {
        note:
          "the connection to PostgreSQL goes through a pooler: this process sees changes by other processes only when " +
          "it polls, and takes over from a crashed process of another machine only after a time limit",
        hint: "set directConnectionString as well, or connect straight to the server: onbehalf needs few connections",
      },
    ];
  }
  if (session.client !== undefined) return [];
  return [
    {
      note: "the direct connection to PostgreSQL is down: this process sees changes by other processes only when it polls",
      hint: "onbehalf connects again by itself; if it stays down, look at the server's log",
    },
  ];
}
