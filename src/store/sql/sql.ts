import type { AuditPrincipal, AuditEntry, RecordOf } from "../audit-store.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";

/** What a column may hold, in every database. Truth is 1 or 0. */
export type SqlValue = string | number | Uint8Array | null;

export type SqlRow = Record<string, SqlValue>;

/** A statement's values by the names of its parameters: `:grantId` in the text takes `grantId`. Order means nothing. */
export type SqlValues = Readonly<Record<string, SqlValue>>;

/** Reads. The statements are the same for every database; parameters are written `:grantId`, as often as needed. */
export interface Sql {
  /** @throws {TypeError} a parameter has no value, or a value no parameter */
  all(text: string, values?: SqlValues): Promise<SqlRow[]>;
  /** The time that attempts are measured by, milliseconds since the epoch: the database's own where it has one. */
  now(): Promise<number>;
}

/** A statement that finds rows by the value of one of their columns, without the condition itself, and how to read them. */
export interface LookUp<Row> {
  /** Up to `WHERE`. The column that rows are found by is among those that it selects. */
  readonly select: string;
  readonly by: string;
  /** Whether no two rows have the same value there. */
  readonly isUnique?: boolean;
  /** The type of its values, as PostgreSQL calls it. */
  readonly kind: "text" | "bytea";
  readonly read: (row: SqlRow) => Row;
  /** Reads a row that came as a list, in the order of the statement's columns. */
  readonly readList: (values: readonly SqlValue[]) => Row;
}

/** A type as PostgreSQL calls it. */
export type ParameterType = "text" | "bigint" | "bytea";

/** What a database must know of a statement to run it for many. */
export interface ForMany {
  /** The parameter that tells whose rows are whose: the statement touches only rows that have this value. */
  readonly key: string;
  /** The column that holds it. */
  readonly column: string;
  /** The type of each parameter. */
  readonly types: Readonly<Record<string, ParameterType>>;
}

/**
 * What is done with one row that is locked first. A database with round trips does both in one.
 *
 * `:now` in the change is the time that attempts are measured by, and is not among the values.
 */
export interface LockedChange extends ForMany {
  /** `SELECT … FROM … WHERE …`: the row, by its key, and what else must be so. The key's column is among those that it selects. */
  readonly lock: string;
  /** `UPDATE … WHERE …` of the same row, or `INSERT … VALUES (…)`, with the key in a column of the same name. */
  readonly change: string;
}

/** What came of a {@link LockedChange}. */
export interface Changed {
  /** The row that was locked, as it was before. */
  readonly before: SqlRow;
  /**
   * Whether the change found something to do. On PostgreSQL it may find nothing where another transaction has just made the row
   * such that it would: what must not be missed is run once more, now that the row is locked.
   */
  readonly isChanged: boolean;
}

/**
 * One transaction: durable when it ends well, undone as a whole when it does not. It may share its commit with others, which
 * see what it has written and are seen by it, in the order in which they were asked for.
 */
export interface Transaction extends Sql {
  /** Returns how many rows changed. */
  run(text: string, values?: SqlValues): Promise<number>;
  /** Runs a statement after which the body asks nothing more. It may be sent with the commit, which fails where it does. */
  runLast(text: string, values?: SqlValues): Promise<void>;
  /**
   * Like {@link Sql.all}, and nobody else changes these rows before this transaction ends. What is asked at the same moment, after
   * it, is run once they are locked.
   */
  lock(text: string, values?: SqlValues): Promise<SqlRow[]>;
  /**
   * Locks a row, as {@link Transaction.lock} does, and changes it.
   *
   * @returns undefined where there is no such row, and nothing was done
   */
  lockAndChange(what: LockedChange, values: SqlValues): Promise<Changed | undefined>;
  /**
   * Adds a row to the audit log at the end of this transaction, after all that has been noted before.
   *
   * @param principal who did it; by default whoever the work that is under way is for
   */
  note(entry: AuditEntry, principal?: AuditPrincipal): void;
  /** Runs a file of statements without values. For migrations. */
  script(text: string): Promise<void>;
}

/**
 * A database. Others may write between two statements of a transaction (SQLite lets nobody, PostgreSQL does), so
 * whatever a transaction decides by must be held by the deciding statement itself: a condition in `WHERE`, a key with
 * `ON CONFLICT DO NOTHING`, or {@link Transaction.lock}. Rows are locked in one order, the grant's before its attempt's.
 */
export interface Database extends Sql {
  /** From now on, what is noted is recorded by this. */
  recordWith(recordOf: RecordOf, isFallback?: boolean): void;
  /** Whether a read costs no round trip, so that it is worth while before a transaction that may have nothing to do. */
  readonly readsAtOnce?: boolean;
  /**
   * Reads the rows with this value: at once where that is done in this thread. What is looked up at the same moment may share
   * one statement.
   */
  lookUp<Row>(what: LookUp<Row>, value: string | Uint8Array): MaybePromise<Row[]>;
  /**
   * Begins, runs `body`, commits. Whatever `body` throws undoes all of it and is thrown on.
   *
   * @param body waits for nothing but the statements of its transaction, or it would hold up everybody's: SQLite then
   *   refuses it. It may be run again from its beginning, after all that it wrote was undone, because it shared a commit
   *   that failed for a neighbour's sake: what it changes outside the database must come to the same when it is done twice
   * @param keys names what the body may change. Bodies that have no key in common change no row in common; PostgreSQL then
   *   lets their statements alternate in one transaction. Such a body locks, by {@link Transaction.lock} or {@link Transaction.lockAndChange}, one row at a time
   */
  transaction<T>(body: (sql: Transaction) => Promise<T>, keys?: readonly string[]): Promise<T>;
  /**
   * A transaction of one statement, which is committed whatever the statement finds: on PostgreSQL it takes one round trip.
   *
   * @param text may be run twice, where a connection is lost before it has answered: the second time it must do no harm
   * @param keys as those of {@link Database.transaction}
   * @returns how many rows it changed; where it was run twice, the second time
   */
  runOnce(text: string, values: SqlValues, keys: readonly string[]): Promise<number>;
  /**
   * {@link Transaction.lockAndChange} as a transaction of its own, under the same conditions as {@link Database.runOnce}.
   *
   * @returns undefined where no such row was found: there is none, or another transaction holds it, for whose end it may not have waited.
   *   Then nothing was done
   */
  changeOnce(what: LockedChange, values: SqlValues, keys: readonly string[]): Promise<Changed | undefined>;
}
