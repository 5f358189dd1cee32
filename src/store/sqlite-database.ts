import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import type { Clock } from "../clock.ts";
import { SqliteConnection, patiently } from "./sqlite-connection.ts";
import { sqliteFailure } from "./sqlite-failure.ts";
import type { Database, SqlRow, SqlValue, Transaction } from "./sql.ts";

/**
 * A SQLite file: one connection that writes, one that reads and never waits for it.
 * Transactions of this process queue up before the file's lock, so that none is interleaved with another.
 */
export class SqliteDatabase implements Database {
  readonly #clock: Clock;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(clock: Clock, writer: SqliteConnection, reader: SqliteConnection) {
    this.#clock = clock;
    this.#writer = writer;
    this.#reader = reader;
  }

  static async open(path: string, clock: Clock): Promise<SqliteDatabase> {
    if (path !== ":memory:") makePrivate(path);
    const writer = new SqliteConnection(path, { readOnly: false });
    try {
      // A write-ahead log, so that readers go on during a write; full synchronisation, so that a commit survives a
      // crash; no memory map, in which a failing disk would be a signal that ends the process instead of an error.
      await patiently(() => writer.script("PRAGMA journal_mode = WAL"));
      await patiently(() => writer.script("PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON"));
      const reader = path === ":memory:" ? writer : new SqliteConnection(path, { readOnly: true });
      return new SqliteDatabase(clock, writer, reader);
    } catch (error) {
      writer.close();
      throw error;
    }
  }

  async now(): Promise<number> {
    return this.#clock.now();
  }

  async all(text: string, ...values: SqlValue[]): Promise<SqlRow[]> {
    // An in-memory database has one connection: reading now could show half of a transaction.
    if (this.#reader === this.#writer) await this.#queue;
    return patiently(() => this.#reader.all(text, values));
  }

  transaction<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#transact(body));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Structural damage, in SQLite's words; empty where there is none. */
  async damage(): Promise<string> {
    const rows = await this.all("PRAGMA quick_check(3)");
    const lines = rows.map((row) => String(row["quick_check"]));
    return lines.join("; ") === "ok" ? "" : lines.join("; ");
  }

  /** Ends once the transactions under way have. */
  async close(): Promise<void> {
    await this.#queue;
    if (this.#reader !== this.#writer) this.#reader.close();
    // Last, and the one that may write: it takes what is left of the log into the file.
    this.#writer.close();
  }

  async #transact<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    const writer = this.#writer;
    // A deferred transaction that reads first and then writes fails at once with 517, however long one would wait.
    await patiently(() => writer.script("BEGIN IMMEDIATE"));
    try {
      const all = async (text: string, ...values: SqlValue[]): Promise<SqlRow[]> => writer.all(text, values);
      const result = await body({
        all,
        // There is no other writer while this transaction runs.
        lock: all,
        run: async (text, ...values) => writer.run(text, values),
        script: async (text) => writer.script(text),
        now: () => this.now(),
      });
      await patiently(() => writer.script("COMMIT"));
      return result;
    } catch (error) {
      writer.rollBack();
      throw error;
    }
  }
}

/**
 * Sealed values are safe in other hands; keyed hashes and times need not be there all the same. A new file is the
 * owner's alone from its first moment (SQLite would make it readable to all), and its log gets the same mode. Of an
 * existing one only the rights of everybody are taken away: which group may use it is the operator's choice.
 */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw sqliteFailure(error, path);
    const { mode } = statSync(path);
    if ((mode & 0o007) === 0 || !statSync(path).isFile()) return;
    try {
      chmodSync(path, mode & 0o770);
    } catch (refused) {
      // Somebody else's file: whether it may be used is for the database to find out.
      if (!isErrno(refused, "EPERM") && !isErrno(refused, "EROFS")) throw sqliteFailure(refused, path);
    }
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
