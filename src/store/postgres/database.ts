import type { Pool } from "pg";
import { PostgresConnection, nowText, timeIn } from "./connection.ts";
import { postgresFailure } from "./failure.ts";
import { unsigned } from "../audit-store.ts";
import type { AuditHead, AuditRecord, RecordOf } from "../audit-store.ts";
import { rowReader } from "../sql/column.ts";
import { auditColumns } from "../sql/tables.ts";
import { storeNotOpen } from "../sql/failure.ts";
import type { Database, LookUp, SqlRow, SqlValues, Transaction } from "../sql/sql.ts";
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
const begin = beginWith({ standstillMs: 5_000, lockMs: 7_000, statementMs: 10_000 });
/** A migration may take long, and all processes that start together wait for the one that does it. */
const beginMigration = beginWith({ standstillMs: 60_000, lockMs: 600_000, statementMs: 600_000 });

const { seq: seqColumn, link: linkColumn } = auditColumns;
const readEnd = rowReader<AuditHead>({ seq: seqColumn, link: linkColumn });
/** Without a lock: others may add rows until the commit, and the anchor is then a few rows earlier. */
const selectHead = "SELECT seq, link FROM audit_head LIMIT 1";

/**
 * All rows in one round trip. The database numbers and links them at the commit (`link_audit`). Only a release may be
 * there already.
 */
const appendRecords = `INSERT INTO audit
    (record_id, at, caller, action, grant_id, generation, outcome, detail, request_id, session_id, anchor, mac)
  SELECT record_id, at, caller, action, grant_id, generation, outcome, detail, request_id, session_id, anchor, decode(mac, 'hex')
  FROM jsonb_to_recordset(:records::jsonb) AS added (record_id TEXT, at BIGINT, caller TEXT, action TEXT, grant_id TEXT,
    generation BIGINT, outcome TEXT, detail TEXT, request_id TEXT, session_id TEXT, anchor BIGINT, mac TEXT)
  ON CONFLICT (grant_id, caller, generation, detail) WHERE action = 'token.released' DO NOTHING`;

/** Any fixed number: the process that migrates holds the advisory lock with this key. */
const migrationLock = 7_312_604_199;
/** A connection that was dead from the start fails within this time, milliseconds. */
const deadOnArrivalMs = 1_000;

/** A PostgreSQL database, through a small pool of connections. */
export class PostgresDatabase implements Database {
  readonly #location: string;
  readonly #lookUps = new LookUps((text, values) => this.all(text, values));
  #pool: Pool | undefined;
  #recordOf: RecordOf = unsigned;

  /** @param location where the database is, for messages */
  constructor(location: string) {
    this.#location = location;
  }

  /** From now on it works on connections of this pool. */
  open(pool: Pool): void {
    this.#pool = pool;
  }

  recordWith(recordOf: RecordOf, isFallback = false): void {
    if (isFallback && this.#recordOf !== unsigned) return;
    this.#recordOf = recordOf;
  }

  async now(): Promise<number> {
    return timeIn(await this.all(nowText));
  }

  all(text: string, values?: SqlValues): Promise<SqlRow[]> {
    return this.#onConnection(
      (connection) => connection.all(text, values),
      () => true,
    );
  }

  lookUp(what: LookUp, value: string | Uint8Array): Promise<SqlRow[]> {
    return this.#lookUps.find(what, value);
  }

  transaction<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.#transact(begin, body);
  }

  /** A transaction that no other migration runs beside. */
  migration<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.#transact(beginMigration, async (sql) => {
      await sql.all("SELECT pg_advisory_xact_lock(:migrationLock)", { migrationLock });
      return body(sql);
    });
  }

  async close(): Promise<void> {
    const closing = this.#pool;
    this.#pool = undefined;
    await closing?.end();
  }

  #transact<T>(opening: string, body: (sql: Transaction) => Promise<T>): Promise<T> {
    let begun = false;
    return this.#onConnection(
      async (connection) => {
        await connection.script(opening);
        begun = true;
        const noted: Parameters<Transaction["note"]>[] = [];
        const result = await body(connection.transaction(noted));
        // Last, so that a transaction has all its other locks by the time that it is numbered.
        if (noted.length > 0) await append(connection, noted, this.#recordOf);
        const command = await connection.script("COMMIT");
        if (command === "COMMIT") return result;
        // PostgreSQL answers the COMMIT of a failed transaction with a friendly ROLLBACK.
        if (command === "ROLLBACK") throw new TypeError("a transaction went on after a statement had failed");
        throw connection.nonsense(`COMMIT was answered by ${command}`);
      },
      // Once it has begun, only the caller knows whether it may be done twice.
      () => !begun,
    );
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
      return new PostgresConnection(await this.#pool.connect(), this.#location);
    } catch (error) {
      throw postgresFailure(error, this.#location, "connection");
    }
  }
}

function beginWith(limits: { standstillMs: number; lockMs: number; statementMs: number }): string {
  return `BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL idle_in_transaction_session_timeout = ${limits.standstillMs};
    SET LOCAL lock_timeout = ${limits.lockMs};
    SET LOCAL statement_timeout = ${limits.statementMs};
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`;
}

async function append(
  connection: PostgresConnection,
  noted: readonly Parameters<Transaction["note"]>[],
  recordOf: RecordOf,
): Promise<void> {
  const [head] = await connection.all(selectHead);
  const anchor = head === undefined ? { seq: 0, link: new Uint8Array() } : readEnd(head);
  const records = noted.flatMap(([entry, principal]) => recordOf(entry, anchor, principal) ?? []);
  if (records.length > 0) await connection.all(appendRecords, { records: jsonOf(records) });
}

function jsonOf(records: readonly AuditRecord[]): string {
  return JSON.stringify(
    records.map(
      ({ recordId, at, caller, action, grantId, generation, outcome, detail, requestId, sessionId, anchor, mac }) => ({
        record_id: recordId,
        at,
        caller,
        action,
        generation,
        outcome,
        detail,
        grant_id: grantId,
        request_id: requestId,
        session_id: sessionId,
        anchor,
        mac: Buffer.from(mac).toString("hex"),
      }),
    ),
  );
}
