import { OnbehalfError } from "../../core/errors.ts";
import { retryAfterSeconds } from "../../core/problem.ts";

const checkTheWay =
  "if this lasts, check this server's network, DNS and firewall; behind a company's proxy set HTTPS_PROXY: onbehalf " +
  "doctor says whether it is used";
const checkTheProxy =
  "check that the proxy runs, that its URL has the right credentials, and what it lets through; or name the provider's " +
  "host in NO_PROXY";
const checkTheAuthority =
  "a proxy that opens TLS shows a certificate of its own: name its authority's file in NODE_EXTRA_CA_CERTS; otherwise " +
  "check this server's clock and its certificates";

type Explanation = Readonly<Record<string, { readonly what: string; readonly hint?: string }>>;

function explained(what: string, hint: string, errors: readonly string[]): Explanation {
  return Object.fromEntries(errors.map((error) => [error, { what, hint }]));
}

/** Explains codes that do not explain themselves: our own for why no request is sent now, and those of the network. */
const explanations: Explanation = {
  rate_limited: { what: "it says that we send too many requests, so no request is sent for a while" },
  provider_down: { what: "it failed several times in a row, so no request is sent for a while" },
  too_many_sign_ins: {
    what: "more sign-ins arrive than may be sent to it, and this one had to give way",
    hint: "if this lasts, somebody may be sending codes that are none: limit POST /authcode in front of this server",
  },
  backing_off: { what: "it failed a moment ago" },
  store_restored: {
    what: "this store is a restored backup or a copy, as far as is known, so nothing is sent before its operator says so",
    hint: "look with onbehalf store status; where it was restored, run onbehalf store restored",
  },
  refresh_under_way_elsewhere: {
    what: "another process is refreshing this grant and has not finished",
    hint: "if this lasts for minutes, check whether one of your processes or hosts hangs",
  },
  tokens_end_at_once: {
    what: "its new tokens have expired by the time they arrive",
    hint: "ask the provider why its answers have an expires_in of almost 0",
  },
  tokens_refused: {
    what: "new tokens were refused as well, so no other is asked for yet",
    hint: "look at what the API says besides: it may refuse the person, the app or the address, and not the token",
  },
  timeout: { what: "it did not answer in time", hint: checkTheWay },
  ...explained("no connection to it came about in time", checkTheWay, [
    "connect_timeout",
    "und_err_connect_timeout",
    "etimedout",
  ]),
  ...explained("this server could not reach it", checkTheWay, [
    "econnrefused",
    "enotfound",
    "eai_again",
    "ehostunreach",
    "enetunreach",
    "network_error",
    "discovery_failed",
  ]),
  ...explained("the connection to it broke off", checkTheWay, [
    "econnreset",
    "epipe",
    "idle_timeout",
    "und_err_socket",
  ]),
  proxy_unreachable: { what: "the proxy that HTTPS_PROXY names cannot be reached", hint: checkTheProxy },
  proxy_refused: { what: "the proxy that HTTPS_PROXY names did not let the request through", hint: checkTheProxy },
  proxy_unusable: {
    what: "HTTPS_PROXY names no proxy that can be used",
    hint: "set HTTPS_PROXY to a URL such as http://proxy.example.com:3128 (SOCKS proxies cannot be used), or take it away",
  },
  ...explained("its certificate is not trusted", checkTheAuthority, [
    "cert_has_expired",
    "depth_zero_self_signed_cert",
    "self_signed_cert_in_chain",
    "unable_to_get_issuer_cert_locally",
    "unable_to_verify_leaf_signature",
    "err_tls_cert_altname_invalid",
  ]),
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
