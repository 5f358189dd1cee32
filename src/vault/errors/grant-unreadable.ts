import { defined } from "../../core/defined.ts";
import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";

/**
 * A sealed value of a grant does not open: it was damaged, or copied from another row or store.
 *
 * @param grantId undefined where whoever is told may not know
 */
export function grantUnreadable(grantId: string | undefined): OnbehalfError<"grant_unreadable"> {
  return new OnbehalfError(
    "grant_unreadable",
    `a sealed value of ${grantId === undefined ? "the grant" : `grant ${grantId}`} does not open`,
    {
      hint: "the row was damaged or copied from another store: restore it from a backup, or let the person sign in again",
      details: defined({ grantId }),
    },
  );
}

/**
 * What a row holds; undefined where it does not open. A damaged row must not keep newer tokens from being stored.
 *
 * @param open reads the row; it may throw `grant_unreadable`
 */
export function ifReadable<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isOnbehalfError(error, "grant_unreadable")) return undefined;
    throw error;
  }
}
