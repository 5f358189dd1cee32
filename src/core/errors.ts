import type { Cause, Certainty, Evidence } from "./diagnosis/diagnosis.ts";
import type { DependsOn, Reason } from "./diagnosis/reasons.ts";
import type { TicketFlaw } from "./ticket.ts";

/** What each error code carries besides its message. Times are `Date`s, durations end in their unit. */
export interface ErrorDetails {
  /** The caller key is missing, unknown, expired or revoked. */
  unauthorized: object;
  /** The caller is known and may not do this. `permission`: what its key lacks, where a permission would help. */
  forbidden: { permission?: string };
  /** Another site could have made a browser send this request. No code was used. `rule`: the check that failed. */
  csrf_rejected: { rule: "origin" | "requested_with" };
  /** No grant fits the reference. */
  grant_not_found: object;
  /** The grant has no handle with this id. */
  handle_not_found: object;
  /** The reference fits several grants. `accounts`: each of them, with the label that tells it from the others. */
  ambiguous_grant: {
    accounts: readonly { readonly account: string; readonly provider: string; readonly grantId: string }[];
    grantIds: readonly string[];
    providers: readonly string[];
  };
  /**
   * The app's user knows another account of this provider as `account`, by a grant that is not over. What the code brought
   * is stored as `grantId`, without that. `heldBy`: the grant that has the label. Each id is absent for a caller that does
   * not see it.
   */
  external_id_conflict: { account: string; grantId?: string; heldBy?: string };
  /** The person must consent again; no retry helps. `since`: when the grant ended. The rest says why, as a grant's members do. */
  reauthorization_required: {
    grantId: string;
    since: Date;
    reason: Reason;
    certainty?: Certainty;
    evidence?: readonly Evidence[];
    dependsOn?: DependsOn;
    fix?: string;
    causes?: readonly Cause[];
  };
  /**
   * The one-time code was used, has expired, or belongs to another client. `providerError`: what the provider said, in
   * the words of RFC 6749. Absent: the code came here a second time, and the provider was not asked.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
   */
  code_rejected: { providerError?: string };
  /**
   * The provider refuses the refresh token that was deposited; nothing is stored. `providerError`: what it said, in the
   * words of RFC 6749.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
   */
  deposit_refused: { providerError: string };
  /**
   * The refresh token that was deposited may have been sent, and the answer is lost: the provider may have replaced the
   * token. Nothing is stored. `sentAt`: when it was.
   */
  deposit_outcome_unknown: { sentAt: Date };
  /** The ID token did not verify; nothing was handed out. `check`: the claim or property that failed, such as `aud`. */
  id_token_invalid: { check: string };
  /** A connect link may not send people back there: the address is on no list. */
  return_url_not_allowed: object;
  /** There is no such connect link, or none any more. */
  connect_not_found: object;
  /** The connect link lives for fifteen minutes, which are over. What it had brought was ended. */
  connect_expired: object;
  /** The verifier does not fit the challenge that the connect link was made with. */
  verifier_mismatch: object;
  /** Nobody has come back from the provider yet by this connect link. */
  connect_waiting: object;
  /** The connect link brought no grant, and will not. `reason`: why, such as `access_denied`. */
  connect_failed: { reason: string };
  /** There is no such session of this caller, or none any more. */
  session_not_found: object;
  /** So many sessions of this caller have not ended. `limit`: how many may live at once. */
  too_many_sessions: { limit: number };
  /**
   * Events after the one that was named are not kept any more, or that one is not there, as after an older backup was restored.
   * `oldest`, `newest`: the numbers that there are. `readOnAfter`: from where on none is missing.
   */
  events_missed: { oldest: number; newest: number; readOnAfter: number };
  /** The ticket does not fit what came with it. The code was not used. `reason`: what does not fit. */
  ticket_invalid: { reason: TicketFlaw };
  /** The request itself is wrong. `parameter`: the one to correct, where one parameter is to blame. */
  invalid_request: { parameter?: string };
  /** A token may not be sent to `host`. `allowed`: where the provider's tokens may go. */
  host_not_allowed: { host: string; allowed: readonly string[] };
  /** A body or a header was larger than the limit. */
  request_too_large: { limitBytes: number };
  /** The grant does not cover what the API asked for. */
  insufficient_scope: { grantId: string; missingScopes: readonly string[]; grantedScopes: readonly string[] };
  /** The provider refused our client. It is never the person's fault, and never ends a grant. */
  client_misconfigured: { issuer: string; clientId: string; providerError: string };
  /** The provider did not answer, or its answer was of no use. No grant changed. */
  provider_unavailable: { issuer: string; retryAfterMs: number };
  /** The database did not answer. No grant changed. */
  store_unavailable: { retryAfterMs: number };
  /** The keeper's process did not answer. Work that it had begun goes on; the same call may be made again. */
  keeper_unavailable: { retryAfterMs: number };
  /**
   * The service did not answer a remote vault, or what answered in its place was not the service. Nothing is known of the
   * grant.
   */
  service_unavailable: { retryAfterMs: number };
  /** A sealed value of this grant does not open: it was damaged, or copied from another row or store. `grantId`: absent for who may not see it. */
  grant_unreadable: { grantId?: string };
  /** Options or settings are wrong. `problems`: every problem that was found. */
  configuration_invalid: { problems: readonly string[] };
  /** The master key is missing, malformed, or not the one this store was sealed with. */
  key_invalid: object;
  /** The store's schema or file cannot be used as it is. */
  store_unusable: object;
  /** No such address. */
  not_found: object;
  /** The address exists; this method does not. */
  method_not_allowed: { allow: readonly string[] };
  /** Onbehalf itself failed. The log says more than the answer. */
  internal_error: object;
}

