/** The errors of the token endpoint, in the words of OAuth, which client libraries understand. */
import { isOnbehalfError } from "../../../index.ts";
import type { AnyOnbehalfError } from "../../../index.ts";
import { retryAfterSeconds } from "../../../core/problem.ts";

/** RFC 6749 section 5.2, RFC 8693 section 2.2.2; the last three are those of RFC 6749 section 4.1.2.1. */
export type OAuthErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "invalid_scope"
  | "invalid_target"
  | "unsupported_response_type"
  | "temporarily_unavailable"
  | "server_error";

const statuses: Partial<Readonly<Record<OAuthErrorCode, number>>> = {
  invalid_client: 401,
  temporarily_unavailable: 503,
  server_error: 500,
};

/** What the token endpoint refuses, and why: `message` is what `error_description` says. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: OAuthErrorCode,
    message: string,
    { status, headers = {} }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.code = code;
    this.status = status ?? statuses[code] ?? 400;
    this.headers = headers;
  }
}

/** How long a client waits before it comes again, where only the operator can put things right, seconds. */
const operatorSeconds = 60;

/** An error of the vault in OAuth's words. What is neither the client's nor the person's fault is worth another try. */
export function oauthErrorOf(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  if (!isOnbehalfError(error)) return new OAuthError("server_error", "the server failed unexpectedly");
  return known(error);
}

function known(error: AnyOnbehalfError): OAuthError {
  const says = `${error.message}: ${error.hint}`;
  const { code, status, details } = error;
  if (code === "unauthorized") return invalidClient();
  if (code === "forbidden") return new OAuthError("unauthorized_client", says);
  if (code === "invalid_request" || code === "request_too_large") {
    return new OAuthError("invalid_request", says, { status });
  }
  if (code === "reauthorization_required") {
    return new OAuthError("invalid_grant", `consent is needed again: ${error.message}`);
  }
  if ("retryAfterMs" in details) return unavailable(says, retryAfterSeconds(details.retryAfterMs));
  // Our client, not the one that asks: told of invalid_client, that one would look at its own secret, or give the person's
  // consent up.
  if (code === "client_misconfigured") return unavailable(says, operatorSeconds);
  return new OAuthError("server_error", says);
}

/** One answer to all that is wrong with a client: it does not say which clients there are. */
export function invalidClient(
  message = "client_id and client_secret must be a caller's name or id, and its key: one of them is unknown, expired or revoked",
): OAuthError {
  // A 401 must name a scheme (RFC 9110 section 15.5.2); it is the one that RFC 6749 section 2.3.1 has every server know.
  return new OAuthError("invalid_client", message, {
    headers: { "www-authenticate": 'Basic realm="onbehalf", charset="UTF-8"' },
  });
}

function unavailable(message: string, seconds: number): OAuthError {
  return new OAuthError("temporarily_unavailable", message, { headers: { "retry-after": String(seconds) } });
}

/**
 * An error as the answer of a token endpoint.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function oauthErrorResponse({ code, message, status, headers }: OAuthError): Response {
  return Response.json(
    { error: code, error_description: describable(message) },
    { status, headers: { "cache-control": "no-store", pragma: "no-cache", ...headers } },
  );
}

/** A text in the characters that `error_description` may have: ASCII without quotation marks and backslashes. */
function describable(text: string): string {
  return text
    .replaceAll("…", "...")
    .replaceAll('"', "'")
    .replaceAll(/[^\x20-\x7e]|\\/g, "?");
}
