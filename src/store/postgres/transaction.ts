import type { AuditHead, AuditRecord, RecordOf } from "../audit-store.ts";
import { rowReader } from "../sql/column.ts";
import { auditColumns } from "../sql/tables.ts";
import type { SqlRow, SqlValues, Transaction } from "../sql/sql.ts";
import { appending } from "./audit-records.ts";
import type { Answer } from "./batch.ts";
import { nowText, timeIn } from "./connection.ts";
import type { PostgresConnection } from "./connection.ts";
import { boundChange, changedIn } from "./locked-change.ts";
import { pack } from "./packing.ts";
import type { Asked } from "./packing.ts";
import { bound } from "./statements.ts";
import type { Statement } from "./statements.ts";

/** What differs between transactions. */
export interface TransactionKind {
  /** What is sent before the first statement. */
  readonly opening: readonly Statement[];
  /** Whether a body gives way where another transaction holds its row. Its neighbours must not wait for that one. */
  readonly isShared: boolean;
}

/** What a body's work came to. */
export interface Work<T> {
  readonly value: T;
  /** What is sent with the commit. */
  readonly last: readonly Statement[];
  readonly records: readonly AuditRecord[];
}

/** Thrown in a body of a shared transaction. It is run again in a transaction of its own, and nobody hears of this. */
class RowIsLocked extends Error {}

interface Waiting extends Asked {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const { seq, link } = auditColumns;
const readHead = rowReader<AuditHead>({ seq, link });
/** Without a lock: others may add rows until the commit, and the anchor is then a few rows earlier. */
const selectHead = bound("SELECT seq, link FROM audit_head LIMIT 1", {});
const selectNow = bound(nowText, {});
const commit = bound("COMMIT", {});
const noHead: AuditHead = { seq: 0, link: new Uint8Array() };

/**
 * One transaction on a connection, for one body or for several. What bodies ask before they wait goes in one round trip:
 * a hundred bodies that begin together wait as long as one.
 */
export class PostgresTransaction {
  readonly #connection: PostgresConnection;
  readonly #kind: TransactionKind;
  readonly #recordOf: RecordOf;
  readonly #bodies: number;
  readonly #head = Promise.withResolvers<AuditHead>();
  #waiting: Waiting[] = [];
  #now: PromiseWithResolvers<number> | undefined;
  #opening: "not sent" | "sent" | "done" = "not sent";
  #isSending = false;
  #failure: unknown;

  /** @param bodies how many there will be */
  constructor(connection: PostgresConnection, kind: TransactionKind, recordOf: RecordOf, bodies = 1) {
    this.#connection = connection;
    this.#kind = kind;
    this.#recordOf = recordOf;
    this.#bodies = bodies;
    this.#head.promise.catch(() => undefined);
  }

  /** Whether the server has begun it, as far as it has answered. */
  get isBegun(): boolean {
    return this.#opening === "done";
  }

