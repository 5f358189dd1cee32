import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
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
    const found = statsOf(path);
    if (found.isDirectory()) {
      throw storeUnavailable(`the database ${path} is a folder`, "name a file in it, such as onbehalf.db");
    }
    if ((found.mode & 0o007) === 0 || !found.isFile()) return;
    try {
      chmodSync(path, found.mode & 0o770);
    } catch (chmodError) {
      // The file belongs to another user, or the disk is read-only: SQLite finds out whether it can be used.
      if (!isErrno(chmodError, "EPERM") && !isErrno(chmodError, "EROFS")) throw sqliteFailure(chmodError, path);
    }
  }
}

/** What stands at a path that is taken: at the end of a link, which may lead nowhere, in a circle, or where we may not go. */
function statsOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT") && !isErrno(error, "ELOOP")) throw sqliteFailure(error, path);
    throw storeUnavailable(
      `the database ${path} is a link that leads to no file`,
      "look where the link leads: a disk may not be mounted; remove the link only if there was never a database",
      error,
    );
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
