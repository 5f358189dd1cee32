/*
 * What every SQL database shares: the statements, the tables, the migrations, and a store made of them.
 * Nothing here knows a database: what differs stands behind `Database` (./sql.ts) and `Engine`, in ../sqlite/ and
 * ../postgres/.
 */
import { isOnbehalfError } from "../../core/errors.ts";
import type { OnbehalfError } from "../../core/errors.ts";
import { refreshStore } from "./attempts.ts";
import { auditStore } from "./audit.ts";
import { callerStore } from "./callers.ts";
import { connectStore } from "./connects.ts";
import { clientStore } from "./clients.ts";
import { dashboardStore } from "./dashboard.ts";
import { storeUnusable } from "./failure.ts";
import { figuresStore } from "./figures.ts";
import { depositStore } from "./deposits.ts";
import { epochStore } from "./epochs.ts";
import { eventStore } from "./events.ts";
import { grantStore } from "./grants.ts";
import { handleStore } from "./handles.ts";
import { intakeStore } from "./intakes.ts";
import { keyStore } from "./keys.ts";
import { lifeStore } from "./lives.ts";
import { probeStore } from "./probes.ts";
import { resealStore } from "./reseal.ts";
import { sessionStore } from "./sessions.ts";
import { signalStore } from "./signals.ts";
import { ticketStore } from "./tickets.ts";
import { tokenStore } from "./tokens.ts";
import { webhookStore } from "./webhooks.ts";
import { compareMigrations } from "./migrate.ts";
import type { Migration } from "./migrate.ts";
import type { Database } from "./sql.ts";
import type { OpenStore, Store } from "../store.ts";

/** What differs between databases: how to reach one, and which migrations make its schema. */
export interface Engine {
  readonly kind: string;
  readonly location: string;
  /** Its migrations, in order. */
  readonly known: readonly Migration[];
  /** Throws `store_unavailable` while it is not open. */
  readonly database: Database;
  open(options: OpenStore): Promise<void>;
  close(): Promise<void>;
}

/** Makes a store over an SQL database. */
export function sqlStore(engine: Engine): Store {
  const { kind, location, known, database } = engine;
  /** The opening that is under way or done. */
  let opened: Promise<void> | undefined;
  /** The closing that is under way or done: an opening waits for it. */
  let closed: Promise<void> = Promise.resolve();
  return {
    kind,
    location,
    ...keyStore(database),
    ...grantStore(database),
    ...tokenStore(database),
    ...refreshStore(database),
    ...intakeStore(database),
    ...ticketStore(database),
    ...connectStore(database),
    ...depositStore(database),
    ...callerStore(database),
    ...handleStore(database),
    ...sessionStore(database),
    ...dashboardStore(database),
    ...figuresStore(database),
    ...clientStore(database),
    ...probeStore(database),
    ...signalStore(database),
    ...lifeStore(database),
    ...auditStore(database),
    ...epochStore(database),
    ...eventStore(database),
    ...webhookStore(database),
    ...resealStore(database),

    async open(options) {
      opened ??= closed.then(() => engine.open(options));
      try {
        await opened;
      } catch (error) {
        // It may be tried again.
        opened = undefined;
        throw isOfDatabase(error) ? doesNotFit(kind, location, error) : error;
      }
    },
    async migrations() {
      const { applied, pending } = await compareMigrations(database, known);
      return { applied, pending: pending.map(({ name }) => name) };
    },
    async ping() {
      await database.all("SELECT 1 AS one");
    },
    now: () => database.now(),
    async close() {
      const closing = opened;
      opened = undefined;
      if (closing === undefined) return;
      // One that is still opening, or could not be opened, has been taken back by itself.
      const ending = closing.catch(() => undefined).then(() => engine.close());
      closed = ending.catch(() => undefined);
      await ending;
    },
  };
}

/** Whether an error is a database's own, about a statement: `pg` and node:sqlite each mark theirs. */
function isOfDatabase(error: unknown): error is Error {
  return error instanceof Error && !isOnbehalfError(error) && ("errcode" in error || "severity" in error);
}

/** While a store is opened, a statement fails because the database is another one than it was made for. */
function doesNotFit(kind: string, location: string, error: Error): OnbehalfError<"store_unusable"> {
  const version = kind === "postgres" ? ", of PostgreSQL 14 or later" : "";
  return storeUnusable(
    `the database ${location} does not fit: ${error.message}`,
    `give onbehalf a database of its own${version}; where it has one, restore a backup`,
    error,
  );
}
