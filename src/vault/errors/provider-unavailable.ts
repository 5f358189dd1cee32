import { OnbehalfError } from "../../core/errors.ts";
import { retryAfterSeconds } from "../../core/problem.ts";

/** Explains codes that do not explain themselves: our own for why no request is sent now, and those of the network. */
const explanations: Readonly<Record<string, { readonly what: string; readonly hint?: string }>> = {
  rate_limited: { what: "it says that we send too many requests, so no request is sent for a while" },
  provider_down: { what: "it failed several times in a row, so no request is sent for a while" },
  backing_off: { what: "it failed a moment ago" },
  refresh_under_way_elsewhere: {
    what: "another process is refreshing this grant and has not finished",
    hint: "if this lasts for minutes, check whether one of your processes or hosts hangs",
  },
  tokens_end_at_once: {
    what: "its new tokens have expired by the time they arrive",
    hint: "ask the provider why its answers have an expires_in of almost 0",
  },
  timeout: { what: "it did not answer in time" },
  ...Object.fromEntries(
    ["econnrefused", "enotfound", "eai_again", "ehostunreach", "enetunreach", "network_error", "discovery_failed"].map(
      (error) => [
        error,
        {
          what: "this server could not reach it",
          hint: "if this lasts, check this server's network, DNS and proxy settings",
        },
      ],
    ),
  ),
};

/**
 * The provider gives no tokens just now. It is never the grant's fault.
 *
 * @param subject what did not happen, with the provider's name: "google gave no new token"
 * @param error the provider's error code, or our own word
 * @param reassurance what was not lost: "the grant is as it was"
 * @param details.retryAfterMs when to try again, milliseconds from now
 */
export function providerUnavailable(
  subject: string,
  error: string,
  reassurance: string,
  details: { readonly issuer: string; readonly retryAfterMs: number },
): OnbehalfError<"provider_unavailable"> {
  const { what, hint } = (Object.hasOwn(explanations, error) ? explanations[error] : undefined) ?? {};
  const again = `try again in ${retryAfterSeconds(details.retryAfterMs)} s; ${reassurance}`;
  return new OnbehalfError(
    "provider_unavailable",
    what === undefined ? `${subject} (${error})` : `${subject}: ${what} (${error})`,
    { hint: hint === undefined ? again : `${again}; ${hint}`, details },
  );
}
