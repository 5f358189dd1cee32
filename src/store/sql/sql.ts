/** What a column may hold, in every database. Truth is 0 or 1. */
export type SqlValue = string | number | Uint8Array | null;

export type SqlRow = Record<string, SqlValue>;

/** Reads with `?` placeholders. The statements are the same for every database. */
export interface Sql {
  all(text: string, ...values: SqlValue[]): Promise<SqlRow[]>;
  /** The time that leases go by, milliseconds: the database's own where it has one. */
  now(): Promise<number>;
}

/** One transaction: durable when it ends well, undone as a whole when it does not. */
export interface Transaction extends Sql {
  /** Returns how many rows changed. */
  run(text: string, ...values: SqlValue[]): Promise<number>;
  /** Like {@link Sql.all}, and nobody else changes these rows before this transaction ends. */
  lock(text: string, ...values: SqlValue[]): Promise<SqlRow[]>;
  /** Runs a file of statements without values. For migrations. */
  script(text: string): Promise<void>;
}

/**
 * A database. Others may write between two statements of a transaction (SQLite lets nobody, PostgreSQL does), so
 * whatever a transaction decides by must be held by the deciding statement itself: a condition in `WHERE`, a key with
 * `ON CONFLICT DO NOTHING`, or {@link Transaction.lock}. Rows are locked in one order, the grant's before its attempt's.
 */
export interface Database extends Sql {
  transaction<T>(body: (sql: Transaction) => Promise<T>): Promise<T>;
}

/** Columns of a row, read with the type that the schema promises. A wrong one means damage, and says where. */
export class Columns {
  readonly #row: SqlRow;

  constructor(row: SqlRow) {
    this.#row = row;
  }

  text(name: string): string {
    return this.#as(name, this.textOrNull(name));
  }

  textOrNull(name: string): string | null {
    return this.#expect(name, "string") as string | null;
  }

  number(name: string): number {
    return this.#as(name, this.numberOrNull(name));
  }

  numberOrNull(name: string): number | null {
    return this.#expect(name, "number") as number | null;
  }

  bytes(name: string): Uint8Array {
    return this.#as(name, this.bytesOrNull(name));
  }

  bytesOrNull(name: string): Uint8Array | null {
    return this.#expect(name, "bytes") as Uint8Array | null;
  }

  #expect(name: string, type: "string" | "number" | "bytes"): SqlValue {
    const value = this.#row[name];
    const fits = type === "bytes" ? value instanceof Uint8Array : typeof value === type;
    if (value === undefined || (value !== null && !fits)) {
      throw new TypeError(`column ${name} is not the ${type} that the schema promises`);
    }
    return value;
  }

  #as<T>(name: string, value: T | null): T {
    if (value === null) throw new TypeError(`column ${name} is null`);
    return value;
  }
}
