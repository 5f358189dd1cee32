import { AsyncLocalStorage } from "node:async_hooks";
import type { Pool } from "pg";
import { PostgresConnection, nowText, timeIn } from "./connection.ts";
import type { Naming } from "./connection.ts";
import type { Answer } from "./batch.ts";
import { boundChange, changedIn } from "./locked-change.ts";
import { postgresFailure } from "./failure.ts";
import { Gatherer } from "./gatherer.ts";
import { connectMs } from "./options.ts";
import { bound } from "./statements.ts";
import type { Statement } from "./statements.ts";
import { PostgresTransaction, openingWith } from "./transaction.ts";
import type { TransactionKind, Work } from "./transaction.ts";
import { unsigned } from "../audit-store.ts";
import type { RecordOf } from "../audit-store.ts";
import { storeNotOpen } from "../sql/failure.ts";
import type { Changed, Database, LockedChange, LookUp, SqlRow, SqlValues, Transaction } from "../sql/sql.ts";
import { LookUps } from "./look-ups.ts";

/**
 * How a transaction begins.
 *
 * - It sets its limits for itself and not for the connection, which a pooler would hand on to others.
 * - The server ends a transaction that stands still before others give up waiting for its locks, so that a paused
 *   process holds up nobody for long.
 * - Its commit is on disk when it returns, also where the database's default is an asynchronous commit: a refresh token
 *   must not be spent on an attempt that a crash can undo.
 */
const alone: TransactionKind = {
  opening: openingWith({ standstillMs: 5_000, lockMs: 7_000, statementMs: 10_000, hasHead: false, isByKey: false }),
  isShared: false,
};
/** Its bodies give way soon: whoever waits for a lock here keeps all the others waiting. */
const shared: TransactionKind = {
  opening: openingWith({ standstillMs: 5_000, lockMs: 1_000, statementMs: 10_000, hasHead: true, isByKey: true }),
  isShared: true,
};
/** A migration may take long, and all processes that start together wait for the one that does it. */
const migrating: TransactionKind = {
  opening: openingWith({ standstillMs: 60_000, lockMs: 600_000, statementMs: 600_000, hasHead: false, isByKey: false }),
  isShared: false,
};

/** Any fixed number: the process that migrates holds the advisory lock with this key. */
const migrationLock = 7_312_604_199;
/** A connection that was dead from the start fails within this time, milliseconds. */
const deadOnArrivalMs = 1_000;
/**
 * How many transactions of several bodies run at once. While one is quick, the next one waits for it and grows; where one is
 * slow, as while the disk is, another one begins beside it. A third would only take from their size.
 */
const groupsAtOnce = 2;
/** How long one counts as quick, milliseconds: a disk that is fast has flushed it by then. */
const quickMs = 20;
/** A transaction holds the locks of all its bodies until its last one is done. */
const bodiesInGroup = 64;
/** A read that takes long holds up those that were sent after it. */
const readsInBatch = 16;
/** Another connection for so few costs more than it saves, and would be closed and made anew while nothing else goes on. */
const readsTogether = 4;

/** A transaction of one statement. */
interface Once {
  readonly statement: Statement;
  /** What its answer comes to. */
  readonly read: (answer: Answer) => unknown;
}

