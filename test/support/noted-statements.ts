import pg from "pg";
import { Batch } from "../../src/store/postgres/batch.ts";
import { SqliteConnection } from "../../src/store/sqlite/connection.ts";
import type { LookUp, SqlRow, SqlValues } from "../../src/store/sql/sql.ts";

/** A statement as a store wrote it, and the values that it gave. */
export interface NotedStatement {
  readonly text: string;
  readonly values: SqlValues;
}

/** A statement as it went to PostgreSQL. */
export interface SentStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Notes every statement that any SQLite store of this process runs from now on. */
export function noteSqlite(): readonly NotedStatement[] {
  const noted: NotedStatement[] = [];
  for (const method of ["all", "run"] as const) {
    const original = SqliteConnection.prototype[method] as (text: string, values?: SqlValues) => SqlRow[] & number;
    SqliteConnection.prototype[method] = function note(this: SqliteConnection, text, values = {}) {
      noted.push({ text, values });
      return original.call(this, text, values);
    };
  }
  // eslint-disable-next-line typescript/unbound-method -- called with its connection below
  const { lookUp } = SqliteConnection.prototype;
  SqliteConnection.prototype.lookUp = function note<Row>(
    this: SqliteConnection,
    what: LookUp<Row>,
    value: string | Uint8Array,
  ) {
    noted.push({ text: `${what.select} WHERE ${what.by} = :value`, values: { value } });
    return lookUp.call(this, what, value) as Row[];
  };
  return noted;
}

/** Notes every statement that any client of PostgreSQL in this process sends from now on. */
export function notePostgres(): readonly SentStatement[] {
  const noted: SentStatement[] = [];
  // eslint-disable-next-line typescript/unbound-method -- called with its client below
  const original = pg.Client.prototype.query as (...args: unknown[]) => unknown;
  pg.Client.prototype.query = function note(this: pg.Client, ...args: unknown[]) {
    const [query] = args;
    if (typeof query === "string") noted.push({ text: query, values: [] });
    else if (query instanceof Batch) noted.push(...query.statements);
    else if (isSent(query)) noted.push({ text: query.text, values: query.values ?? [] });
    return original.apply(this, args);
  } as typeof pg.Client.prototype.query;
  return noted;
}

function isSent(query: unknown): query is { readonly text: string; readonly values?: readonly unknown[] } {
  return typeof query === "object" && query !== null && "text" in query && typeof query.text === "string";
}
