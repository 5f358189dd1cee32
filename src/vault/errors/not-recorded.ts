import { OnbehalfError } from "../../core/errors.ts";

/**
 * A token is not handed out, and no call is made with it, since the audit log cannot say so.
 *
 * @param why ends the message
 */
export function notRecorded(why: string, cause?: unknown): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError(
    "store_unavailable",
    `the audit log could not be written, so no token was given out: ${why}`,
    {
      hint: "send the same request again; the token is kept meanwhile. If this lasts, look at the database and its disk",
      details: { retryAfterMs: 1_000 },
      cause,
    },
  );
}