/** The closed set of codes; narrow on `error.code`. */
export type ErrorCode = keyof ErrorDetails;

const statuses: Readonly<Record<ErrorCode, number>> = {
  unauthorized: 401,
  forbidden: 403,
  csrf_rejected: 403,
  grant_not_found: 404,
  handle_not_found: 404,
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
  invalid_request: 400,
  return_url_not_allowed: 400,
  connect_not_found: 404,
  connect_expired: 410,
  verifier_mismatch: 400,
  session_not_found: 404,
  events_missed: 410,
  too_many_sessions: 429,
  connect_waiting: 409,
  connect_failed: 409,
  host_not_allowed: 403,
  insufficient_scope: 403,
  request_too_large: 413,
  client_misconfigured: 502,
  provider_unavailable: 503,
  store_unavailable: 503,
  keeper_unavailable: 503,
  service_unavailable: 503,
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

/** What an error carries besides its code and its message. */
export interface ErrorOptions<C extends ErrorCode> {
  /** What to do next, one sentence, lower case. */
  hint: string;
  details: ErrorDetails[C];
  cause?: unknown;
}

/**
 * The one error class of this library. `message` says what is wrong, `hint` what to do next, and `code` decides what
 * `details` holds. None of them ever contains a token, a code or a secret.
 */
export class OnbehalfError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "OnbehalfError";
  readonly code: C;
  /** What to do next, one sentence, lower case. */
  readonly hint: string;
  readonly details: ErrorDetails[C];

  constructor(code: C, message: string, { hint, details, cause }: ErrorOptions<C>) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
    this.details = details;
  }

  /** The HTTP status of its code, 400 to 503: what Express, Fastify and the like answer where they are given the error. */
  get status(): number {
    return statuses[this.code];
  }
}

/** An {@link OnbehalfError} whose `details` narrow with its `code`. */
export type AnyOnbehalfError = { [C in ErrorCode]: OnbehalfError<C> }[ErrorCode];

/**
 * Whether `error` is an {@link OnbehalfError}. Then `error.code` narrows `error.details`.
 *
 * @param error anything that was caught
 * @param code only this code; any code by default
 */
export function isOnbehalfError<C extends ErrorCode>(error: unknown, code: C): error is OnbehalfError<C>;
export function isOnbehalfError(error: unknown): error is AnyOnbehalfError;
export function isOnbehalfError(error: unknown, code?: ErrorCode): boolean {
  return error instanceof OnbehalfError && (code === undefined || error.code === code);
}

/**
 * Says that what a caller sent is wrong.
 *
 * @param message what must hold, such as `redirect_uri must be a URL`
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
 * Says everything that is wrong with settings or options at once.
 *
 * @param problems each a sentence of its own; at least one
 * @param hint how to correct them
 */
export function configurationProblems(
  problems: readonly string[],
  hint: string,
): OnbehalfError<"configuration_invalid"> {
  const [first = ""] = problems;
  const message =
    problems.length === 1 ? first : `the configuration has ${problems.length} problems: ${problems.join("; ")}`;
  return new OnbehalfError("configuration_invalid", message, { hint, details: { problems } });
}

/**
 * Says that a setting or an option cannot work.
 *
 * @param problem what is wrong; `details.problems` holds it as well
 * @param hint how to correct it
 * @param cause the error that showed the problem, where there was one
 */
export function configurationInvalid(
  problem: string,
  hint: string,
  cause?: unknown,
): OnbehalfError<"configuration_invalid"> {
  return new OnbehalfError("configuration_invalid", problem, { hint, details: { problems: [problem] }, cause });
}
