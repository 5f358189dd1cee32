/* A SQLite file that is open, and its transactions. How a statement is run does not belong here, nor what a transaction does. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { OnbehalfError } from "../../core/errors.ts";
import { SqliteConnection, openWriter, retryWhileBusy, setUp } from "./connection.ts";
import type { Writer } from "./connection.ts";
import { fileMoved, isBusy } from "./failure.ts";
import { makePrivate } from "./file.ts";
import type { SqliteDatabaseOptions } from "./database-options.ts";
import type { Ending, Member, Note } from "./member.ts";
import { unsigned } from "../audit-store.ts";
import type { AuditHead, AuditRow, RecordOf } from "../audit-store.ts";
import { insertList, rowReader, valuesOfBoth, valuesWriter } from "../sql/column.ts";
import { storeNotOpen } from "../sql/failure.ts";
import { auditColumns } from "../sql/tables.ts";
import type { Changed, Database, LockedChange, LookUp, SqlRow, SqlValues, Transaction } from "../sql/sql.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";

const { seq: seqColumn, link: linkColumn } = auditColumns;
const readEnd = rowReader<AuditHead>({ seq: seqColumn, link: linkColumn });
const auditValues = valuesWriter(auditColumns);
const selectHead = "SELECT seq, link FROM audit_head LIMIT 1";
const selectLast = "SELECT seq, link FROM audit ORDER BY seq DESC LIMIT 1";
// Only a release may be there already. A row that has our number must not pass for ours.
const insertRecord = `INSERT INTO audit ${insertList(auditColumns)}
  ON CONFLICT (grant_id, caller, generation, detail) WHERE action = 'token.released' DO NOTHING`;
// Of a transaction that is not committed, its own rows: those of others are below.
const deleteAfter = "DELETE FROM audit WHERE seq > :seq AND seq <= :last";
const setHead = `INSERT INTO audit_head (seq, link) VALUES (:seq, :link)
  ON CONFLICT (only_row) DO UPDATE SET seq = EXCLUDED.seq, link = EXCLUDED.link`;

/**
 * The most bodies in one group. The disk's part of each is then 3 % of what it would be alone; more would only make the
 * others wait longer, and this thread with them.
 */
const largestGroup = 32;
/** A group that has lasted so long takes no further body, milliseconds: it holds up this thread, and the file. */
const longestGroup = 4;

/** The connections of a database that is open. */
interface Open {
  readonly clock: Clock;
  readonly writer: Writer;
  /** The writer itself where the database is in memory. */
  readonly reader: Pick<Writer, "all" | "close"> & Partial<Pick<SqliteConnection, "lookUp">>;
}

/**
 * A SQLite file: one connection that writes, and one that reads and never waits for the first.
 *
 * Transactions of this process run one after the other, in the order in which they were asked for, so that none is
 * interleaved with another. A commit waits for the disk, and beside that what stands in it costs next to nothing: those that
 * wait when the writer is free are a group, and share one `BEGIN IMMEDIATE` and one `COMMIT`.
 *
 * - Nobody hears of an end before its commit is on the disk: neither a result nor an error, because either may rest on
 *   what a neighbour has written.
 * - A body that throws undoes itself, and its neighbours go on.
 * - Where a group as a whole fails (the disk is full, or a page cannot be read and SQLite undoes everything), each of it is
 *   done once more by itself, and has its own end.
 */
export class SqliteDatabase implements Database {
  readonly readsAtOnce = true;
  readonly runOnce: Database["runOnce"] = (text, values) => this.transaction((sql) => sql.run(text, values));
  readonly changeOnce: Database["changeOnce"] = (what, values) =>
    this.transaction((sql) => sql.lockAndChange(what, values));
  readonly #path: string;
  readonly #patienceMs: number;
  readonly #longestGroupMs: number;
  readonly #openWriter: (path: string) => Writer;
  #open: Open | undefined;
  #stopped: OnbehalfError | undefined;
  #recordOf: RecordOf = unsigned;
  readonly #waiting: Member[] = [];
  /** Goes on while anybody waits. */
  #working: Promise<void> | undefined;
  #group: Promise<void> | undefined;

