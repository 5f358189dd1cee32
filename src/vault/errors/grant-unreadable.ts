import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";

/** A sealed value of a grant does not open: it was damaged, or it belongs to another row. */
export function grantUnreadable(grantId: string): OnbehalfError<"grant_unreadable"> {
  return new OnbehalfError("grant_unreadable", `a sealed value of grant ${grantId} does not open`, {
    hint: "the row was damaged or copied from another store: restore it from a backup, or let the person sign in again",
    details: { grantId },
  });
}

/** What a row holds, or undefined where it does not open: damage must not keep what comes next from being stored. */
export function ifReadable<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isOnbehalfError(error, "grant_unreadable")) return undefined;
    throw error;
  }
}
