import { OnbehalfError } from "../../core/errors.ts";

type Failure = readonly [what: string, hint: string];

/** SQLite's primary result codes that say the file cannot be used as it is, and no waiting helps. */
const unusable: Readonly<Record<number, Failure>> = {
  11: [
    "is damaged",
    "restore it from a backup; do not start it again before, a copy of the damaged file may still be read",
  ],
  26: ["is not a SQLite database", "give the path of another file, or move this one away"],
};

const locked: Failure = [
  "is locked by another process",
  "look for a long transaction, a backup or a shell that holds it",
];

/** Primary result codes that say the file cannot be used now. */
const unavailable: Readonly<Record<number, Failure>> = {
  3: ["may not be opened", "give this user the right to write to the file and its folder"],
  5: locked,
  6: ["is locked", "look for a long transaction in this process"],
  7: ["cannot be read for want of memory", "give this process more of it"],
  8: ["is read-only", "give this user the right to write to the file and its folder"],
  10: ["cannot be read or written", "look at the disk; SQLite wants a local one, no network share"],
  13: ["is on a full disk", "free some space; nothing was lost"],
  14: ["cannot be opened", "look whether the folder exists and this user may write there"],
  15: locked,
};

/** A node:sqlite or file error as one of ours; anything else unchanged. */
export function sqliteFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  if ("errcode" in error && typeof error.errcode === "number") {
    const primary = error.errcode & 0xff;
    const broken = unusable[primary];
    if (broken !== undefined) return failed("store_unusable", path, broken, error);
    const away = unavailable[primary];
    return away === undefined ? error : failed("store_unavailable", path, away, error);
  }
  if (!("code" in error) || typeof error.code !== "string") return error;
  if (error.code === "ERR_INVALID_STATE") {
    return failed("store_unavailable", path, ["was closed", "do not use a store after it was closed"], error);
  }
  if (!/^E[A-Z]+$/.test(error.code)) return error;
  const hint = "look whether the folder exists and this user may write there";
  return failed("store_unavailable", path, [`cannot be opened (${error.code})`, hint], error);
}

/** SQLite goes on writing to a file that was moved away or deleted, and all of it is gone with the process. */
export function fileMoved(path: string): OnbehalfError {
  const hint = "stop every process that uses it, put the file back with its -wal beside it, and start again";
  return failed("store_unavailable", path, ["was moved, replaced or deleted while it was in use", hint], undefined);
}

/** Whether another connection holds the file just now. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof OnbehalfError) || !(error.cause instanceof Error)) return false;
  return "errcode" in error.cause && typeof error.cause.errcode === "number" && (error.cause.errcode & 0xff) === 5;
}

function failed(
  code: "store_unusable" | "store_unavailable",
  path: string,
  [what, hint]: Failure,
  cause: unknown,
): OnbehalfError {
  const message = `the database ${path} ${what}`;
  return code === "store_unusable"
    ? new OnbehalfError(code, message, { hint, details: {}, cause })
    : new OnbehalfError(code, message, { hint, details: { retryAfterMs: 1_000 }, cause });
}
