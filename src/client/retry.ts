/** When a request to the service is sent again, and when the service is left alone. Decisions about numbers alone. */

const firstDelayMs = 100;
const longestDelayMs = 2_000;

/**
 * How long to wait before a request is sent again.
 *
 * @param failures how many times it has failed: 1 or more
 * @param retryAfterMs how long the answer asks to wait, milliseconds; 0: it does not say
 * @param random in [0, 1): programs that lost the service together must not come back together
 * @returns milliseconds
 */
export function delayMs(failures: number, retryAfterMs: number, random: number): number {
  const backoffMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1));
  return Math.max(retryAfterMs, backoffMs * (0.5 + 0.5 * random));
}

/**
 * A wait as `Retry-After` has it: seconds, or a date. A date is compared with the `Date` of the same answer, where there is
 * one: the two machines' clocks may differ.
 *
 * @param now milliseconds since the epoch
 * @returns milliseconds; 0: the answer does not say, or says nothing that can be read
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMs(headers: Headers, now: number): number {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return 0;
  const theirs = Date.parse(headers.get("date") ?? "");
  return Math.max(0, at - (Number.isNaN(theirs) ? now : theirs));
}
