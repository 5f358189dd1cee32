/** What a column may hold, in every database. Truth is 0 or 1. */
export type SqlValue = string | number | Uint8Array | null;

export type SqlRow = Record<string, SqlValue>;

/** Runs statements with `?` placeholders. The statements are the same for every database. */
export interface Sql {
  all(text: string, ...values: SqlValue[]): Promise<SqlRow[]>;
  /** Returns how many rows changed. */
  run(text: string, ...values: SqlValue[]): Promise<number>;
  /** The time that leases go by, milliseconds: the database's own where it has one. */
  now(): Promise<number>;
}

/** A database: single statements, and transactions that see and block each other as if they ran one by one. */
export interface Database extends Sql {
  transaction<T>(body: (sql: Sql) => Promise<T>): Promise<T>;
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
    return this.#expect(name, "object") as Uint8Array | null;
  }

  #expect(name: string, type: string): SqlValue {
    const value = this.#row[name];
    if (value === undefined || (value !== null && typeof value !== type)) {
      throw new TypeError(`column ${name} is not the ${type} that the schema promises`);
    }
    return value;
  }

  #as<T>(name: string, value: T | null): T {
    if (value === null) throw new TypeError(`column ${name} is null`);
    return value;
  }
}