/** A body that waits for a transaction. */
interface Member {
  readonly keys: readonly string[];
  readonly body: (sql: Transaction) => Promise<unknown>;
  /** Where the body is one statement: it is sent with the commit, and the body is not run. */
  readonly once?: Once;
  /** Runs something in the asynchronous context of whoever waits: the audit log says who that is. */
  readonly inContext: <R>(work: () => R) => R;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A read that waits for a connection. */
interface Read {
  readonly statement: Statement;
  readonly resolve: (rows: SqlRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A PostgreSQL database, through a small pool of connections. */
export class PostgresDatabase implements Database {
  readonly #location: string;
  readonly #lookUps = new LookUps((text, values) => this.all(text, values));
  readonly #naming: Naming = { isAllowed: true };
  #pool: Pool | undefined;
  #recordOf: RecordOf = unsigned;
  #members: Gatherer<Member> | undefined;
  #reads: Gatherer<Read> | undefined;

  /** @param location where the database is, for messages */
  constructor(location: string) {
    this.#location = location;
  }

  /** From now on it works on connections of this pool. */
  open(pool: Pool): void {
    const { max } = pool.options;
    const giveUp = ({ reject }: { readonly reject: (error: unknown) => void }): void =>
      reject(postgresFailure(new Error("timeout waiting for a connection"), this.#location, "connection"));
    this.#pool = pool;
    this.#members = new Gatherer<Member>({
      places: Math.min(groupsAtOnce, max),
      besideAfterMs: quickMs,
      most: bodiesInGroup,
      patienceMs: connectMs,
      keysOf: ({ keys }) => keys,
      work: (members) => this.#together(members),
      giveUp,
    });
    this.#reads = new Gatherer<Read>({
      places: Math.ceil(max / 2),
      most: readsInBatch,
      together: readsTogether,
      patienceMs: connectMs,
      keysOf: () => [],
      work: (reads) => this.#readAll(reads),
      giveUp,
    });
  }

  recordWith(recordOf: RecordOf, isFallback = false): void {
    if (isFallback && this.#recordOf !== unsigned) return;
    this.#recordOf = recordOf;
  }

  async now(): Promise<number> {
    return timeIn(await this.all(nowText));
  }

  all(text: string, values: SqlValues = {}): Promise<SqlRow[]> {
    return new Promise((resolve, reject) => {
      if (this.#reads === undefined) throw storeNotOpen();
      this.#reads.add({ statement: bound(text, values), resolve, reject });
    });
  }

  lookUp<Row>(what: LookUp<Row>, value: string | Uint8Array): Promise<Row[]> {
    return this.#lookUps.find(what, value);
  }

  transaction<T>(body: (sql: Transaction) => Promise<T>, keys?: readonly string[]): Promise<T> {
    return keys === undefined ? this.#alone(alone, body) : this.#shared({ keys, body });
  }

  async runOnce(text: string, values: SqlValues, keys: readonly string[]): Promise<number> {
    const once = { statement: bound(text, values), read: ({ count }: Answer) => count };
    return this.#shared({ keys, body: (sql) => sql.run(text, values), once });
  }

  async changeOnce(what: LockedChange, values: SqlValues, keys: readonly string[]): Promise<Changed | undefined> {
    const once = { statement: boundChange(what, values, true), read: changedIn };
    return this.#shared({ keys, body: (sql) => sql.lockAndChange(what, values), once });
  }

  /** A transaction that no other migration runs beside. */
  migration<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.#alone(migrating, async (sql) => {
      await sql.all("SELECT pg_advisory_xact_lock(:migrationLock)", { migrationLock });
      return body(sql);
    });
  }

  async close(): Promise<void> {
    const closing = this.#pool;
    this.#pool = undefined;
    this.#members = undefined;
    this.#reads = undefined;
    await closing?.end();
  }

