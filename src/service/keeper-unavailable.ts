import { OnbehalfError } from "../index.ts";

/** What to do where a process could not be started or ended too early. */
export const startHint: string =
  "look at the lines before this one, at the memory that is left, and at the limit of processes; " +
  "ONBEHALF_KEEPER=none runs without a keeper's process";

/** @param error what the system says, such as EAGAIN where the user may have no more processes */
export function notStarted(error: unknown): OnbehalfError<"keeper_unavailable"> {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  return unavailable(`the keeper's process could not be started (${code})`, startHint);
}

export function unavailable(
  message = "the keeper is not running or does not answer",
  hint = "try again shortly: the service restarts it, and hands out valid tokens meanwhile; if this lasts, look at the log",
): OnbehalfError<"keeper_unavailable"> {
  return new OnbehalfError("keeper_unavailable", message, { hint, details: { retryAfterMs: 1_000 } });
}
