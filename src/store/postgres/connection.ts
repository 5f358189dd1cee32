import type { CustomTypesConfig, PoolClient, QueryResult } from "pg";
import { Batch } from "./batch.ts";
import type { Answer } from "./batch.ts";
import { isLost, isOfOtherSession, postgresFailure } from "./failure.ts";
import { number } from "../sql/column.ts";
import type { SqlRow } from "../sql/sql.ts";
import { StatementNames, bound } from "./statements.ts";
import type { Statement } from "./statements.ts";

/** What came back for several statements. */
export interface Answers {
  /** Of each statement before the one that failed; of all where none did. */
  readonly answers: readonly Answer[];
  /** Why a statement failed, as one of our errors. Those after it were not run. */
  readonly failure?: unknown;
}

/** Whether statements may get names. One for all connections of a database. */
export interface Naming {
  /** Turned off for good where a session has turned out not to be ours alone. */
  isAllowed: boolean;
}

/** The names of each connection's statements, for as long as the connection is there. */
const namesOf = new WeakMap<PoolClient, StatementNames>();

/** The process that serves a connection, as the server itself says. */
const selectPid = bound("SELECT pg_backend_pid() AS pid", {});
const pidColumn = number("pid");

/** A connection borrowed from the pool. Gives our errors, see {@link postgresFailure}. */
export class PostgresConnection {
  readonly #client: PoolClient;
  readonly #location: string;
  readonly #naming: Naming;
  #lost = false;

  constructor(client: PoolClient, location: string, naming: Naming) {
    this.#client = client;
    this.#location = location;
    this.#naming = naming;
    // `pg` emits an error when a connection is lost between two statements. Without a listener, it ends the process.
    client.on("error", this.#lose);
  }

  /** Whether it is gone, and another one may well work. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Runs statements in one round trip, until one fails. */
  async send(statements: readonly Statement[]): Promise<Answers> {
    let names = namesOf.get(this.#client);
    const isFirst = names === undefined;
    if (names === undefined) namesOf.set(this.#client, (names = new StatementNames()));
    if (!this.#naming.isAllowed) names.end();
    const all = isFirst ? [...statements, selectPid] : statements;
    const { error, answers } = await this.#run(all, names);
    if (error !== null) {
      if (isOfOtherSession(error)) this.#naming.isAllowed = false;
      if (isLost(error)) this.#lose();
      return { answers, failure: postgresFailure(error, this.#location) };
    }
    // A pooler hands out process ids of its own, which are not those of the server.
    if (isFirst && pidColumn.read(answers.at(-1)?.rows[0] ?? {}) === processIdOf(this.#client)) names.begin();
    return { answers: isFirst ? answers.slice(0, -1) : answers };
  }

  /** Runs statements in one text, without values. */
  async script(text: string): Promise<void> {
    try {
      await (this.#client.query(text) as Promise<QueryResult | QueryResult[]>);
    } catch (error) {
      if (isLost(error)) this.#lose();
      throw postgresFailure(error, this.#location);
    }
  }

  /** An answer that no server gives. The connection is not used again. */
  nonsense(what: string): unknown {
    this.#lose();
    return postgresFailure(new Error(`this is not PostgreSQL's protocol: ${what}`), this.#location);
  }

  /** Undoes what was begun on it, if anything was. Where that does not work, the connection is not used again. */
  async rollBack(): Promise<void> {
    if (!this.#lost) await this.script("ROLLBACK").catch(this.#lose);
  }

  /**
   * Hands it back to the pool.
   *
   * @param failed whether the work on it ended in an error: whatever was begun on it is undone first
   */
  async release(failed: boolean): Promise<void> {
    if (failed) await this.rollBack();
    this.#client.off("error", this.#lose);
    this.#client.release(this.#lost);
  }

  readonly #lose = (): void => {
    this.#lost = true;
  };

  #run(
    statements: readonly Statement[],
    names: StatementNames,
  ): Promise<{ readonly error: Error | null; readonly answers: readonly Answer[] }> {
    return new Promise((resolve) => {
      const types = this.#client as unknown as CustomTypesConfig;
      this.#client.query(new Batch(statements, names, types, (error, answers = []) => resolve({ error, answers })));
    });
  }
}

function processIdOf(client: PoolClient): number | null | undefined {
  return (client as PoolClient & { readonly processID?: number | null }).processID;
}

/** The database's own time, in milliseconds since the epoch; see {@link timeIn}. */
export const nowExpression = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
export const nowText: string = `SELECT ${nowExpression} AS now`;

const now = number("now");

export function timeIn([row]: readonly SqlRow[]): number {
  return now.read(row ?? {});
}
