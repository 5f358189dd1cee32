import { OnbehalfError } from "../../core/errors.ts";
import { retryAfterSeconds } from "../../core/problem.ts";

/** Our own words for why the provider is not asked just now, and others that need more than patience. */
const explained: Readonly<Record<string, { readonly what: string; readonly hint?: string }>> = {
  rate_limited: { what: "it says that we ask too often, so nobody asks for a while" },
  provider_down: { what: "it has failed several times in a row, so nobody asks for a while" },
  backing_off: { what: "it failed a moment ago" },
  refresh_under_way_elsewhere: {
    what: "another process is refreshing this grant and has not finished",
    hint: "if this lasts for minutes, see whether one of your processes or hosts hangs",
  },
  tokens_end_at_once: {
    what: "its new tokens have ended when they come",
    hint: "ask the provider why its answers say an expires_in of next to nothing",
  },
  timeout: { what: "no answer in time" },
  ...Object.fromEntries(
    ["econnrefused", "enotfound", "eai_again", "ehostunreach", "enetunreach", "network_error", "discovery_failed"].map(
      (error) => [
        error,
        { what: "it was not reached", hint: "if this lasts, look at this server's network, DNS and proxy settings" },
      ],
    ),
  ),
};

/**
 * The provider gives nothing just now. Never the grant's fault.
 *
 * @param subject what did not come, with the provider's name: "google gave no new token"
 * @param error the provider's error code, or our own word
 * @param reassurance what has not happened to whatever the caller cares for
 */
export function providerUnavailable(
  subject: string,
  error: string,
  reassurance: string,
  details: { readonly issuer: string; readonly retryAfterMs: number },
): OnbehalfError<"provider_unavailable"> {
  const { what, hint } = (Object.hasOwn(explained, error) ? explained[error] : undefined) ?? {};
  const again = `try again in ${retryAfterSeconds(details.retryAfterMs)} s; ${reassurance}`;
  return new OnbehalfError(
    "provider_unavailable",
    what === undefined ? `${subject} (${error})` : `${subject}: ${what} (${error})`,
    { hint: hint === undefined ? again : `${again}; ${hint}`, details },
  );
}

/** What to do where our client is refused, by the provider's error code. */
const clientHints: Readonly<Record<string, string>> = {
  invalid_client:
    "the client's secret was changed or the client was deleted: download client_secret.json again, and restart",
  deleted_client: "the client was deleted in the provider's console: restore it there",
  disabled_client: "the client is disabled in the provider's console: enable it there",
  unauthorized_client: "the client may not do this: compare its id, its type and what it is allowed to in the console",
  org_internal: "the app is open to its own organisation alone: change its user type in the console",
};

/**
 * The provider refuses our client, or what we send for it. Never the grant's fault, nor the person's.
 *
 * @param error the provider's error code
 */
export function clientMisconfigured(
  { provider, clientId, issuer }: { readonly provider: string; readonly clientId: string; readonly issuer: string },
  error: string,
): OnbehalfError<"client_misconfigured"> {
  return new OnbehalfError("client_misconfigured", `${provider} refused client ${clientId} (${error})`, {
    hint:
      (Object.hasOwn(clientHints, error) ? clientHints[error] : undefined) ??
      "compare the client's settings and endpoints with the provider's documentation; no person need sign in again",
    details: { issuer, clientId, providerError: error },
  });
}
