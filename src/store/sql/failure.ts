import { OnbehalfError } from "../../core/errors.ts";

/** Why a database cannot be used. `problem` follows its name or location in the message. */
export interface Failure {
  readonly problem: string;
  /** What an operator can do. */
  readonly hint: string;
}

/**
 * The database does not answer now, and may soon.
 *
 * @param hint what an operator can look at
 */
export function storeUnavailable(message: string, hint: string, cause?: unknown): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", message, { hint, details: { retryAfterMs: 1_000 }, cause });
}

/**
 * The database cannot be used as it is, and no waiting helps.
 *
 * @param hint what an operator must do
 */
export function storeUnusable(message: string, hint: string, cause?: unknown): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", message, { hint, details: {}, cause });
}

/** Somebody uses a store that is not open. */
export function storeNotOpen(): OnbehalfError<"store_unavailable"> {
  return storeUnavailable("the store is not open", "open the vault first, and do not use it after you have closed it");
}
