import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { sqliteFailure } from "./failure.ts";

/**
 * Sealed values are safe in other hands; keyed hashes and times need not be there all the same. A new file is the
 * owner's alone from its first moment (SQLite would make it readable to all), and its log gets the same mode. Of an
 * existing one only the rights of everybody are taken away: which group may use it is the operator's choice.
 */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw sqliteFailure(error, path);
    const { mode } = statSync(path);
    if ((mode & 0o007) === 0 || !statSync(path).isFile()) return;
    try {
      chmodSync(path, mode & 0o770);
    } catch (refused) {
      // Somebody else's file: whether it may be used is for the database to find out.
      if (!isErrno(refused, "EPERM") && !isErrno(refused, "EROFS")) throw sqliteFailure(refused, path);
    }
  }
}

/** Tells whether the path still leads to the file that it leads to now. */
export function stillThere(path: string): () => boolean {
  const identity = (): string => {
    try {
      const { dev, ino } = statSync(path, { bigint: true });
      return `${dev} ${ino}`;
    } catch {
      return "";
    }
  };
  const opened = identity();
  return () => identity() === opened;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
