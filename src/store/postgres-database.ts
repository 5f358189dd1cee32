import type { Pool, PoolClient, QueryResult } from "pg";
import { isLost, postgresFailure } from "./postgres-failure.ts";
import { Columns } from "./sql.ts";
import type { Database, SqlRow, SqlValue, Transaction } from "./sql.ts";

/**
 * How a transaction begins. Its limits are set within it and not on the connection, which a pooler would pass on to
 * others. One that stands still is ended by the server before anybody gives up waiting for its locks, so that a paused
 * process holds up nobody for long. An intent that is not on disk is none: where commits are asynchronous by default,
 * these are not.
 */
const begin = beginWith({ standstillMs: 5_000, lockMs: 7_000, statementMs: 10_000 });
/** A migration may take long, and the nineteen others that start with it wait. */
const beginMigration = beginWith({ standstillMs: 60_000, lockMs: 600_000, statementMs: 600_000 });

/** Any fixed number: who migrates holds the lock under it, in this database. */
const migrationLock = 7_312_604_199;

/** A PostgreSQL database, through a small pool of connections. */
export class PostgresDatabase implements Database {
  readonly #pool: Pool;
  readonly #location: string;
  readonly #closing: (ends: Promise<unknown>) => Promise<void>;

  /** @param closing waits for connections to end, but not for ever */
  constructor(pool: Pool, location: string, closing: (ends: Promise<unknown>) => Promise<void>) {
    this.#pool = pool;
    this.#location = location;
    this.#closing = closing;
  }

  async now(): Promise<number> {
    return timeOf(await this.all(nowText));
  }

  all(text: string, ...values: SqlValue[]): Promise<SqlRow[]> {
    return this.#connected(async (client) => (await query(client, text, values)).rows);
  }

  transaction<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.#transact(begin, body);
  }

  /** A transaction that no other migration runs beside. */
  migration<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.#transact(beginMigration, async (sql) => {
      await sql.all("SELECT pg_advisory_xact_lock(?)", migrationLock);
      return body(sql);
    });
  }

  async close(): Promise<void> {
    await this.#closing(this.#pool.end());
  }

  async #transact<T>(opening: string, body: (sql: Transaction) => Promise<T>): Promise<T> {
    let begun = false;
    return this.#connected(
      async (client) => {
        await client.query(opening);
        begun = true;
        const result = await body(transactionOn(client));
        const { command } = await client.query("COMMIT");
        // PostgreSQL answers the COMMIT of a failed transaction with a friendly ROLLBACK.
        if (command !== "COMMIT") throw new TypeError("a transaction was committed although a statement had failed");
        return result;
      },
      // Whether more may be done twice is for the caller to know.
      () => !begun,
    );
  }

  /** Works on a connection of the pool; on another one where the first turns out to be dead, as after a restart. */
  async #connected<T>(work: (client: PoolClient) => Promise<T>, mayRepeat = () => true): Promise<T> {
    const started = performance.now();
    for (let tries = 1; ; tries++) {
      try {
        return await borrowing(await this.#pool.connect(), work);
      } catch (error) {
        const dead = tries === 1 && isLost(error) && performance.now() - started < atOnceMs;
        if (!dead || !mayRepeat()) throw postgresFailure(error, this.#location);
      }
    }
  }
}

/** A connection that was dead from the start fails this soon, milliseconds; anything later was a wait. */
const atOnceMs = 1_000;

async function borrowing<T>(client: PoolClient, work: (client: PoolClient) => Promise<T>): Promise<T> {
  let fit = true;
  // A connection that is lost between two statements says so by an event, which ends the process if nobody listens.
  client.on("error", ignored);
  try {
    return await work(client);
  } catch (error) {
    fit = !isLost(error) && (await rolledBack(client));
    throw error;
  } finally {
    client.off("error", ignored);
    client.release(!fit);
  }
}

/** Undoes what failed, before anybody else gets the connection. */
async function rolledBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    return false;
  }
}

function ignored(): void {}

function transactionOn(client: PoolClient): Transaction {
  const all = async (text: string, ...values: SqlValue[]): Promise<SqlRow[]> =>
    (await query(client, text, values)).rows;
  return {
    all,
    // As strong as an update of the row, and no stronger: rows that refer to it can still be added.
    lock: (text, ...values) => all(`${text} FOR NO KEY UPDATE`, ...values),
    run: async (text, ...values) => (await query(client, text, values)).rowCount ?? 0,
    script: async (text) => {
      await client.query(text);
    },
    now: async () => timeOf(await all(nowText)),
  };
}

function query(client: PoolClient, text: string, values: readonly SqlValue[]): Promise<QueryResult<SqlRow>> {
  return client.query<SqlRow>(numbered(text), values.map(storable));
}

/** PostgreSQL's text cannot hold NUL, and one in a provider's error must not keep an answer from being stored. */
function storable(value: SqlValue): SqlValue {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
}

const texts = new Map<string, string>();

/** `?` as `$1`, `$2` and so on. A `?` has no other meaning in our statements. */
function numbered(text: string): string {
  let rewritten = texts.get(text);
  if (rewritten === undefined) {
    let count = 0;
    rewritten = text.replaceAll("?", () => `$${++count}`);
    texts.set(text, rewritten);
  }
  return rewritten;
}

const nowText = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

function timeOf([row]: SqlRow[]): number {
  return new Columns(row ?? {}).number("now");
}

function beginWith(limits: { standstillMs: number; lockMs: number; statementMs: number }): string {
  return `BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL idle_in_transaction_session_timeout = ${limits.standstillMs};
    SET LOCAL lock_timeout = ${limits.lockMs};
    SET LOCAL statement_timeout = ${limits.statementMs};
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`;
}