  constructor(
    path: string,
    { patienceMs, longestGroupMs = longestGroup, openWriter: opening = openWriter }: SqliteDatabaseOptions,
  ) {
    this.#longestGroupMs = longestGroupMs;
    this.#path = path;
    this.#patienceMs = patienceMs;
    this.#openWriter = opening;
  }

  async open(clock: Clock): Promise<void> {
    if (this.#path !== ":memory:") makePrivate(this.#path);
    const writer = this.#openWriter(this.#path);
    this.#stopped = undefined;
    try {
      for (const text of setUp) await retryWhileBusy(this.#patienceMs, () => writer.script(text));
      const reader = this.#path === ":memory:" ? writer : new SqliteConnection(this.#path, { readOnly: true });
      this.#open = { clock, writer, reader };
    } catch (error) {
      await writer.close();
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
    // An in-memory database has one connection: reading now could show half of a group.
    if (reader === writer) await this.#betweenGroups();
    else {
      // Another process holds the file for moments only: most reads are done at the first try, and wait for nothing.
      try {
        return await reader.all(text, values);
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
    }
    return retryWhileBusy(this.#patienceMs, () => reader.all(text, values));
  }

  /** At once, unless another process holds the file just now, or a group is half done in a database in memory. */
  lookUp<Row>(what: LookUp<Row>, value: string | Uint8Array): MaybePromise<Row[]> {
    const { reader, writer } = this.#opened();
    if (reader.lookUp !== undefined && (reader !== writer || this.#group === undefined)) {
      try {
        return reader.lookUp(what, value);
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
    }
    return this.all(`${what.select} WHERE ${what.by} = :value`, { value }).then((rows) => rows.map(what.read));
  }

  /** From now on, until it is opened again, every transaction fails with this error. Reading goes on. */
  stopWriting(error: OnbehalfError): void {
    this.#stopped = error;
  }

  async transaction<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    const open = this.#opened();
    if (this.#stopped !== undefined) throw this.#stopped;
    return new Promise<T>((resolve, reject) => {
      const inContext = AsyncLocalStorage.snapshot();
      this.#waiting.push({ body, inContext, resolve: resolve as (value: unknown) => void, reject, isAlone: false });
      this.#working ??= this.#work(open);
    });
  }

  /**
   * A transaction for migrations. Foreign keys are not looked at in it: to drop a table that is made anew would delete all
   * that refers to its rows.
   */
  async migration<T>(body: (sql: Transaction) => Promise<T>): Promise<T> {
    const { writer } = this.#opened();
    await writer.script("PRAGMA foreign_keys = OFF");
    try {
      return await this.transaction(body);
    } finally {
      await writer.script("PRAGMA foreign_keys = ON");
    }
  }

  /** Writes the file anew without its free pages, and empties its log. Nobody else writes meanwhile. */
  async vacuum(): Promise<void> {
    const { writer } = this.#opened();
    this.assertInPlace();
    await this.#betweenGroups();
    for (const text of ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]) {
      await retryWhileBusy(this.#patienceMs, () => writer.script(text));
    }
  }

  /** Takes nothing new, waits for the transactions under way, then closes both connections. */
  async close(): Promise<void> {
    const closing = this.#open;
    this.#open = undefined;
    await this.#working;
    if (closing === undefined) return;
    if (closing.reader !== closing.writer) await closing.reader.close();
    // The writer last: only a connection that may write can move the rest of the log into the file.
    await closing.writer.close();
  }

  /**
   * @throws {OnbehalfError} `store_unavailable`: the path leads to another file than the one that is open, or to none.
   *   Reading would go on, and nobody would hear of it before the next write
   */
  assertInPlace({ writer }: Open = this.#opened()): void {
    if (!writer.isInPlace) throw fileMoved(this.#path);
  }

  async #betweenGroups(): Promise<void> {
    while (this.#group !== undefined) await this.#group;
  }

  #opened(): Open {
    if (this.#open === undefined) throw storeNotOpen();
    return this.#open;
  }

  async #work(open: Open): Promise<void> {
    while (this.#waiting.length > 0) {
      // After this turn of the event loop: whoever asks in the same turn joins. Whoever is alone waits for nothing.
      await new Promise((resolve) => setImmediate(resolve));
      this.#group = this.#runGroup(open);
      await this.#group;
      this.#group = undefined;
    }
    this.#working = undefined;
  }

  async #runGroup(open: Open): Promise<void> {
    const { writer, clock } = open;
    const waitingBefore = this.#waiting.length;
    try {
      this.assertInPlace(open);
      // A deferred transaction that reads first and writes later fails at once (SQLITE_BUSY_SNAPSHOT, 517), and no
      // waiting would help.
      await retryWhileBusy(this.#patienceMs, () => writer.control("BEGIN IMMEDIATE"));
    } catch (error) {
      // All of them have waited as long as they may. One after the other, the last would wait for minutes.
      for (const { reject } of this.#waiting.splice(0, waitingBefore)) reject(error);
      return;
    }
    const taken: Member[] = [];
    let isCommitting = false;
    try {
      const endings = await this.#runBodies(writer, clock, taken);
      const notes = endings.flatMap((ending) => ending.notes);
      if (notes.length > 0) await append(writer, notes, this.#recordOf);
      isCommitting = true;
      await retryWhileBusy(this.#patienceMs, () => writer.control("COMMIT"));
      for (const ending of endings) {
        if ("error" in ending) ending.member.reject(ending.error);
        else ending.member.resolve(ending.value);
      }
    } catch (error) {
      await writer.rollBack();
      // What may have been done must not be done twice: whoever asked finds out, as after any commit without an answer.
      if (taken.length === 1 || (isCommitting && writer.isLost)) for (const { reject } of taken) reject(error);
      else {
        for (const member of taken) member.isAlone = true;
        this.#waiting.unshift(...taken);
      }
    }
  }

  /** @param taken gets each member whose turn has come */
  async #runBodies(writer: Writer, clock: Clock, taken: Member[]): Promise<Ending[]> {
    const endings: Ending[] = [];
    const group = this.#nextGroup();
    const isShared = group.length > 1;
    const until = performance.now() + this.#longestGroupMs;
    for (const member of group) {
      if (endings.length > 0 && performance.now() > until) break;
      taken.push(member);
      this.#waiting.shift();
      if (isShared) await writer.control("SAVEPOINT body");
      const ending = await this.#runBody(writer, clock, member);
      // Also where SQLite has undone all of the group, as it does when a page cannot be read.
      if ("error" in ending && !(isShared && writer.isInTransaction)) throw ending.error;
      if ("error" in ending) await writer.control("ROLLBACK TO body");
      if (isShared) await writer.control("RELEASE body");
      endings.push(ending);
    }
    return endings;
  }

  /** Those that may share the next commit. One that is done again by itself shares with nobody. */
  #nextGroup(): readonly Member[] {
    const next = this.#waiting.slice(0, largestGroup);
    const alone = next.findIndex(({ isAlone }) => isAlone);
    return alone === -1 ? next : next.slice(0, Math.max(alone, 1));
  }

  #runBody(writer: Writer, clock: Clock, member: Member): Promise<Ending> {
    return new Promise((end) => {
      const sql = new OneTransaction(writer, clock, member.inContext);
      const over = (how: { readonly value: unknown } | { readonly error: unknown }): void => {
        clearImmediate(guard);
        const notes = sql.over();
        end({ member, notes: "error" in how ? [] : notes, ...how });
      };
      // A body that waits for something else would hold up everybody, and the file's lock.
      const guard = writer.isImmediate
        ? setImmediate(() =>
            over({ error: new TypeError("a transaction waited for something else than its database") }),
          )
        : undefined;
      member
        .inContext(() => member.body(sql))
        .then(
          (value) => over({ value }),
          (error: unknown) => over({ error }),
        );
    });
  }
}

/** What one body works with, until it is over. */
class OneTransaction implements Transaction {
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #inContext: Note["inContext"];
  readonly #notes: Note[] = [];
  #isOver = false;

  constructor(writer: Writer, clock: Clock, inContext: Note["inContext"]) {
    this.#writer = writer;
    this.#clock = clock;
    this.#inContext = inContext;
  }

  async all(text: string, values?: SqlValues): Promise<SqlRow[]> {
    return this.#opened().all(text, values);
  }

  /** There is no other writer while this transaction runs. */
  lock(text: string, values?: SqlValues): Promise<SqlRow[]> {
    return this.all(text, values);
  }

  async lockAndChange({ lock, change }: LockedChange, values: SqlValues): Promise<Changed | undefined> {
    const [forLock, forChange] = valuesOfBoth([lock, change], values, this.#clock.now());
    const [before] = await this.all(lock, forLock);
    return before === undefined ? undefined : { before, isChanged: (await this.run(change, forChange)) > 0 };
  }

  async run(text: string, values?: SqlValues): Promise<number> {
    return this.#opened().run(text, values);
  }

  async runLast(text: string, values?: SqlValues): Promise<void> {
    await this.run(text, values);
  }

  async script(text: string): Promise<void> {
    await this.#opened().script(text);
  }

  async now(): Promise<number> {
    return this.#clock.now();
  }

  note(...[entry, principal]: Parameters<Transaction["note"]>): void {
    this.#notes.push({ entry, principal, inContext: this.#inContext });
  }

  /** Ends it: a body that goes on would write into a neighbour's transaction. Returns what was noted. */
  over(): readonly Note[] {
    this.#isOver = true;
    return this.#notes;
  }

  #opened(): Writer {
    if (this.#isOver) throw new TypeError("a transaction went on after its end");
    return this.#writer;
  }
}

/**
 * Numbers and links rows, and adds them: all at once, as if none were there already, which is so but for releases that another
 * process has recorded. There is no other writer while a transaction runs.
 */
async function append(writer: Writer, notes: readonly Note[], recordOf: RecordOf): Promise<void> {
  const ends = [...(await writer.all(selectHead)), ...(await writer.all(selectLast))].map(readEnd);
  // Where the head was changed by hand, the log goes on after its last row, and its check finds the place.
  const first = ends.reduce((one, other) => (other.seq >= one.seq ? other : one), { seq: 0, link: new Uint8Array() });
  const rows: AuditRow[] = [];
  for (const note of notes) rows.push(...rowAfter(rows.at(-1) ?? first, note, recordOf));
  const added = await writer.runEach(insertRecord, rows.map(auditValues));
  let last = rows.at(-1) ?? first;
  if (added.includes(0)) {
    // What follows a row that was left out is linked to what is not there: one by one, each is linked to the one before.
    await writer.run(deleteAfter, { seq: first.seq, last: last.seq });
    last = first;
    for (const note of notes) {
      const [row] = rowAfter(last, note, recordOf);
      if (row !== undefined && (await writer.run(insertRecord, auditValues(row))) === 1) last = row;
    }
  }
  if (last !== first) await writer.run(setHead, { seq: last.seq, link: last.link });
}

/** The row of a note, after another one; none where nothing is to be recorded. */
function rowAfter(last: AuditHead, { entry, principal, inContext }: Note, recordOf: RecordOf): readonly AuditRow[] {
  const record = inContext(() => recordOf(entry, last, principal));
  if (record === undefined) return [];
  const seq = last.seq + 1;
  const link = createHash("sha256").update(last.link).update(String(seq)).update(record.mac).digest();
  return [{ ...record, seq, link }];
}
