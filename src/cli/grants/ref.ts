import { isOnbehalfError, parseGrantRef } from "../../index.ts";
import type { GrantRef } from "../../index.ts";
import { shownText } from "../../core/secret-likeness.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** The flags that settle a reference which fits several grants. */
export interface RefFlags {
  readonly provider?: string;
  readonly account?: string;
}

/** Reads a reference as it was typed. Text that cannot be a reference is wrong usage (exit code 2), not a missing grant. */
export function refOf(text: string, { provider, account }: RefFlags): GrantRef {
  try {
    return parseGrantRef(text, provider, account);
  } catch (error) {
    if (!isOnbehalfError(error, "invalid_request")) throw error;
    throw new UsageError(`${shownText(text)}: ${error.message}`, error.hint);
  }
}
