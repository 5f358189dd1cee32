import type { Clock } from "../../core/clock.ts";
import { SqliteConnection, patiently } from "./connection.ts";
import { fileMoved } from "./failure.ts";
import { makePrivate, stillThere } from "./file.ts";
import type { Database, SqlRow, SqlValue, Transaction } from "../sql/sql.ts";

export interface SqliteDatabaseOptions {
  readonly path: string;
  readonly clock: Clock;
  /** How long a file that others hold is waited for, milliseconds. */
  readonly patienceMs: number;
}

/**
 * A SQLite file: one connection that writes, one that reads and never waits for it.
 * Transactions of this process queue up before the file's lock, so that none is interleaved with another.
 */
export class SqliteDatabase implements Database {
  readonly #options: SqliteDatabaseOptions;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #isInPlace: () => boolean;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(options: SqliteDatabaseOptions, writer: SqliteConnection, reader: SqliteConnection) {
    this.#options = options;
    this.#writer = writer;
    this.#reader = reader;
    this.#isInPlace = writer === reader ? () => true : stillThere(options.path);
  }

  static async open(options: SqliteDatabaseOptions): Promise<SqliteDatabase> {
    const { path, patienceMs } = options;
    if (path !== ":memory:") makePrivate(path);
    const writer = new SqliteConnection(path, { readOnly: false });
    try {
      // A write-ahead log, so that readers go on during a write; full synchronisation, so that a commit survives a
      // crash; no memory map, in which a failing disk would be a signal that ends the process instead of an error.
      await patiently(patienceMs, () => writer.script("PRAGMA journal_mode = WAL"));
      await patiently(patienceMs, () =>
        writer.script("PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON"),
      );
      const reader = path === ":memory:" ? writer : new SqliteConnection(path, { readOnly: true });
      return new SqliteDatabase(options, writer, reader);
    } catch (error) {
      writer.close();
      throw error;
    }
  }

  async now(): Promise<number> {
    return this.#options.clock.now();
  }

  async all(text: string, ...values: SqlValue[]): Promise<SqlRow[]> {
    // An in-memory database has one connection: reading now could show half of a transaction.
    if (this.#reader === this.#writer) await this.#queue;
    return patiently(this.#options.patienceMs, () => this.#reader.all(text, values));
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
    if (!this.#isInPlace()) throw fileMoved(this.#options.path);
    // A deferred transaction that reads first and then writes fails at once with 517, however long one would wait.
    await patiently(this.#options.patienceMs, () => writer.script("BEGIN IMMEDIATE"));
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
      await patiently(this.#options.patienceMs, () => writer.script("COMMIT"));
      return result;
    } catch (error) {
      writer.rollBack();
      throw error;
    }
  }
}
