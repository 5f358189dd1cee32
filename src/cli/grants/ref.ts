import { isOnbehalfError, parseGrantRef } from "../../index.ts";
import type { GrantRef } from "../../index.ts";
import { shownText } from "../../core/secret-likeness.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** Reads a reference as it was typed. Text that cannot be a reference is wrong usage (exit code 2), not a missing grant. */
export function refOf(text: string, provider: string | undefined): GrantRef {
  try {
    return parseGrantRef(text, provider);
  } catch (error) {
    if (!isOnbehalfError(error, "invalid_request")) throw error;
    throw new UsageError(`${shownText(text)}: ${error.message}`, error.hint);
  }
}
