import { OnbehalfError } from "../core/errors.ts";

/** What to do about a keeper's process, in the words of the program that starts it. */
export interface KeeperHints {
  /** Where it could not be started, or ended too early. */
  readonly start: string;
  /** Where it does not answer. */
  readonly wait: string;
}

/** @param error what the system says, such as EAGAIN where the user may have no more processes */
export function notStarted(error: unknown, hints: KeeperHints): OnbehalfError<"keeper_unavailable"> {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  return unavailable(`the keeper's process could not be started (${code})`, hints.start);
}

export function unavailable(message: string, hint: string): OnbehalfError<"keeper_unavailable"> {
  return new OnbehalfError("keeper_unavailable", message, { hint, details: { retryAfterMs: 1_000 } });
}
