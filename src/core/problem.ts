import { OnbehalfError, isOnbehalfError } from "./errors.ts";

/** Where everybody finds docs/errors.md; each code is a section of it. */
export const errorsPage = "https://github.com/onbehalf/onbehalf/blob/main/docs/errors.md";

/** An error as an HTTP response. `body` is a JSON object; the content type in `headers` says so. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * An error as problem details, with the members that OAuth's own errors have beside them. An error that is no {@link
 * OnbehalfError} becomes `internal_error` and tells nothing of itself: its message may hold a secret.
 *
 * @param error anything that was caught
 * @param errorsUrl where docs/errors.md is to be found, without a fragment: `type` and `error_uri` lead to its sections
 * @returns status, headers and body of the response; durations are in `Retry-After`, in seconds
 * @see https://www.rfc-editor.org/rfc/rfc9457#section-3
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function problemOf(error: unknown, errorsUrl: string = errorsPage): Problem {
  const known = isOnbehalfError(error) ? (error as OnbehalfError) : internal;
  const { status } = known;
  const uri = `${errorsUrl}#${known.code}`;
  return {
    status,
    headers: headersFor(known),
    body: {
      type: uri,
      title: known.code.replaceAll("_", " "),
      status,
      detail: known.message,
      error: known.code,
      error_description: known.message,
      hint: known.hint,
      error_uri: uri,
      ...wireDetails(known.details),
    },
  };
}

/**
 * {@link problemOf} as a web-standard response.
 *
 * @param error anything that was caught
 * @param errorsUrl as `problemOf` takes it
 */
export function problemResponse(error: unknown, errorsUrl?: string): Response {
  const { status, headers, body } = problemOf(error, errorsUrl);
  return new Response(JSON.stringify(body), { status, headers });
}

const internal = new OnbehalfError("internal_error", "the server failed unexpectedly", {
  hint: "look at the server's log for this time",
  details: {},
});

/**
 * A wait as `Retry-After` has it: whole seconds, rounded up, at least 1. Rounded down, callers would come back a moment
 * too early and be refused again.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}

function headersFor({ code, details }: OnbehalfError): Record<string, string> {
  const headers: Record<string, string> = { "content-type": "application/problem+json", "cache-control": "no-store" };
  if (code === "unauthorized") headers["www-authenticate"] = 'Bearer realm="onbehalf"';
  if ("retryAfterMs" in details) headers["retry-after"] = String(retryAfterSeconds(details.retryAfterMs));
  if ("allow" in details) headers["allow"] = details.allow.join(", ");
  return headers;
}

/** Details in OAuth's spelling: snake_case. JSON makes ISO 8601 texts of times. A wait is in `Retry-After` instead. */
function wireDetails(details: object): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(details) as [string, unknown][]) {
    if (name === "retryAfterMs") continue;
    wire[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = Array.isArray(value)
      ? value.map((each: unknown) => (typeof each === "object" && each !== null ? wireDetails(each) : each))
      : value;
  }
  return wire;
}
