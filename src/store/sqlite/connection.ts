import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { isBusy, sqliteFailure } from "./failure.ts";
import type { SqlRow, SqlValue } from "../sql/sql.ts";

const longestPauseMs = 25;

/** One connection to a SQLite file, with its prepared statements. Failures are ours, see {@link sqliteFailure}. */
export class SqliteConnection {
  readonly #path: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, { readOnly }: { readonly readOnly: boolean }) {
    this.#path = path;
    // SQLite's own waiting would stop this whole process, and with it everyone who is served from memory.
    this.#connection = this.#ours(() => new DatabaseSync(path, { readOnly, timeout: 0 }));
  }

  all(text: string, values: readonly SqlValue[]): SqlRow[] {
    return this.#ours(() => this.#prepare(text).all(...values) as SqlRow[]);
  }

  /** Returns how many rows changed. */
  run(text: string, values: readonly SqlValue[]): number {
    return this.#ours(() => Number(this.#prepare(text).run(...values).changes));
  }

  script(text: string): void {
    this.#ours(() => this.#connection.exec(text));
  }

  /** Ends a transaction that failed, if SQLite has not done so itself. */
  rollBack(): void {
    try {
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
    } catch {
      // What failed first is what the caller must hear. SQLite undoes the transaction when it is opened next.
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#connection.isOpen) this.#connection.close();
  }

  #prepare(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#connection.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #ours<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFailure(error, this.#path);
    }
  }
}

/**
 * Does `work` again and again while another process holds the file, pausing in between.
 *
 * @param patienceMs how long in all, milliseconds
 */
export async function patiently<T>(patienceMs: number, work: () => T): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
