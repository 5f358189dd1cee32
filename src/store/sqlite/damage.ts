/*
 * Whether the file is sound: what is looked at when it is opened, and the whole of it beside the work that goes on.
 * What a sealed value holds is not looked at: only its key can tell.
 */
import { Worker } from "node:worker_threads";
import { storeUnavailable } from "../sql/failure.ts";
import type { SqlRow } from "../sql/sql.ts";

/** Pages of a file that is small enough to be read as a whole when it is opened: 4 MB take some milliseconds. */
const smallFile = 1_000;

/** Tables that are read as a whole however large the file is. They hold a few rows, and without them all is lost. */
const precious = ["meta", "data_keys", "onbehalf_migrations"];

/**
 * Looks for damage, in steps of the same number whatever the size of the file: a small file is read as a whole. Of a
 * large one the tables without which nothing works are read, and both ends of every other table and index, which leads
 * through the pages that all others hang on. SQLite itself finds a file that was cut short, and a garbled schema.
 *
 * @param all runs a statement
 * @returns what is damaged in the file's structure, in SQLite's words; empty where nothing is
 * @throws {OnbehalfError} `store_unusable`: a page that it came by is damaged
 */
export async function damageAtOpening(all: (text: string) => Promise<SqlRow[]>): Promise<string> {
  const [size] = await all("PRAGMA page_count");
  if (Number(size?.["page_count"]) <= smallFile) return said(await all("PRAGMA quick_check(3)"));
  const tables = await all("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND name <> 'sqlite_schema'");
  for (const table of precious.filter((each) => tables.some(({ name }) => name === each))) {
    const found = said(await all(`PRAGMA quick_check(${table})`));
    if (found !== "") return found;
  }
  for (const { name, wr: isItsKey } of tables) {
    const table = String(name);
    const columns = await all(`SELECT name FROM pragma_table_info('${table}') WHERE pk > 0 ORDER BY pk`);
    // The key of a table whose rows have numbers is an index beside it.
    if (isItsKey === 0) await readEnds(all, table, [{ name: "rowid" }]);
    if (columns.length > 0) await readEnds(all, table, columns);
  }
  // An index without SQL is its table's own.
  const indexes = await all("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL");
  for (const { name, tbl_name: table, sql } of indexes) {
    const columns = await all(`SELECT name FROM pragma_index_info('${String(name)}') ORDER BY seqno`);
    const [, where = "TRUE"] = /\sWHERE\s(.+)$/s.exec(String(sql)) ?? [];
    await readEnds(all, `${String(table)} INDEXED BY ${String(name)} WHERE ${where}`, columns);
  }
  return "";
}

async function readEnds(all: (text: string) => Promise<SqlRow[]>, from: string, columns: SqlRow[]): Promise<void> {
  // An expression has no name. Where the order says nothing of it and of what follows it, the index still gives it; to order
  // by something else would sort the whole table.
  const unnamed = columns.findIndex(({ name }) => name === null);
  const names = columns.slice(0, unnamed === -1 ? undefined : unnamed).map(({ name }) => String(name));
  for (const way of ["ASC", "DESC"]) {
    const order = names.map((name) => `${name} ${way}`).join(", ");
    await all(`SELECT ${names.join(", ")} FROM ${from} ORDER BY ${order} LIMIT 1`);
  }
}

/** Runs in a thread of its own. As text and not as a file, so that a bundled program needs no second file. */
const program = `
const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
const found = (rows) => rows.map((row) => row.quick_check);
try {
  const database = new DatabaseSync(workerData, { readOnly: true, timeout: 5_000 });
  parentPort.postMessage(found(database.prepare("PRAGMA quick_check(3)").all()));
  database.close();
} catch (error) {
  // 11 is SQLite's own word for damage; of anything else nothing is known.
  if ((error.errcode & 0xff) !== 11) throw error;
  parentPort.postMessage([error.message]);
}`;

/**
 * Reads the whole file in another thread: seconds for a million grants, during which this thread goes on.
 *
 * @param signal ends the wait; the thread ends when it has read what it is at. Where one is given, nobody waits who has
 *   nothing else to do: the process may end
 * @returns what is damaged in the file's structure, in SQLite's words; empty where nothing is
 * @throws {OnbehalfError} `store_unavailable`: the thread could not read the file
 * @throws the signal's reason, where it aborts first
 */
export async function damageInFile(path: string, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  let worker: Worker | undefined;
  try {
    worker = new Worker(program, { eval: true, workerData: path, execArgv: ["--no-warnings"] });
    if (signal !== undefined) worker.unref();
    return await answerOf(worker, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw storeUnavailable(
      `the database ${path} could not be read through: ${error instanceof Error ? error.message : String(error)}`,
      "onbehalf doctor does the same by hand; where Node runs with --permission, it needs --allow-worker",
      error,
    );
  } finally {
    void worker?.terminate();
  }
}

function answerOf(worker: Worker, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once("message", (lines: readonly string[]) => resolve(saidBy(lines)));
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the thread ended without an answer")));
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function said(rows: SqlRow[]): string {
  return saidBy(rows.map((row) => String(row["quick_check"])));
}

function saidBy(lines: readonly string[]): string {
  const text = lines.join("; ");
  return text === "ok" ? "" : text;
}
