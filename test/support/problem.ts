import assert from "node:assert/strict";

/** The status that each error code has, as docs/errors.md promises it. */
export const statusOf: Readonly<Record<string, number>> = {
  unauthorized: 401,
  forbidden: 403,
  csrf_rejected: 403,
  grant_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  ambiguous_grant: 409,
  external_id_conflict: 409,
  reauthorization_required: 409,
  code_rejected: 400,
  deposit_refused: 400,
  deposit_outcome_unknown: 409,
  id_token_invalid: 400,
  ticket_invalid: 403,
  return_url_not_allowed: 400,
  verifier_mismatch: 400,
  connect_not_found: 404,
  handle_not_found: 404,
  session_not_found: 404,
  too_many_sessions: 429,
  connect_waiting: 409,
  connect_failed: 409,
  connect_expired: 410,
  events_missed: 410,
  invalid_request: 400,
  host_not_allowed: 403,
  insufficient_scope: 403,
  request_too_large: 413,
  client_misconfigured: 502,
  provider_unavailable: 503,
  store_unavailable: 503,
  grant_unreadable: 500,
};

type Body = Readonly<Record<string, unknown>>;

/** Where the errors of a handler in an app's own server lead. */
export const publicErrors = "https://github.com/onbehalf/onbehalf/blob/main/docs/errors.md";

/** Checks that an answer is this error, whole: RFC 9457's members and OAuth's, a hint, and a place to read on. */
export async function assertProblem(
  response: { readonly status: number; readonly headers: Headers; text(): Promise<string> },
  code: string,
  about = "",
  errorsUrl = "/docs/errors.md",
): Promise<Body> {
  const text = await response.text();
  const said = `${about} ${String(response.status)} ${text.slice(0, 300)}`;
  assert.equal(response.status, statusOf[code], said);
  assert.equal(response.headers.get("content-type"), "application/problem+json", said);
  assert.equal(response.headers.get("cache-control"), "no-store", said);
  const body = JSON.parse(text) as Body;
  assert.equal(body["error"], code, said);
  assert.equal(body["status"], response.status, said);
  assert.equal(body["detail"], body["error_description"], said);
  assert.equal(body["error_uri"], `${errorsUrl}#${code}`, said);
  assert.equal(body["type"], body["error_uri"], said);
  for (const name of ["title", "error_description", "hint"]) {
    assert.ok(typeof body[name] === "string" && body[name] !== "", `${name} in ${said}`);
  }
  if (response.status === 401) assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer /, said);
  if (response.status === 405) assert.notEqual(response.headers.get("allow") ?? "", "", said);
  if (response.status === 503) assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/, said);
  return body;
}
