/** What the page itself can run into. */
type LocalCode =
  | "popup_failed_to_open"
  | "popup_closed"
  | "popup_error"
  | "script_failed"
  | "network_error"
  | "unexpected_answer"
  | "state_mismatch"
  | "issuer_mismatch"
  | "insecure_context";

/** What the provider says on the way back, when there is no code (RFC 6749 section 4.1.2.1, and Google's own). */
type ProviderCode = "access_denied" | "admin_policy_enforced" | "org_internal" | "invalid_scope" | "server_error";

/** What `POST /authcode` answers. */
type ServiceCode =
  | "csrf_rejected"
  | "code_rejected"
  | "id_token_invalid"
  | "invalid_request"
  | "request_too_large"
  | "method_not_allowed"
  | "unauthorized"
  | "forbidden"
  | "client_misconfigured"
  | "provider_unavailable"
  | "store_unavailable"
  | "internal_error";

/**
 * The codes known today. A newer service or another provider may send one that is not listed here:
 * it comes through as it is, so keep a `default` in a `switch`.
 */
export type BrowserErrorCode = LocalCode | ProviderCode | ServiceCode | (string & Record<never, never>);

/** What is known about a failure besides its code and message. */
export interface BrowserErrorDetails {
  /** What to do next, in a sentence. */
  readonly hint?: string | undefined;
  /** The HTTP status, where the service answered. */
  readonly status?: number | undefined;
  /** Seconds to wait before another try, where the service said so (`Retry-After`). */
  readonly retryAfterSeconds?: number | undefined;
  /** What was thrown underneath. */
  readonly cause?: unknown;
}

/** The one error of this client. Act on `code`, show `hint` to a developer, never match on `message`. */
export class OnbehalfBrowserError extends Error {
  override readonly name = "OnbehalfBrowserError";
  readonly code: BrowserErrorCode;
  readonly hint: string | undefined;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: BrowserErrorCode, message: string, details: BrowserErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** Narrows what a `catch` caught. */
export function isOnbehalfBrowserError(error: unknown): error is OnbehalfBrowserError {
  return error instanceof OnbehalfBrowserError;
}
