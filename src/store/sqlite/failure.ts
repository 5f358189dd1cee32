import { OnbehalfError } from "../../core/errors.ts";
import { storeUnavailable, storeUnusable } from "../sql/failure.ts";
import type { Failure } from "../sql/failure.ts";

/** SQLite's primary result codes that say the file cannot be used as it is, and no waiting helps. */
const unusable: Readonly<Record<number, Failure>> = {
  11: {
    problem: "is damaged",
    hint: "copy the damaged file first, some of it may still be readable; then restore a backup",
  },
  26: { problem: "is not a SQLite database", hint: "give the path of another file, or move this one away" },
};

const lacksTable: Failure = { problem: "lacks a table", hint: "run: onbehalf migrate; or restore a backup" };

const busyCode = 5;
const locked: Failure = {
  problem: "is locked by another process",
  hint: "look for a long transaction, a backup or a sqlite3 shell that keeps it open",
};
const checkFolder = "check that its folder exists and that this user may write there";

/** SQLite's primary result codes that say the file cannot be used now. */
const unavailable: Readonly<Record<number, Failure>> = {
  3: {
    problem: "may not be opened by this user",
    hint: "give this user the right to write to the file and its folder",
  },
  [busyCode]: locked,
  6: { problem: "is locked by this process", hint: "look for a long transaction in this process" },
  7: { problem: "cannot be read: this process is out of memory", hint: "give this process more memory" },
  8: { problem: "is read-only", hint: "give this user the right to write to the file and its folder" },
  10: {
    problem: "cannot be read or written",
    hint: "check the disk; SQLite needs a local disk, not a network share",
  },
  13: { problem: "is on a full disk", hint: "free some space; nothing was lost" },
  14: { problem: "cannot be opened", hint: checkFolder },
  15: locked,
  22: { problem: "is too large for its file system", hint: "move it to another file system" },
  23: { problem: "may not be opened by this user", hint: "look at what restricts this process" },
};

/**
 * SQLite's primary result codes that speak of a statement: its text, its values, what it does to rows, how it is called.
 * Such an error is a bug of ours. Whatever else SQLite says is no fault of the statement.
 */
const aboutStatements: ReadonlySet<number> = new Set([1, 18, 19, 20, 21, 25]);

/** Turns an error of node:sqlite or of a file into one of ours; leaves any other error unchanged. */
export function sqliteFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const message = (problem: string): string => `the database ${path} ${problem}`;
  const primary = primaryCode(error);
  if (primary !== undefined) {
    const broken = unusable[primary] ?? (error.message.startsWith("no such table") ? lacksTable : undefined);
    if (broken !== undefined) return storeUnusable(message(broken.problem), broken.hint, error);
    const failure = unavailable[primary];
    if (failure !== undefined) return storeUnavailable(message(failure.problem), failure.hint, error);
    if (aboutStatements.has(primary)) return error;
    const problem = message(`does not do what it should: ${error.message} (${primary})`);
    return storeUnavailable(problem, "check the disk, and whether another program writes to the file", error);
  }
  if (!("code" in error) || typeof error.code !== "string") return error;
  if (error.code === "ERR_INVALID_STATE") {
    return storeUnavailable(message("was closed"), "do not use a store after you have closed it", error);
  }
  if (!/^E[A-Z]+$/.test(error.code)) return error;
  return storeUnavailable(message(`cannot be opened (${error.code})`), checkFolder, error);
}

/** SQLite goes on writing to a file that was moved away or deleted, and all of it is gone with the process. */
export function fileMoved(path: string): OnbehalfError {
  return storeUnavailable(
    `the database ${path} was moved, replaced or deleted while it was in use`,
    "stop every process that uses it, put the file back together with its -wal file, and start again",
  );
}

/** Whether another connection holds the file just now. */
export function isBusy(error: unknown): boolean {
  return error instanceof OnbehalfError && error.cause instanceof Error && primaryCode(error.cause) === busyCode;
}

/**
 * SQLite's result code without the bits that say more exactly what happened.
 *
 * @see https://sqlite.org/rescode.html
 */
function primaryCode(error: Error): number | undefined {
  return "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}
