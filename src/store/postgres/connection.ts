import type { PoolClient, QueryResult } from "pg";
import { isLost, postgresFailure } from "./failure.ts";
import { Columns } from "../sql/sql.ts";
import type { SqlRow, SqlValue, Transaction } from "../sql/sql.ts";

/** A connection borrowed from the pool. Failures are ours, see {@link postgresFailure}. */
export class PostgresConnection {
  readonly #client: PoolClient;
  readonly #location: string;
  #lost = false;

  constructor(client: PoolClient, location: string) {
    this.#client = client;
    this.#location = location;
    // A connection that is lost between two statements says so by an event, which ends the process if nobody listens.
    client.on("error", this.#lose);
  }

  /** Whether it is gone, and another one may well work. */
  get lost(): boolean {
    return this.#lost;
  }

  async all(text: string, values: readonly SqlValue[]): Promise<SqlRow[]> {
    return (await this.#query(text, values)).rows;
  }

  /** Runs a text of statements without values; returns what the last one was. */
  async script(text: string): Promise<string> {
    const results: QueryResult | QueryResult[] = await this.#try(() => this.#client.query(text));
    return (Array.isArray(results) ? results.at(-1) : results)?.command ?? "";
  }

  transaction(): Transaction {
    const all = (text: string, ...values: SqlValue[]): Promise<SqlRow[]> => this.all(text, values);
    return {
      all,
      // As strong as an update of the row, and no stronger: rows that refer to it can still be added.
      lock: (text, ...values) => all(`${text} FOR NO KEY UPDATE`, ...values),
      run: async (text, ...values) => (await this.#query(text, values)).rowCount ?? 0,
      script: async (text) => void (await this.script(text)),
      now: async () => timeIn(await all(nowText)),
    };
  }

  /** Hands it back; after a failure without whatever was begun on it. */
  async giveBack(failed: boolean): Promise<void> {
    if (failed && !this.#lost) await this.script("ROLLBACK").catch(this.#lose);
    this.#client.off("error", this.#lose);
    this.#client.release(this.#lost);
  }

  readonly #lose = (): void => {
    this.#lost = true;
  };

  #query(text: string, values: readonly SqlValue[]): Promise<QueryResult<SqlRow>> {
    return this.#try(() => this.#client.query<SqlRow>(numbered(text), values.map(storable)));
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

/** The database's own time, in milliseconds; see {@link timeIn}. */
export const nowText = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

export function timeIn([row]: SqlRow[]): number {
  return new Columns(row ?? {}).number("now");
}

/** PostgreSQL's text cannot hold NUL, and one in a provider's error must not keep an answer from being stored. */
function storable(value: SqlValue): SqlValue {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
}

const texts = new Map<string, string>();

/** `?` as `$1`, `$2` and so on. A `?` has no other meaning in our statements. */
function numbered(text: string): string {
  let rewritten = texts.get(text);
  if (rewritten === undefined) {
    let count = 0;
    rewritten = text.replaceAll("?", () => `$${++count}`);
    texts.set(text, rewritten);
  }
  return rewritten;
}
