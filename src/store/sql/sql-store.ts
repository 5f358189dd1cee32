/*
 * What every SQL database shares: the statements, the tables, the migrations, and a store made of them.
 * Nothing here knows a database: what differs stands behind `Database` (./sql.ts) and `Engine`, in ../sqlite/ and
 * ../postgres/.
 */
import { refreshStore } from "./attempts.ts";
import { callerStore } from "./callers.ts";
import { storeUnavailable } from "./failure.ts";
import { grantStore } from "./grants.ts";
import { intakeStore } from "./intakes.ts";
import { keyStore } from "./keys.ts";
import { compareMigrations } from "./migrate.ts";
import type { Migration } from "./migrate.ts";
import type { Database } from "./sql.ts";
import type { OpenStore, Store } from "../store.ts";

/** What differs between databases: how to reach one, and which migrations make its schema. */
export interface Engine<D extends Database> {
  readonly kind: string;
  readonly location: string;
  /** Its migrations, in order. */
  readonly known: readonly Migration[];
  connect(options: OpenStore): Promise<D>;
  disconnect(database: D): Promise<void>;
}

/** Makes a store over an SQL database. */
export function sqlStore<D extends Database>(engine: Engine<D>): Store {
  let opened: D | undefined;
  let opening: Promise<D> | undefined;

  const database = (): D => {
    if (opened !== undefined) return opened;
    throw storeUnavailable("the store is not open", "open the vault first, and do not use it after you have closed it");
  };
  // Statements are bound to whichever connection is open when they run.
  const current: Database = {
    all: async (text, values) => database().all(text, values),
    now: async () => database().now(),
    transaction: async (body) => database().transaction(body),
  };

  return {
    kind: engine.kind,
    location: engine.location,
    ...keyStore(current),
    ...grantStore(current),
    ...refreshStore(current),
    ...intakeStore(current),
    ...callerStore(current),

    async open(options) {
      if (opened !== undefined) return;
      opening ??= engine.connect(options);
      try {
        opened = await opening;
      } finally {
        opening = undefined;
      }
    },
    async migrations() {
      const { applied, pending } = await compareMigrations(database(), engine.known);
      return { applied, pending: pending.map(({ name }) => name) };
    },
    async ping() {
      await database().all("SELECT 1 AS one");
    },
    async now() {
      return database().now();
    },
    async close() {
      const closing = opened;
      opened = undefined;
      if (closing !== undefined) await engine.disconnect(closing);
    },
  };
}
