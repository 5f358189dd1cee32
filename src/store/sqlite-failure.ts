import { OnbehalfError } from "../errors.ts";

/** SQLite's primary result codes that say the file cannot be used as it is, and no waiting helps. */
const unusable: Readonly<Record<number, readonly [what: string, hint: string]>> = {
  11: [
    "is damaged",
    "restore it from a backup; do not start it again before, a copy of the damaged file may still be read",
  ],
  26: ["is not a SQLite database", "give the path of another file, or move this one away"],
};

const unavailable: Readonly<Record<number, readonly [what: string, hint: string]>> = {
  5: ["is locked by another process", "look for a long transaction, a backup or a shell that holds it"],
  6: ["is locked", "look for a long transaction in this process"],
  8: ["is read-only", "give this user the right to write to the file and its folder"],
  10: ["cannot be read or written", "look at the disk; SQLite wants a local one, no network share"],
  13: ["is on a full disk", "free some space; nothing was lost"],
  14: ["cannot be opened", "look whether the folder exists and this user may write there"],
};

/** A node:sqlite error as one of ours; anything else unchanged. */
export function sqliteFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") {
    return isFileError(error)
      ? failed("store_unavailable", path, ["cannot be opened", unavailable[14]?.[1] ?? ""], error)
      : error;
  }
  const primary = error.errcode & 0xff;
  const broken = unusable[primary];
  if (broken !== undefined) return failed("store_unusable", path, broken, error);
  const away = unavailable[primary];
  return away === undefined ? error : failed("store_unavailable", path, away, error);
}

function failed(
  code: "store_unusable" | "store_unavailable",
  path: string,
  [what, hint]: readonly [string, string],
  cause: unknown,
): OnbehalfError {
  const message = `the database ${path} ${what}`;
  return code === "store_unusable"
    ? new OnbehalfError(code, message, { hint, details: {}, cause })
    : new OnbehalfError(code, message, { hint, details: { retryAfterMs: 1_000 }, cause });
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && /^E[A-Z]+$/.test(error.code);
}
