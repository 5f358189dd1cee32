import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { isBusy, sqliteFailure } from "./failure.ts";
import { inOrder, numbered } from "../sql/column.ts";
import type { LookUp, SqlRow, SqlValue, SqlValues } from "../sql/sql.ts";

const longestPauseMs = 25;

interface Prepared {
  readonly statement: StatementSync;
  /** Of its parameters, in the order in which it takes their values. */
  readonly names: readonly string[];
}

/**
 * How a connection that writes is set up. The write-ahead log lets readers go on during a write. Full synchronisation makes a
 * commit survive a crash. With a memory map, a failing disk would end the process by a signal instead of giving an error.
 * What a group may have to undo stays in memory: a file for it would be one more thing that can fail.
 */
export const setUp: readonly string[] = [
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY",
];

/** Begins or ends a transaction, or the part of a group's that one body fills. */
export type Control = "BEGIN IMMEDIATE" | "SAVEPOINT body" | "ROLLBACK TO body" | "RELEASE body" | "COMMIT";

/** A connection that writes, in this thread or in another one. Throws our errors, see {@link sqliteFailure}. */
export interface Writer {
  /** Whether its statements are done when they return. Then a body is done before anything else happens in this process. */
  readonly isImmediate: boolean;
  /** Whether a transaction is open, as of the last statement that was answered. */
  readonly isInTransaction: boolean;
  /** Whether the connection was lost with the last statement. What became of a `COMMIT` is then unknown. */
  readonly isLost: boolean;
  /** Whether the path still leads to the file that was opened: SQLite goes on writing to one that was moved away. */
  readonly isInPlace: boolean;
  all(text: string, values?: SqlValues): SqlRow[] | Promise<SqlRow[]>;
  /** Returns how many rows changed. */
  run(text: string, values?: SqlValues): number | Promise<number>;
  /** Runs one statement with each of these values, in turn, and returns how many rows each has changed. */
  runEach(text: string, values: readonly SqlValues[]): readonly number[] | Promise<readonly number[]>;
  /** Runs statements without values. */
  script(text: string): void | Promise<void>;
  control(text: Control): void | Promise<void>;
  /** Undoes a transaction that failed, if SQLite has not done so itself. Never throws. */
  rollBack(): void | Promise<void>;
  close(): void | Promise<void>;
}

/** Opens a connection that writes in this thread. */
export function openWriter(path: string): SqliteConnection {
  return new SqliteConnection(path, { readOnly: false });
}

/** One connection to a SQLite file, with its prepared statements. Throws our errors, see {@link sqliteFailure}. */
export class SqliteConnection implements Writer {
  readonly isImmediate = true;
  readonly isLost = false;
  readonly #path: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();
  /** Those that give each row as a list: an object for each would cost a quarter of what a look-up does. */
  readonly #lookUps = new Map<LookUp<unknown>, StatementSync>();
  readonly #file: string;

  constructor(path: string, { readOnly }: { readonly readOnly: boolean }) {
    this.#path = path;
    // SQLite's own waiting would block this whole process, and with it every caller who is served from memory.
    this.#connection = this.#ours(() => new DatabaseSync(path, { readOnly, timeout: 0 }));
    this.#file = fileAt(path);
  }

  get isInPlace(): boolean {
    return fileAt(this.#path) === this.#file;
  }

  get isInTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  all(text: string, values: SqlValues = {}): SqlRow[] {
    return this.#ours(() => {
      const { statement, names } = this.#prepare(text);
      return statement.all(...inOrder(values, names)) as SqlRow[];
    });
  }

  /** See `Database.lookUp`. */
  lookUp<Row>(what: LookUp<Row>, value: string | Uint8Array): Row[] {
    const statement = this.#ours(() => this.#prepareLookUp(what));
    if (what.isUnique !== true) {
      return (this.#ours(() => statement.all(value)) as unknown as SqlValue[][]).map(what.readList);
    }
    const row = this.#ours(() => statement.get(value)) as unknown as SqlValue[] | undefined;
    return row === undefined ? [] : [what.readList(row)];
  }

  run(text: string, values: SqlValues = {}): number {
    return this.#ours(() => {
      const { statement, names } = this.#prepare(text);
      return Number(statement.run(...inOrder(values, names)).changes);
    });
  }

  runEach(text: string, values: readonly SqlValues[]): readonly number[] {
    return values.map((each) => this.run(text, each));
  }

  script(text: string): void {
    this.#ours(() => this.#connection.exec(text));
  }

  control(text: Control): void {
    this.#ours(() => this.#prepare(text).statement.run());
  }

  rollBack(): void {
    try {
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
    } catch {
      // The caller must hear of the first failure. SQLite undoes the transaction when the file is next opened.
    }
  }

  close(): void {
    this.#statements.clear();
    this.#lookUps.clear();
    if (this.#connection.isOpen) this.#connection.close();
  }

  #prepareLookUp(what: LookUp<unknown>): StatementSync {
    let statement = this.#lookUps.get(what);
    if (statement === undefined) {
      statement = this.#connection.prepare(`${what.select} WHERE ${what.by} = ?`);
      statement.setReturnArrays(true);
      this.#lookUps.set(what, statement);
    }
    return statement;
  }

  #prepare(text: string): Prepared {
    let prepared = this.#statements.get(text);
    if (prepared === undefined) {
      const statement = numbered(text, "?");
      prepared = { statement: this.#connection.prepare(statement.text), names: statement.names };
      this.#statements.set(text, prepared);
    }
    return prepared;
  }

  #ours<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFailure(error, this.#path);
    }
  }
}

/** Which file a path leads to; empty where it leads to none, as for a database in memory. */
export function fileAt(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return "";
  }
}

/**
 * Does `work`, and does it again while another process holds the file, with pauses in between.
 *
 * @param patienceMs how long in all, milliseconds
 * @throws what `work` threw last
 */
export async function retryWhileBusy<T>(patienceMs: number, work: () => T | Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
