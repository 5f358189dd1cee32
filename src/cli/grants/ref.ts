import { isOnbehalfError, parseGrantRef } from "../../index.ts";
import type { GrantRef } from "../../index.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** A reference as it was typed. One that names no grant at all is wrong usage, not a missing grant. */
export function refOf(text: string, provider: string | undefined): GrantRef {
  try {
    return parseGrantRef(text, provider);
  } catch (error) {
    if (!isOnbehalfError(error, "invalid_request")) throw error;
    throw new UsageError(`${text}: ${error.message}`, error.hint);
  }
}
