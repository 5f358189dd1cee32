import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { sqliteFailure } from "./sqlite-failure.ts";
import type { Database, Sql, SqlRow, SqlValue } from "./sql.ts";

const busyTimeoutMs = 5_000;

/**
 * A SQLite file: one connection that writes, one that reads and never waits for it.
 * Transactions of this process queue up before the file's lock, so that none is interleaved with another.
 */
export class SqliteDatabase implements Database {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #writer: DatabaseSync;
  readonly #reader: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    try {
      this.#writer = new DatabaseSync(path, { timeout: busyTimeoutMs });
      this.#prepareFile();
      this.#reader =
        path === ":memory:" ? this.#writer : new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly: true });
    } catch (error) {
      throw sqliteFailure(error, path);
    }
  }

  /** Write-ahead log, so that readers go on during a write; full synchronisation, so that a commit survives a crash. */
  #prepareFile(): void {
    // The sealed values are safe in other hands, the keyed hashes and times need not be there all the same.
    if (this.#path !== ":memory:") chmodSync(this.#path, 0o600);
    this.#writer.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON",
    );
  }

  async now(): Promise<number> {
    return this.#clock.now();
  }

  async all(text: string, ...values: SqlValue[]): Promise<SqlRow[]> {
    // An in-memory database has one connection: reading now could show a transaction's half.
    if (this.#reader === this.#writer) await this.#queue;
    return this.#try(() => this.#prepare(this.#reader, text).all(...values) as SqlRow[]);
  }

  async run(text: string, ...values: SqlValue[]): Promise<number> {
    return this.transaction((sql) => sql.run(text, ...values));
  }

  transaction<T>(body: (sql: Sql) => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#transact(body));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Structural damage, in SQLite's words; empty where there is none. */
  damage(): string {
    return this.#try(() => {
      const rows = this.#writer.prepare("PRAGMA quick_check(3)").all();
      const lines = rows.map((row) => String(row["quick_check"]));
      return lines.join("; ") === "ok" ? "" : lines.join("; ");
    });
  }

  close(): void {
    this.#statements.clear();
    if (this.#reader !== this.#writer) this.#reader.close();
    this.#writer.close();
  }

  async #transact<T>(body: (sql: Sql) => Promise<T>): Promise<T> {
    // A deferred transaction that reads first and then writes fails at once with 517, whatever the busy timeout.
    this.#try(() => this.#writer.exec("BEGIN IMMEDIATE"));
    try {
      const result = await body({
        all: async (text, ...values) => this.#try(() => this.#prepare(this.#writer, text).all(...values) as SqlRow[]),
        run: async (text, ...values) =>
          this.#try(() => Number(this.#prepare(this.#writer, text).run(...values).changes)),
        now: () => this.now(),
      });
      this.#try(() => this.#writer.exec("COMMIT"));
      return result;
    } catch (error) {
      if (this.#writer.isTransaction) this.#writer.exec("ROLLBACK");
      throw error;
    }
  }

  #prepare(connection: DatabaseSync, text: string): StatementSync {
    const key = connection === this.#writer ? `w${text}` : `r${text}`;
    let statement = this.#statements.get(key);
    if (statement === undefined) {
      statement = connection.prepare(text);
      this.#statements.set(key, statement);
    }
    return statement;
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFailure(error, this.#path);
    }
  }
}
