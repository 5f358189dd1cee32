import { shownUrl } from "../../core/secret-likeness.ts";
import { isLoopback } from "../../outbound/proxy-settings.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { ProbeFacts } from "./probe.ts";

/** Checks that the provider answers with its keys. */
export function checkProvider(
  name: string,
  { url: whole, sentAt, receivedAt, status, keys, failure }: ProbeFacts,
): Finding {
  const url = shownUrl(whole);
  const took = `${Math.round(receivedAt - sentAt)} ms`;
  if (failure !== undefined) {
    return fail("provider", `${name} cannot be reached at ${url} (${failure})`, whatToCheck(failure));
  }
  if (status !== 200) {
    return fail(
      "provider",
      `${name} answered ${status ?? ""} at ${url}`,
      "check ONBEHALF_GOOGLE_BASE_URL if it is set; otherwise try again later",
    );
  }
  if (keys === undefined) {
    return fail(
      "provider",
      `${name} did not answer with a key set at ${url}`,
      "a proxy or a captive portal may have answered instead: open the URL from this machine",
    );
  }
  return ok("provider", `${name} answered in ${took} with ${keys} ${keys === 1 ? "key" : "keys"}: ${url}`);
}

/** The document of an issuer without ID tokens names no token endpoint, or there is none. */
export function checkDocument(name: string, facts: ProbeFacts): Finding {
  const { url, status, failure } = facts;
  if (failure !== undefined || (status ?? 500) >= 500) return checkProvider(name, facts);
  return fail(
    "provider",
    `${name} has no document that names a token endpoint (${status ?? ""}): ${shownUrl(url)}`,
    "check the issuer, or name authorization_endpoint and token_endpoint",
  );
}

/** Checks that the token endpoint of a provider without published keys is there. It refuses such a question, and may do so. */
export function checkReachable(name: string, facts: ProbeFacts): Finding {
  const { url, sentAt, receivedAt, status, failure } = facts;
  if (failure !== undefined || (status ?? 500) >= 500) return checkProvider(name, facts);
  if (status === 404 || status === 405 || status === 410) {
    return fail(
      "provider",
      `${name} has no token endpoint at ${shownUrl(url)} (${status})`,
      "compare token_endpoint with the provider's documentation",
    );
  }
  return ok("provider", `${name} answered in ${Math.round(receivedAt - sentAt)} ms: ${url}`);
}

/** What to look at where no answer came, by the reason for that. */
function whatToCheck(failure: string): string {
  if (failure.startsWith("PROXY_")) {
    return "check the proxy that HTTPS_PROXY names, and what it lets through; or name the provider's host in NO_PROXY";
  }
  if (/CERT|LEAF_SIGNATURE/.test(failure)) {
    return "a proxy that opens TLS shows a certificate of its own: name its authority's file in NODE_EXTRA_CA_CERTS";
  }
  return "check the DNS and the firewall of this machine; behind a company's proxy, set HTTPS_PROXY";
}

/** The most that our clock may differ from the provider's before its ID tokens are refused, milliseconds. */
const leewayMs = 60_000;
/** From here on the difference is worth a warning, milliseconds. */
const noticeableMs = 5_000;

/**
 * Compares this machine's clock with the provider's `Date` header, which has whole seconds.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1 | RFC 9110 section 6.6.1}
 */
export function checkClock(name: string, { url, sentAt, receivedAt, date }: ProbeFacts): Finding[] {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) return [];
  const skewMs = (sentAt + receivedAt) / 2 - (theirs + 500);
  const seconds = Math.abs(skewMs / 1000).toFixed(1);
  const message = `this machine's clock is ${seconds} s ${skewMs < 0 ? "behind" : "ahead of"} ${name}'s`;
  // A server on this machine that has another time keeps its own: nobody is to change the right clock.
  const repair = isOnThisMachine(url)
    ? "start a stand-in whose own clock was moved anew, or set the clock of the virtual machine that answers here"
    : "set the clock, best with NTP";
  if (Math.abs(skewMs) > leewayMs) {
    const until = `${repair}; until then ID tokens are refused and tokens expire at the wrong time`;
    return [fail("clock", message, until)];
  }
  if (Math.abs(skewMs) > noticeableMs) return [warn("clock", message, repair)];
  return [ok("clock", message)];
}

function isOnThisMachine(url: string): boolean {
  return URL.canParse(url) && isLoopback(new URL(url).hostname);
}
