import { OnbehalfError, isOnbehalfError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";

/** Where docs/errors.md is read; each code is a section of it. */
export const errorsPage = "/docs/errors.md";

const statuses: Readonly<Record<ErrorCode, number>> = {
  unauthorized: 401,
  forbidden: 403,
  csrf_rejected: 403,
  grant_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  ambiguous_grant: 409,
  reauthorization_required: 409,
  code_rejected: 400,
  id_token_invalid: 400,
  invalid_request: 400,
  host_not_allowed: 403,
  insufficient_scope: 403,
  request_too_large: 413,
  client_misconfigured: 502,
  provider_unavailable: 503,
  store_unavailable: 503,
  keeper_unavailable: 503,
  grant_unreadable: 500,
  configuration_invalid: 500,
  key_invalid: 500,
  store_unusable: 500,
  internal_error: 500,
};

/** The HTTP status of a code. */
export function statusOf(code: ErrorCode): number {
  return statuses[code];
}

/** An error as HTTP shows it. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * An error as RFC 9457 problem details, with the members that OAuth's own errors have.
 * Whatever is not ours becomes `internal_error`, and tells nothing.
 *
 * @see RFC 9457 section 3; RFC 6749 section 5.2
 */
export function problemOf(error: unknown): Problem {
  const known = isOnbehalfError(error) ? (error as OnbehalfError) : internal;
  const status = statuses[known.code];
  const uri = `${errorsPage}#${known.code}`;
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

/** {@link problemOf} as a web-standard response. */
export function problemResponse(error: unknown): Response {
  const { status, headers, body } = problemOf(error);
  return new Response(JSON.stringify(body), { status, headers });
}

const internal = new OnbehalfError("internal_error", "something failed on our side", {
  hint: "look at the server's log for this time",
  details: {},
});

/** Rounded up, and at least one: who comes back a moment too early is turned away again. RFC 9110 section 10.2.3. */
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

/** Details in OAuth's spelling: snake_case, ISO times, and seconds where HTTP has seconds. */
function wireDetails(details: object): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(details) as [string, unknown][]) {
    if (name === "retryAfterMs") continue;
    wire[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return wire;
}
