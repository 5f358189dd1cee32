import type { Clock } from "../../core/clock.ts";
import { SqliteConnection, retryWhileBusy } from "./connection.ts";
import { fileMoved } from "./failure.ts";
import { makePrivate, stillThere } from "./file.ts";
import type { Database, SqlRow, SqlValues, Transaction } from "../sql/sql.ts";

export interface SqliteDatabaseOptions {
  readonly path: string;
  readonly clock: Clock;
  /** How long to wait while other processes hold the file's lock, milliseconds. */
  readonly patienceMs: number;
}

/**
 * A SQLite file: one connection that writes, and one that reads and never waits for the first.
 * Transactions of this process run one after the other, so that none is interleaved with another.
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
      // The write-ahead log lets readers go on during a write. Full synchronisation makes a commit survive a crash.
      // With a memory map, a failing disk would end the process by a signal instead of giving an error.
      await retryWhileBusy(patienceMs, () => writer.script("PRAGMA journal_mode = WAL"));
      await retryWhileBusy(patienceMs, () =>
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

  async all(text: string, values?: SqlValues): Promise<SqlRow[]> {
    // An in-memory database has one connection: reading now could show half of a transaction.
    if (this.#reader === this.#writer) await this.#queue;
    return retryWhileBusy(this.#options.patienceMs, () => this.#reader.all(text, values));
  }

  transaction<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    const outcome = this.#queue.then(() => this.#transact(body));
    this.#queue = outcome.catch(() => undefined);
    return outcome;
  }

  /** @returns what SQLite finds damaged in the file's structure, in its own words; empty where it finds nothing */
  async damage(): Promise<string> {
    const rows = await this.all("PRAGMA quick_check(3)");
    const lines = rows.map((row) => String(row["quick_check"]));
    return lines.join("; ") === "ok" ? "" : lines.join("; ");
  }

  /** Waits for the transactions under way, then closes both connections. */
  async close(): Promise<void> {
    await this.#queue;
    if (this.#reader !== this.#writer) this.#reader.close();
    // The writer last: only a connection that may write can move the rest of the log into the file.
    this.#writer.close();
  }

  async #transact<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    const writer = this.#writer;
    if (!this.#isInPlace()) throw fileMoved(this.#options.path);
    // A deferred transaction that reads first and writes later fails at once (SQLITE_BUSY_SNAPSHOT, 517), and no
    // waiting would help.
    await retryWhileBusy(this.#options.patienceMs, () => writer.script("BEGIN IMMEDIATE"));
    try {
      const all = async (text: string, values?: SqlValues): Promise<SqlRow[]> => writer.all(text, values);
      const result = await body({
        all,
        // There is no other writer while this transaction runs.
        lock: all,
        run: async (text, values) => writer.run(text, values),
        script: async (text) => writer.script(text),
        now: () => this.now(),
      });
      await retryWhileBusy(this.#options.patienceMs, () => writer.script("COMMIT"));
      return result;
    } catch (error) {
      writer.rollBack();
      throw error;
    }
  }
}
