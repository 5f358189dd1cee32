import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { ProbeFacts } from "./probe.ts";

export function checkProvider(name: string, { url, sentAt, receivedAt, status, keys, failure }: ProbeFacts): Finding {
  const took = `${Math.round(receivedAt - sentAt)} ms`;
  if (failure !== undefined) {
    return fail(
      "provider",
      `${name} is out of reach: ${url} (${failure})`,
      "look at DNS, firewall and proxy of this machine",
    );
  }
  if (status !== 200) {
    return fail(
      "provider",
      `${name} answered ${status ?? ""} at ${url}`,
      "look at ONBEHALF_GOOGLE_BASE_URL, if it is set, or try again later",
    );
  }
  if (keys === undefined) {
    return fail(
      "provider",
      `what ${name} answers at ${url} is no key set`,
      "something between here and there answers in its place",
    );
  }
  return ok("provider", `${name} answered in ${took} with ${keys} keys: ${url}`);
}

/** ID tokens are accepted with so much difference between their clock and ours, milliseconds. */
const leewayMs = 60_000;
const noticeableMs = 5_000;

/**
 * Our clock against the provider's `Date`, which has whole seconds.
 *
 * @see RFC 9110 section 6.6.1
 */
export function checkClock(name: string, { sentAt, receivedAt, date }: ProbeFacts): Finding[] {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) return [];
  const skewMs = (sentAt + receivedAt) / 2 - (theirs + 500);
  const seconds = Math.abs(skewMs / 1000).toFixed(1);
  const message = `this machine's clock is ${seconds} s ${skewMs < 0 ? "behind" : "ahead of"} ${name}'s`;
  if (Math.abs(skewMs) > leewayMs) {
    return [fail("clock", message, "set the clock, with NTP: ID tokens are refused like this, and expiries are wrong")];
  }
  if (Math.abs(skewMs) > noticeableMs) return [warn("clock", message, "set the clock, with NTP")];
  return [ok("clock", message)];
}
