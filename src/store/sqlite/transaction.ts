import type { Clock } from "../../core/clock.ts";
import type { Writer } from "./connection.ts";
import type { Note } from "./member.ts";
import { valuesFor } from "../sql/column.ts";
import type { Changed, LockedChange, SqlRow, SqlValues, Transaction } from "../sql/sql.ts";

/** What one body works with, until it is over. */
export class OneTransaction implements Transaction {
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
    const all = { ...values, now: this.#clock.now() };
    const [before] = await this.all(lock, valuesFor(lock, all));
    if (before === undefined) return undefined;
    return { before, isChanged: (await this.run(change, valuesFor(change, all))) > 0 };
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
