import type { PoolClient, QueryResult } from "pg";
import { isLost, postgresFailure } from "./failure.ts";
import { number } from "../sql/column.ts";
import { inOrder, numbered } from "../sql/column.ts";
import type { NumberedStatement } from "../sql/column.ts";
import type { SqlRow, SqlValue, SqlValues, Transaction } from "../sql/sql.ts";

/** A connection borrowed from the pool. Throws our errors, see {@link postgresFailure}. */
export class PostgresConnection {
  readonly #client: PoolClient;
  readonly #location: string;
  #lost = false;

  constructor(client: PoolClient, location: string) {
    this.#client = client;
    this.#location = location;
    // `pg` emits an error when a connection is lost between two statements. Without a listener, it ends the process.
    client.on("error", this.#lose);
  }

  /** Whether it is gone, and another one may well work. */
  get lost(): boolean {
    return this.#lost;
  }

  async all(text: string, values?: SqlValues): Promise<SqlRow[]> {
    return (await this.#query(text, values)).rows;
  }

  /**
   * Runs statements without values.
   *
   * @returns the command that the last one was, such as `COMMIT`
   */
  async script(text: string): Promise<string> {
    const results: QueryResult | QueryResult[] = await this.#try(() => this.#client.query(text));
    return (Array.isArray(results) ? results.at(-1) : results)?.command ?? "";
  }

  /** @param noted what the transaction notes for the audit log is put here */
  transaction(noted: Parameters<Transaction["note"]>[]): Transaction {
    const all = (text: string, values?: SqlValues): Promise<SqlRow[]> => this.all(text, values);
    return {
      all,
      // The lock that an update takes, and no stronger one: others can still add rows that refer to this one.
      lock: (text, values) => all(`${text} FOR NO KEY UPDATE`, values),
      run: async (text, values) => (await this.#query(text, values)).rowCount ?? 0,
      note: (...entry) => void noted.push(entry),
      script: async (text) => void (await this.script(text)),
      now: async () => timeIn(await all(nowText)),
    };
  }

  /** An answer that no server gives. The connection is not used again. */
  nonsense(what: string): unknown {
    this.#lose();
    return postgresFailure(new Error(`this is not PostgreSQL's protocol: ${what}`), this.#location);
  }

  /**
   * Hands it back to the pool.
   *
   * @param failed whether the work on it ended in an error: whatever was begun on it is undone first
   */
  async release(failed: boolean): Promise<void> {
    if (failed && !this.#lost) await this.script("ROLLBACK").catch(this.#lose);
    this.#client.off("error", this.#lose);
    this.#client.release(this.#lost);
  }

  readonly #lose = (): void => {
    this.#lost = true;
  };

  async #query(text: string, values: SqlValues = {}): Promise<QueryResult<SqlRow>> {
    // Bound first: a statement that lacks a value is a bug, and no database that is away.
    const statement = bound(text, values);
    return this.#try(() => this.#client.query<SqlRow>(statement));
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isLost(error)) this.#lose();
      throw postgresFailure(error, this.#location);
    }
  }
}

/** The database's own time, in milliseconds since the epoch; see {@link timeIn}. */
export const nowText = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

const now = number("now");

export function timeIn([row]: SqlRow[]): number {
  return now.read(row ?? {});
}

const statements = new Map<string, NumberedStatement>();

/**
 * A statement and its values as `pg` takes them.
 *
 * @throws {TypeError} a parameter has no value, or a value no parameter
 */
export function bound(text: string, values: SqlValues): { text: string; values: SqlValue[] } {
  let statement = statements.get(text);
  if (statement === undefined) {
    statement = numbered(text, "$");
    statements.set(text, statement);
  }
  return { text: statement.text, values: inOrder(values, statement.names).map(storable) };
}

/** PostgreSQL's text cannot hold NUL, and one in a provider's error must not keep an answer from being stored. */
function storable(value: SqlValue): SqlValue {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
}
