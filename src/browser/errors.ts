/** Failures of the page itself. */
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

/** The provider's answer where it sends no code: codes of RFC 6749 section 4.1.2.1, and Google's own. */
type ProviderCode = "access_denied" | "admin_policy_enforced" | "org_internal" | "invalid_scope" | "server_error";

/** Errors that `POST /authcode` answers. */
type ServiceCode =
  | "csrf_rejected"
  | "code_rejected"
  | "id_token_invalid"
  | "ticket_invalid"
  | "external_id_conflict"
  | "invalid_request"
  | "request_too_large"
  | "method_not_allowed"
  | "unauthorized"
  | "forbidden"
  | "client_misconfigured"
  | "provider_unavailable"
  | "store_unavailable"
  | "keeper_unavailable"
  | "internal_error";

/**
 * The codes known today. A newer service or another provider may send one that is not listed here, which is passed on as
 * it is: keep a `default` in a `switch`.
 */
export type BrowserErrorCode = LocalCode | ProviderCode | ServiceCode | (string & Record<never, never>);

/** What is known about a failure, besides its code and message. */
export interface BrowserErrorDetails {
  /** What to do next, in one sentence. */
  readonly hint?: string | undefined;
  /** The HTTP status, where the service answered. */
  readonly status?: number | undefined;
  /** Seconds to wait before another try, where the service said so (`Retry-After`). */
  readonly retryAfterSeconds?: number | undefined;
  /** The error that this one comes from. */
  readonly cause?: unknown;
}

/**
 * The one error class of this client. Decide by `code`, show `hint` to a developer, and never compare `message`: its wording
 * changes.
 */
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

/**
 * Whether a caught value is an error of this client.
 *
 * @param error anything that was caught
 */
export function isOnbehalfBrowserError(error: unknown): error is OnbehalfBrowserError {
  return error instanceof OnbehalfBrowserError;
}