  /** Why a statement failed, where one did: nothing of the transaction can be committed any more. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Runs a body.
   *
   * @returns what it came to; or what it threw, and whether it may have changed something before
   */
  async work<T>(
    body: (sql: Transaction) => Promise<T>,
  ): Promise<Work<T> | { readonly error: unknown; readonly mayHaveWritten: boolean }> {
    const noted: Parameters<Transaction["note"]>[] = [];
    const last: Statement[] = [];
    /** How many statements may have written something, of those that were asked. */
    let writes = 0;
    const asker = {};
    const locks = new Set<Promise<SqlRow[]>>();
    const query = async (text: string, values?: SqlValues): Promise<Answer> => {
      const isRead = text.startsWith("SELECT");
      // Without its lock, a body gives way. What it asked after the lock would wait for the row, and all its neighbours with it.
      if (!isRead && this.#kind.isShared && this.#bodies > 1 && locks.size > 0) await Promise.all(locks);
      if (!isRead) writes += 1;
      return this.#query(asker, text, values);
    };
    const lock = (text: string, values?: SqlValues): Promise<SqlRow[]> => {
      const locking = this.#lock(asker, text, values).finally(() => locks.delete(locking));
      locks.add(locking);
      return locking;
    };
    try {
      const value = await body({
        all: async (text, values) => (await query(text, values)).rows,
        run: async (text, values) => (await query(text, values)).count,
        runLast: async (text, values = {}) => void last.push(bound(text, values)),
        lock,
        lockAndChange: async (what, values) => {
          const statement = boundChange(what, values, this.#kind.isShared);
          // Counted before there is an answer: a body that does not wait for it may fail meanwhile.
          writes += 1;
          const changed = changedIn(await this.#ask(asker, statement));
          if (changed?.isChanged !== true) writes -= 1;
          // Nothing was done: it is run again, and waits for the row if there is one.
          if (this.#kind.isShared && changed === undefined) throw new RowIsLocked();
          return changed;
        },
        note: (...entry) => void noted.push(entry),
        script: (text) => this.#script(text),
        now: () => this.#nowOfDatabase(),
      });
      if (noted.length === 0) return { value, last, records: [] };
      const head = await this.#readHead(asker);
      const records = noted.flatMap(([entry, principal]) => this.#recordOf(entry, head, principal) ?? []);
      return { value, last, records };
    } catch (error) {
      return { error, mayHaveWritten: writes > 0 };
    }
  }

  /**
   * Does what bodies left for the end, adds rows to the audit log, last, so that all other locks are there by the time that they are numbered; and commits.
   *
   * @param works what bodies came to; or a statement in the place of a body
   * @returns the value of each; of a statement, its answer
   * @throws {OnbehalfError} `store_unavailable`: where the connection is lost, it may have been committed
   */
  async commit(works: readonly (Work<unknown> | Statement)[]): Promise<readonly unknown[]> {
    const alone = works.filter((work) => "text" in work);
    const whole = works.filter((work) => "value" in work);
    // Those alone first: they wait for nobody's number, and what follows holds the lock that numbers events.
    const last = pack([
      ...alone.map((statement) => ({ statement, asker: statement })),
      ...whole.flatMap((work) => work.last.map((statement) => ({ statement, asker: work }))),
    ]);
    const records = whole.flatMap((work) => work.records);
    const { answers, failure } = await this.#send([...last.statements, ...appending(records), commit]);
    if (failure !== undefined) throw failure;
    const command = answers.at(-1)?.command;
    // PostgreSQL answers the COMMIT of a failed transaction with a friendly ROLLBACK.
    if (command === "ROLLBACK") throw new TypeError("a transaction went on after a statement had failed");
    if (command !== "COMMIT") throw this.#connection.nonsense(`COMMIT was answered by ${command}`);
    const dealt = last.deal(answers).values();
    const answerOf = new Map(alone.map((statement) => [statement, dealt.next().value]));
    return works.map((work) => ("value" in work ? work.value : answerOf.get(work)));
  }

  async #query(asker: object, text: string, values: SqlValues = {}, suffix = ""): Promise<Answer> {
    // Bound first: a statement that lacks a value is a bug, and no database that is away.
    return this.#ask(asker, bound(text, values, suffix));
  }

  #ask(asker: object, statement: Statement): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statement, asker, resolve, reject });
      this.#sendSoon();
    });
  }

  async #lock(asker: object, text: string, values?: SqlValues): Promise<SqlRow[]> {
    // The lock that an update takes, and no stronger one: others can still add rows that refer to this one.
    const skip = this.#kind.isShared ? " SKIP LOCKED" : "";
    const { rows } = await this.#query(asker, text, values, ` FOR NO KEY UPDATE${skip}`);
    if (this.#kind.isShared && rows.length === 0) throw new RowIsLocked();
    return rows;
  }

  /** One look at the clock for all bodies that ask for it now, after their other statements. */
  #nowOfDatabase(): Promise<number> {
    this.#now ??= Promise.withResolvers();
    this.#sendSoon();
    return this.#now.promise;
  }

