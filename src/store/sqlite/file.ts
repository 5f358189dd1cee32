import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { sqliteFailure } from "./failure.ts";
import { storeUnavailable } from "../sql/failure.ts";

/**
 * Keeps other users of this machine from reading the file. Sealed values would be safe with them, but keyed hashes and
 * times are none of their business. A new file belongs to its owner alone from its first moment (SQLite would make it
 * readable to all), and SQLite gives its log the same mode. An existing file only loses the rights of everybody: which
 * group may use it is the operator's choice.
 */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw sqliteFailure(error, path);
    const { mode } = statSync(path);
    if (statSync(path).isDirectory()) {
      throw storeUnavailable(`the database ${path} is a folder`, "name a file in it, such as onbehalf.db");
    }
    if ((mode & 0o007) === 0 || !statSync(path).isFile()) return;
    try {
      chmodSync(path, mode & 0o770);
    } catch (chmodError) {
      // The file belongs to another user, or the disk is read-only: SQLite finds out whether it can be used.
      if (!isErrno(chmodError, "EPERM") && !isErrno(chmodError, "EROFS")) throw sqliteFailure(chmodError, path);
    }
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