  /** Waits for a transaction that others are in as well. */
  #shared<T>(asked: Pick<Member, "keys" | "once"> & { readonly body: (sql: Transaction) => Promise<T> }): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#members === undefined) throw storeNotOpen();
      const inContext = AsyncLocalStorage.snapshot();
      this.#members.add({ ...asked, inContext, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** A transaction of its own for one body. */
  #alone<T>(kind: TransactionKind, body: (sql: Transaction) => Promise<T>): Promise<T> {
    let transaction: PostgresTransaction | undefined;
    return this.#onConnection(
      async (connection) => {
        transaction = new PostgresTransaction(connection, kind, this.#recordOf);
        const work = await transaction.work(body);
        if ("error" in work) throw work.error;
        await transaction.commit([work]);
        return work.value;
      },
      // Once it has begun, only the caller knows whether it may be done twice.
      () => transaction?.isBegun !== true,
    );
  }

  /**
   * One transaction for several bodies. What was not committed for a reason that one of them has brought about is done
   * again, each in a transaction of its own: a failure of one is none of the others.
   */
  async #together(members: readonly Member[]): Promise<void> {
    let transaction: PostgresTransaction | undefined;
    let left = members;
    try {
      left = await this.#onConnection(
        async (connection) => {
          transaction = new PostgresTransaction(connection, shared, this.#recordOf, members.length);
          return this.#commitTogether(transaction, connection, members);
        },
        () => transaction?.isBegun !== true,
      );
    } catch (error) {
      // The connection was lost, or there was none. Where the commit was sent, it may have been carried out.
      for (const { reject } of members) reject(error);
      return;
    }
    for (const { body, inContext, resolve, reject } of left) {
      inContext(() => this.#alone(alone, body)).then(resolve, reject);
    }
  }

  /**
   * @returns who must have a transaction of its own
   * @throws {OnbehalfError} `store_unavailable`: the connection was lost
   */
  async #commitTogether(
    transaction: PostgresTransaction,
    connection: PostgresConnection,
    members: readonly Member[],
  ): Promise<readonly Member[]> {
    const works = await Promise.all(
      members.map(async ({ body, once, inContext }) => once?.statement ?? inContext(() => transaction.work(body))),
    );
    const left: Member[] = [];
    const done: Member[] = [];
    const finished: (Work<unknown> | Statement)[] = [];
    let mustUndo = transaction.failure !== undefined;
    works.forEach((work, at) => {
      const member = members[at] as Member;
      if ("error" in work) {
        left.push(member);
        mustUndo ||= work.mayHaveWritten;
      } else {
        done.push(member);
        finished.push(work);
      }
    });
    if (connection.lost) throw transaction.failure;
    if (mustUndo || done.length === 0) return undo(connection, members);
    let values: readonly unknown[];
    try {
      values = await transaction.commit(finished);
    } catch (error) {
      if (connection.lost) throw error;
      return undo(connection, members);
    }
    done.forEach(({ once, resolve }, at) => {
      resolve(once === undefined ? values[at] : once.read(values[at] as Answer));
    });
    return left;
  }

  async #readAll(reads: readonly Read[]): Promise<void> {
    try {
      const answered = await this.#onConnection(
        async (connection) => {
          const { answers, failure } = await connection.send(reads.map(({ statement }) => statement));
          // A failure of one is none of the others: they are read again.
          if (failure !== undefined && (connection.lost || reads.length === 1)) throw failure;
          return answers;
        },
        () => true,
      );
      answered.forEach(({ rows }, at) => reads[at]?.resolve(rows));
      await Promise.all(reads.slice(answered.length).map((read) => this.#readAll([read])));
    } catch (error) {
      for (const { reject } of reads) reject(error);
    }
  }

  /** Works on a connection of the pool. Takes another one where the first was dead already, as after a restart. */
  async #onConnection<T>(work: (connection: PostgresConnection) => Promise<T>, mayRepeat: () => boolean): Promise<T> {
    const started = performance.now();
    for (let tries = 1; ; tries++) {
      const connection = await this.#connect();
      let failed = true;
      try {
        const result = await work(connection);
        failed = false;
        return result;
      } catch (error) {
        const wasDead = tries === 1 && connection.lost && performance.now() - started < deadOnArrivalMs;
        if (!wasDead || !mayRepeat()) throw error;
      } finally {
        await connection.release(failed);
      }
    }
  }

  async #connect(): Promise<PostgresConnection> {
    if (this.#pool === undefined) throw storeNotOpen();
    try {
      return new PostgresConnection(await this.#pool.connect(), this.#location, this.#naming);
    } catch (error) {
      throw postgresFailure(error, this.#location, "connection");
    }
  }
}

async function undo(connection: PostgresConnection, members: readonly Member[]): Promise<readonly Member[]> {
  await connection.rollBack();
  return members;
}
