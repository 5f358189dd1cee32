/*
 * A connection that writes from a thread of its own, so that this one answers while a commit waits for the disk. Only
 * statements cross, and what came of them: what a transaction does, and who did it, is decided in this thread.
 */
import { Worker } from "node:worker_threads";
import { fileAt, setUp } from "./connection.ts";
import type { Control, Writer } from "./connection.ts";
import { sqliteFailure } from "./failure.ts";
import { inOrder, numbered } from "../sql/column.ts";
import type { NumberedStatement } from "../sql/column.ts";
import { storeUnavailable } from "../sql/failure.ts";
import type { SqlRow, SqlValue, SqlValues } from "../sql/sql.ts";

/** What is asked of the thread. */
type Request =
  | { readonly do: "all" | "run"; readonly text: string; readonly values: readonly SqlValue[] }
  | { readonly do: "runEach"; readonly text: string; readonly values: readonly (readonly SqlValue[])[] }
  | { readonly do: "exec"; readonly text: string }
  | { readonly do: "rollBack" | "close" };

/** What the thread answers, in the order in which it was asked. */
interface Reply {
  readonly result?: unknown;
  /** What node:sqlite has thrown. An error that is sent as such would lose all but its message. */
  readonly error?: { readonly message: string; readonly code?: string; readonly errcode?: number };
  readonly isInTransaction: boolean;
}

/** Runs in the thread. As text and not as a file, so that a bundled program needs no second file. */
const program = `
const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
let database;
const statements = new Map();
const prepared = (text) => {
  let statement = statements.get(text);
  if (statement === undefined) statements.set(text, (statement = database.prepare(text)));
  return statement;
};
const work = {
  all: ({ text, values }) => prepared(text).all(...values),
  run: ({ text, values }) => Number(prepared(text).run(...values).changes),
  runEach: ({ text, values }) => values.map((each) => Number(prepared(text).run(...each).changes)),
  exec: ({ text }) => database.exec(text),
  rollBack: () => { if (database.isTransaction) database.exec("ROLLBACK"); },
  close: () => {
    statements.clear();
    database.close();
  },
};
const answer = (request) => {
  let reply;
  try {
    database ??= new DatabaseSync(workerData, { timeout: 0 });
    reply = { result: work[request.do](request) };
  } catch ({ message, code, errcode }) {
    reply = { error: { message, code, errcode } };
  }
  parentPort.postMessage({ ...reply, isInTransaction: database !== undefined && database.isOpen && database.isTransaction });
  if (request.do === "close") parentPort.close();
};
parentPort.on("message", answer);`;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection in a thread. Where the thread ends by itself, what it was asked fails, and the next transaction starts another. */
export class WriterThread implements Writer {
  readonly isImmediate = false;
  readonly #path: string;
  readonly #statements = new Map<string, NumberedStatement>();
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  readonly #file: string;
  #isSetUp = true;
  #isInTransaction = false;
  #isLost = false;

  /**
   * @param path of a file that is there already
   * @throws {OnbehalfError} `store_unavailable`: no thread can be started
   */
  constructor(path: string) {
    this.#path = path;
    this.#file = fileAt(path);
    this.#worker = this.#start();
  }

  get isInTransaction(): boolean {
    return this.#isInTransaction;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get isInPlace(): boolean {
    return fileAt(this.#path) === this.#file;
  }

  async all(text: string, values: SqlValues = {}): Promise<SqlRow[]> {
    const { text: numbers, names } = this.#statement(text);
    return (await this.#ask({ do: "all", text: numbers, values: sendable(values, names) })) as SqlRow[];
  }

  async run(text: string, values: SqlValues = {}): Promise<number> {
    const { text: numbers, names } = this.#statement(text);
    return (await this.#ask({ do: "run", text: numbers, values: sendable(values, names) })) as number;
  }

  /** With one message, where each statement by itself would be two. */
  async runEach(text: string, values: readonly SqlValues[]): Promise<readonly number[]> {
    const { text: numbers, names } = this.#statement(text);
    const lists = values.map((each) => sendable(each, names));
    return (await this.#ask({ do: "runEach", text: numbers, values: lists })) as number[];
  }

  async script(text: string): Promise<void> {
    await this.#ask({ do: "exec", text });
  }

  async control(text: Control): Promise<void> {
    // Only here: the caller has looked whether the file is in its place, and the thread would make a new one.
    if (text === "BEGIN IMMEDIATE" && this.#worker === undefined) {
      this.#worker = this.#start();
      this.#isSetUp = false;
    }
    if (!this.#isSetUp) {
      for (const each of setUp) await this.#ask({ do: "exec", text: each });
      this.#isSetUp = true;
    }
    await this.#ask({ do: "run", text, values: [] });
  }

  async rollBack(): Promise<void> {
    // With the thread its connection was closed, and SQLite has undone what was not committed.
    await this.#ask({ do: "rollBack" }).catch(() => undefined);
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    await this.#ask({ do: "close" }).catch(() => worker.terminate());
    worker.ref();
    await ended;
  }

  #start(): Worker {
    const worker = newThread(this.#path);
    this.#isLost = false;
    worker.unref();
    worker.on("message", (reply: Reply) => this.#hear(reply));
    let cause: unknown;
    worker.on("error", (error) => (cause = error));
    worker.on("exit", () => this.#lose(worker, cause));
    return worker;
  }

  #statement(text: string): NumberedStatement {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = numbered(text, "?")));
    return statement;
  }

  #ask(request: Request): Promise<unknown> {
    const worker = this.#worker;
    if (worker === undefined) return Promise.reject(threadEnded(this.#path, undefined));
    return new Promise((resolve, reject) => {
      // The process goes on while an answer is due, and may end when none is.
      if (this.#waiting.push({ resolve, reject }) === 1) worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(request);
    });
  }

  #hear({ result, error, isInTransaction }: Reply): void {
    this.#isInTransaction = isInTransaction;
    const asked = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker?.unref();
    if (error === undefined) return asked?.resolve(result);
    const { message, ...codes } = error;
    asked?.reject(sqliteFailure(Object.assign(new Error(message), codes), this.#path));
  }

  #lose(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#isInTransaction = false;
    this.#isLost = true;
    for (const { reject } of this.#waiting.splice(0)) reject(threadEnded(this.#path, cause));
  }
}

function newThread(path: string): Worker {
  try {
    return new Worker(program, { eval: true, workerData: path, execArgv: ["--no-warnings"], env: {} });
  } catch (error) {
    throw storeUnavailable(
      `no thread can be started that writes to the database ${path}: ${messageOf(error)}`,
      "leave writerThread out; or, where Node runs with --permission, add --allow-worker",
      error,
    );
  }
}

function threadEnded(path: string, cause: unknown): Error {
  return storeUnavailable(
    `the thread that writes to the database ${path} has ended${cause === undefined ? "" : `: ${messageOf(cause)}`}`,
    "try again: another one is started; if this lasts, look at the memory that is left",
    cause,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A statement's values in their order, and bytes by themselves: with a view of a larger buffer, all of that buffer would be sent. */
function sendable(values: SqlValues, names: readonly string[]): readonly SqlValue[] {
  return inOrder(values, names).map((value) => (value instanceof Uint8Array ? new Uint8Array(value) : value));
}
