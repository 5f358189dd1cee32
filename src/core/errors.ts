import type { LapseReason } from "./grant.ts";

/** What each error code carries besides its message. Times are `Date`s, durations end in their unit. */
export interface ErrorDetails {
  /** The caller key is missing, unknown, expired or revoked. */
  unauthorized: object;
  /** The caller is known and may not do this. */
  forbidden: { permission?: string };
  /** A browser could have been made to send this request; nothing was spent. `rule` names the check that failed. */
  csrf_rejected: { rule: "origin" | "requested_with" };
  /** No such grant, or not this caller's: the two are not told apart. */
  grant_not_found: object;
  /** The reference fits several grants. */
  ambiguous_grant: { grantIds: readonly string[]; providers: readonly string[] };
  /** The person must consent again; no retry helps. */
  reauthorization_required: { grantId: string; since: Date; reason: LapseReason };
  /** The one-time code was used, has expired, or belongs to another client. `providerError` is RFC 6749's `error`. */
  code_rejected: { providerError?: string };
  /** The ID token did not verify; nothing was handed out. */
  id_token_invalid: { check: string };
  /** The request itself is wrong. */
  invalid_request: { parameter?: string };
  /** The proxy may not send a token to this host. */
  host_not_allowed: { host: string; allowed: readonly string[] };
  /** A body or a header was larger than the limit. */
  request_too_large: { limitBytes: number };
  /** The grant does not cover what the API asked for. */
  insufficient_scope: { grantId: string; missingScopes: readonly string[]; grantedScopes: readonly string[] };
  /** The provider refused our client. Never the user's fault, never ends a grant. */
  client_misconfigured: { issuer: string; clientId: string; providerError: string };
  /** The provider did not answer usefully. No grant changed. */
  provider_unavailable: { issuer: string; retryAfterMs: number };
  /** The database did not answer. No grant changed. */
  store_unavailable: { retryAfterMs: number };
  /** The process that opens refresh tokens is not there just now. No grant changed. */
  keeper_unavailable: { retryAfterMs: number };
  /** A sealed value of this grant does not open: it was damaged, or pasted from elsewhere. */
  grant_unreadable: { grantId: string };
  /** Settings are wrong; every problem found is listed. */
  configuration_invalid: { problems: readonly string[] };
  /** The master key is missing, malformed, or not the one this store was sealed with. */
  key_invalid: object;
  /** The store's schema or file cannot be used as it is. */
  store_unusable: object;
  /** No such address. */
  not_found: object;
  /** The address exists; this method does not. */
  method_not_allowed: { allow: readonly string[] };
  /** A fault of ours; the log says more than the answer. */
  internal_error: object;
}

/** The closed set of codes; narrow on `error.code`. */
export type ErrorCode = keyof ErrorDetails;

export interface ErrorOptions<C extends ErrorCode> {
  /** What to do next, one sentence, lower case. */
  hint: string;
  details: ErrorDetails[C];
  cause?: unknown;
}

/** The one error class of this library. Messages never contain a token, a code or a secret. */
export class OnbehalfError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "OnbehalfError";
  readonly code: C;
  readonly hint: string;
  readonly details: ErrorDetails[C];

  constructor(code: C, message: string, { hint, details, cause }: ErrorOptions<C>) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
    this.details = details;
  }
}

/** An {@link OnbehalfError} whose `details` narrow with its `code`. */
export type AnyOnbehalfError = { [C in ErrorCode]: OnbehalfError<C> }[ErrorCode];

/**
 * Whether `error` is ours; then `error.code` narrows `error.details`.
 *
 * @param error anything that was caught
 * @param code only this code, where given
 */
export function isOnbehalfError<C extends ErrorCode>(error: unknown, code: C): error is OnbehalfError<C>;
export function isOnbehalfError(error: unknown): error is AnyOnbehalfError;
export function isOnbehalfError(error: unknown, code?: ErrorCode): boolean {
  return error instanceof OnbehalfError && (code === undefined || error.code === code);
}

/**
 * What a caller sent cannot be acted upon.
 *
 * @param message what is wrong, such as `redirect_uri is not a URL`
 * @param hint what to send instead
 * @param parameter its name on the wire, where one parameter is to blame
 */
export function invalidRequest(message: string, hint: string, parameter?: string): OnbehalfError<"invalid_request"> {
  return new OnbehalfError("invalid_request", message, {
    hint,
    details: parameter === undefined ? {} : { parameter },
  });
}

/**
 * A setting or an option cannot work.
 *
 * @param problem what is wrong; it stands in `details.problems` as well
 * @param hint how to correct it
 * @param cause where it comes from another error
 */
export function configurationInvalid(
  problem: string,
  hint: string,
  cause?: unknown,
): OnbehalfError<"configuration_invalid"> {
  return new OnbehalfError("configuration_invalid", problem, { hint, details: { problems: [problem] }, cause });
}
