import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { SqliteConnection, retryWhileBusy } from "./connection.ts";
import { fileMoved } from "./failure.ts";
import { makePrivate } from "./file.ts";
import { unsigned } from "../audit-store.ts";
import type { AuditHead, RecordOf } from "../audit-store.ts";
import { insertList, rowReader, valuesWriter } from "../sql/column.ts";
import { storeNotOpen } from "../sql/failure.ts";
import { auditColumns } from "../sql/tables.ts";
import type { Database, LookUp, SqlRow, SqlValues, Transaction } from "../sql/sql.ts";

const { seq: seqColumn, link: linkColumn } = auditColumns;
const readEnd = rowReader<AuditHead>({ seq: seqColumn, link: linkColumn });
const auditValues = valuesWriter(auditColumns);
const selectHead = "SELECT seq, link FROM audit_head LIMIT 1";
const selectLast = "SELECT seq, link FROM audit ORDER BY seq DESC LIMIT 1";
// Only a release may be there already. A row that has our number must not pass for ours.
const insertRecord = `INSERT INTO audit ${insertList(auditColumns)}
  ON CONFLICT (grant_id, caller, generation, detail) WHERE action = 'token.released' DO NOTHING`;
const setHead = `INSERT INTO audit_head (seq, link) VALUES (:seq, :link)
  ON CONFLICT (only_row) DO UPDATE SET seq = EXCLUDED.seq, link = EXCLUDED.link`;

/** What a transaction noted, and who did it. */
type Noted = Parameters<Transaction["note"]>;

/** The connections of a database that is open. */
interface Open {
  readonly clock: Clock;
  readonly writer: SqliteConnection;
  /** The writer itself where the database is in memory. */
  readonly reader: SqliteConnection;
}

/**
 * A SQLite file: one connection that writes, and one that reads and never waits for the first.
 * Transactions of this process run one after the other, so that none is interleaved with another.
 */
export class SqliteDatabase implements Database {
  readonly #path: string;
  readonly #patienceMs: number;
  #open: Open | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #recordOf: RecordOf = unsigned;

  /** @param patienceMs how long to wait while other processes hold the file's lock, milliseconds */
  constructor(path: string, patienceMs: number) {
    this.#path = path;
    this.#patienceMs = patienceMs;
  }

  async open(clock: Clock): Promise<void> {
    if (this.#path !== ":memory:") makePrivate(this.#path);
    const writer = new SqliteConnection(this.#path, { readOnly: false });
    try {
      // The write-ahead log lets readers go on during a write. Full synchronisation makes a commit survive a crash.
      // With a memory map, a failing disk would end the process by a signal instead of giving an error.
      await retryWhileBusy(this.#patienceMs, () => writer.script("PRAGMA journal_mode = WAL"));
      await retryWhileBusy(this.#patienceMs, () =>
        writer.script("PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON"),
      );
      const reader = this.#path === ":memory:" ? writer : new SqliteConnection(this.#path, { readOnly: true });
      this.#open = { clock, writer, reader };
    } catch (error) {
      writer.close();
      throw error;
    }
  }

  recordWith(recordOf: RecordOf, isFallback = false): void {
    if (isFallback && this.#recordOf !== unsigned) return;
    this.#recordOf = recordOf;
  }

  async now(): Promise<number> {
    return this.#opened().clock.now();
  }

  async all(text: string, values?: SqlValues): Promise<SqlRow[]> {
    const { reader, writer } = this.#opened();
    // An in-memory database has one connection: reading now could show half of a transaction.
    if (reader === writer) await this.#queue;
    return retryWhileBusy(this.#patienceMs, () => reader.all(text, values));
  }

  async lookUp({ select, by }: LookUp, value: string | Uint8Array): Promise<SqlRow[]> {
    return this.all(`${select} WHERE ${by} = :value`, { value });
  }

  async transaction<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    const { writer, clock } = this.#opened();
    const outcome = this.#queue.then(() => this.#transact(writer, clock, body));
    this.#queue = outcome.catch(() => undefined);
    return outcome;
  }

  /** Takes nothing new, waits for the transactions under way, then closes both connections. */
  async close(): Promise<void> {
    const closing = this.#open;
    this.#open = undefined;
    await this.#queue;
    if (closing === undefined) return;
    if (closing.reader !== closing.writer) closing.reader.close();
    // The writer last: only a connection that may write can move the rest of the log into the file.
    closing.writer.close();
  }

  /**
   * @throws {OnbehalfError} `store_unavailable`: the path leads to another file than the one that is open, or to none.
   *   Reading would go on, and nobody would hear of it before the next write
   */
  assertInPlace(): void {
    if (!this.#opened().writer.isInPlace) throw fileMoved(this.#path);
  }

  #opened(): Open {
    if (this.#open === undefined) throw storeNotOpen();
    return this.#open;
  }

  async #transact<T>(writer: SqliteConnection, clock: Clock, body: (sql: Transaction) => Promise<T>): Promise<T> {
    if (!writer.isInPlace) throw fileMoved(this.#path);
    // A deferred transaction that reads first and writes later fails at once (SQLITE_BUSY_SNAPSHOT, 517), and no
    // waiting would help.
    await retryWhileBusy(this.#patienceMs, () => writer.script("BEGIN IMMEDIATE"));
    const noted: Noted[] = [];
    try {
      const all = async (text: string, values?: SqlValues): Promise<SqlRow[]> => writer.all(text, values);
      const result = await body({
        all,
        // There is no other writer while this transaction runs.
        lock: all,
        run: async (text, values) => writer.run(text, values),
        note: (...entry) => void noted.push(entry),
        script: async (text) => writer.script(text),
        now: async () => clock.now(),
      });
      if (noted.length > 0) append(writer, noted, this.#recordOf);
      await retryWhileBusy(this.#patienceMs, () => writer.script("COMMIT"));
      return result;
    } catch (error) {
      writer.rollBack();
      throw error;
    }
  }
}

/** Numbers and links rows, and adds them. There is no other writer while a transaction runs. */
function append(writer: SqliteConnection, noted: readonly Noted[], recordOf: RecordOf): void {
  const ends = [selectHead, selectLast].flatMap((text) => writer.all(text)).map(readEnd);
  // Where the head was changed by hand, the log goes on after its last row, and its check finds the place.
  let last = ends.reduce((one, other) => (other.seq >= one.seq ? other : one), { seq: 0, link: new Uint8Array() });
  for (const [entry, principal] of noted) {
    const record = recordOf(entry, last, principal);
    if (record === undefined) continue;
    const seq = last.seq + 1;
    const link = createHash("sha256").update(last.link).update(String(seq)).update(record.mac).digest();
    if (writer.run(insertRecord, auditValues({ ...record, seq, link })) === 1) last = { seq, link };
  }
  writer.run(setHead, { seq: last.seq, link: last.link });
}
