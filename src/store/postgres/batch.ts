import type { CustomTypesConfig, Submittable } from "pg";
import type { SqlRow, SqlValue } from "../sql/sql.ts";
import type { Field, Statement, StatementNames } from "./statements.ts";

/** What came back for a statement. */
export interface Answer {
  readonly rows: SqlRow[];
  /** How many rows it returned or changed. */
  readonly count: number;
  /** What kind of statement it was, such as `COMMIT`. */
  readonly command: string;
}

/** What of the driver's connection sends messages; its types do not show it. */
export interface MessageSender {
  readonly stream: { write(bytes: Buffer): boolean };
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly statement: string; readonly values: readonly (string | Buffer | null)[] }): void;
  describe(message: { readonly type: "P"; readonly name: string }): void;
  execute(message: object): void;
  close(message: { readonly type: "S"; readonly name: string }): void;
  sync(): void;
}

/** Without answers where the driver gave up waiting for them. */
type Done = (error: Error | null, answers?: readonly Answer[]) => void;

/**
 * Several statements in one round trip: the driver has no such thing but in a mode in which each statement costs as much
 * as if it were alone. Given to the driver's `query`, which calls `submit`, and then what begins with `handle`.
 *
 * When a statement fails, the server passes over those after it. It answers the `Sync` at the end in any case.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class Batch implements Submittable {
  readonly statements: readonly Statement[];
  /** The driver puts its own around it, which ends the time limit. */
  callback: Done;
  readonly #names: StatementNames;
  readonly #types: CustomTypesConfig;
  readonly #answers: Answer[] = [];
  readonly #described: boolean[] = [];
  #fields: readonly Field[] | undefined;
  #rows: SqlRow[] = [];

  /** @param done gets the answers to all statements; or an error, and the answers to the statements before the one that failed */
  constructor(statements: readonly Statement[], names: StatementNames, types: CustomTypesConfig, done: Done) {
    this.statements = statements;
    this.callback = done;
    this.#names = names;
    this.#types = types;
  }

  /** Called by the driver when it is this batch's turn. */
  submit(connection: unknown): undefined {
    const sender = connection as MessageSender;
    const messages: Buffer[] = [];
    const collector = Object.create(sender, {
      _send: { value: (bytes: Buffer) => void messages.push(bytes) },
    }) as MessageSender;
    let unnamed: string | undefined;
    for (const { text, values } of this.statements) {
      const { name, isPrepared, isDescribed, mustClose } = this.#names.of(text);
      if (mustClose) collector.close({ type: "S", name });
      // A statement without a name stays until the next one without a name is prepared.
      if (name === "" ? unnamed !== text : !isPrepared) collector.parse({ name, text });
      if (name === "") unnamed = text;
      collector.bind({ statement: name, values: values.map(sendable) });
      if (!isDescribed) collector.describe({ type: "P", name: "" });
      this.#described.push(isDescribed);
      collector.execute({});
    }
    collector.sync();
    // In one piece: the socket would otherwise be written to once for each message.
    sender.stream.write(Buffer.concat(messages));
    return undefined;
  }

  handleRowDescription({ fields }: { readonly fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#fields = fields.map(({ name, dataTypeID }) => ({
      name,
      read: this.#types.getTypeParser(dataTypeID, "text"),
    }));
  }

  handleDataRow({ fields: values }: { readonly fields: readonly (string | null)[] }): void {
    const row: SqlRow = {};
    const fields = this.#fieldsOf(this.#current());
    if (values.length !== fields.length) throw notTheAnswer("a row of other columns than were described");
    for (let at = 0; at < fields.length; at += 1) {
      const value = values[at] ?? null;
      const field = fields[at] as Field;
      row[field.name] = value === null ? null : field.read(value);
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text: tag }: { readonly text: string }): void {
    const { text } = this.#current();
    this.#names.described(text, this.#fieldsOf(this.#current()));
    const [command = "", ...counts] = tag.split(" ");
    this.#answers.push({ rows: this.#rows, count: Number(counts.at(-1) ?? 0), command });
    this.#rows = [];
    this.#fields = undefined;
  }

  handleError(error: Error): void {
    this.#names.failed(this.statements.slice(this.#answers.length).map(({ text }) => text));
    this.callback(error, this.#answers);
  }

  handleReadyForQuery(): void {
    if (this.#answers.length < this.statements.length)
      return this.handleError(notTheAnswer("an end before the answers"));
    this.callback(null, this.#answers);
  }

  #current(): Statement {
    const statement = this.statements[this.#answers.length];
    if (statement === undefined) throw notTheAnswer("more answers than there were statements");
    return statement;
  }

  #fieldsOf({ text }: Statement): readonly Field[] {
    return this.#fields ?? (this.#described[this.#answers.length] === true ? this.#names.fieldsOf(text) : []);
  }
}

/** A value as the driver's connection takes it. */
function sendable(value: SqlValue): string | Buffer | null {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value === "number") return String(value);
  return value;
}

function notTheAnswer(what: string): Error {
  return new Error(`what came back is not PostgreSQL's protocol: ${what}`);
}