  #readHead(asker: object): Promise<AuditHead> {
    if (!this.#kind.opening.includes(selectHead))
      return this.#query(asker, selectHead.text).then(({ rows }) => headIn(rows));
    // It comes with the answer to what was sent first. To send once more would be a round trip for nothing.
    if (this.#opening === "not sent") this.#sendSoon();
    return this.#head.promise;
  }

  async #script(text: string): Promise<void> {
    if (this.#opening === "not sent") await this.#send([]);
    await this.#connection.script(text);
  }

  /** Sends what waits once every body waits. */
  #sendSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    // What is to be done by promises now is done before the next tick: bodies that go on with the last answers ask first.
    queueMicrotask(() => process.nextTick(() => void this.#sendWaiting()));
  }

  async #sendWaiting(): Promise<void> {
    const waiting = this.#waiting;
    const now = this.#now;
    this.#waiting = [];
    this.#now = undefined;
    const { statements, deal } = pack(waiting);
    const { answers, failure } = await this.#send(now === undefined ? statements : [...statements, selectNow]);
    const dealt = deal(answers);
    waiting.forEach(({ resolve, reject }, at) => {
      const answer = dealt[at];
      if (answer === undefined) reject(failure);
      else resolve(answer);
    });
    const time = answers[statements.length];
    if (time === undefined) now?.reject(failure);
    else now?.resolve(timeIn(time.rows));
    this.#isSending = false;
    if (this.#waiting.length > 0 || this.#now !== undefined) this.#sendSoon();
  }

  /** @returns answers without those to the opening */
  async #send(
    statements: readonly Statement[],
  ): Promise<{ readonly answers: readonly Answer[]; readonly failure?: unknown }> {
    const opening = this.#opening === "not sent" ? this.#kind.opening : [];
    this.#opening = opening.length > 0 ? "sent" : this.#opening;
    const { answers, failure } = await this.#connection.send([...opening, ...statements]);
    if (failure !== undefined) this.#failure ??= failure;
    if (opening.length === 0) return { answers, failure };
    if (answers.length >= opening.length) {
      this.#opening = "done";
      const at = opening.indexOf(selectHead);
      this.#head.resolve(at < 0 ? noHead : headIn(answers[at]?.rows ?? []));
    } else this.#head.reject(failure);
    return { answers: answers.slice(opening.length), failure };
  }
}

/** What is sent before the first statement of a transaction. */
export function openingWith({
  standstillMs,
  lockMs,
  statementMs,
  hasHead,
  isByKey,
}: {
  /** How long it may stand still between two statements, milliseconds. */
  readonly standstillMs: number;
  /** How long it waits for a lock, milliseconds. */
  readonly lockMs: number;
  /** How long a statement may take, milliseconds. */
  readonly statementMs: number;
  /** Whether the audit log is there, and is read at once: its rows will be added soon. */
  readonly hasHead: boolean;
  /**
   * Whether all that it asks is found by an index. A statement is planned once for each connection: a plan that was made while a
   * table was all but empty would read all of the table until the server looks at its size again, a minute later or never.
   */
  readonly isByKey: boolean;
}): readonly Statement[] {
  const limits = {
    idle_in_transaction_session_timeout: standstillMs,
    lock_timeout: lockMs,
    statement_timeout: statementMs,
  };
  const settings = [
    ...Object.entries(limits).map(([name, ms]) => `set_config('${name}', '${ms}', true)`),
    ...(isByKey ? ["set_config('enable_seqscan', 'off', true)"] : []),
  ];
  return [
    bound("BEGIN ISOLATION LEVEL READ COMMITTED", {}),
    bound(`SELECT ${settings.join(", ")}, set_config('synchronous_commit', ${durable}, true)`, {}),
    ...(hasHead ? [selectHead] : []),
  ];
}

const durable = "COALESCE(NULLIF(current_setting('synchronous_commit'), 'off'), 'on')";

function headIn([row]: readonly SqlRow[]): AuditHead {
  return row === undefined ? noHead : readHead(row);
}
