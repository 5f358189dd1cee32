import { defined } from "./defined.ts";
import type { LapseReason } from "./grant-state.ts";

/**
 * What a refresh does to the refresh token that was sent. `none`: it stays valid. `graceSeconds`: a new one replaces
 * it, and the old one works for so many seconds more. `strict`: a new one replaces it, and the old one is dead at once.
 */
export type Rotation = "none" | "strict" | { readonly graceSeconds: number };

/**
 * An error that the provider named: any answer with an `error` member, whatever its HTTP status.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export interface OAuthError {
  readonly kind: "oauth-error";
  readonly status: number;
  readonly error: string;
  readonly errorSubtype?: string;
  /** Numbers that narrow the error, digits alone. */
  readonly errorNumbers?: readonly string[];
  /** What stands beside the code for people, short and without secrets. Absent: nothing. */
  readonly says?: string;
  readonly retryAfterMs?: number;
}

/** Our word for an answer with success whose ID token names another grant than the one that was asked for. */
export const answerOfAnotherGrant = "answer_of_another_grant";

/**
 * What came back from a token endpoint instead of tokens. `error`: the provider's code or, where it sent none, ours.
 */
export type TokenFailure =
  | OAuthError
  /**
   * An HTTP answer that says nothing: HTML, broken JSON, a body that is too large, 200 without a token, or one that was
   * meant for another grant.
   */
  | { readonly kind: "unusable"; readonly status: number; readonly error: string; readonly retryAfterMs?: number }
  /** No answer. `sent` is false only where the request certainly never arrived. */
  | { readonly kind: "silence"; readonly sent: boolean; readonly error: string };

/**
 * What a provider's error codes mean. It is data: for a provider with other error codes, no function must change. A code and
 * its subtype are one entry, such as `invalid_grant/invalid_rapt`; so are a code and its number, `invalid_grant/50076`. A
 * number alone, `50076`, means the same beside every code.
 *
 * - `dead`, `reauthenticate`, `restricted`: the person must come back, because the token is dead, because the provider
 *   asks for a sign-in, or because an administrator restricted what was granted.
 * - `misconfigured`: the provider refuses our client, so no grant can be refreshed.
 * - `ours`: the provider refuses our request for this grant. Other grants may work.
 * - `transient`, `limited`: the provider cannot answer now, or says that we send too many requests.
 */
export type RefusalMeaning =
  "dead" | "reauthenticate" | "restricted" | "misconfigured" | "transient" | "limited" | "ours";
export type Refusals = Readonly<Record<string, RefusalMeaning>>;

/**
 * The standard error codes, those by which OpenID providers ask for the person, and those that Google adds. Only `dead`,
 * `reauthenticate` and `restricted` speak about the grant; all others speak about our client, our request or the
 * provider.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 * @see https://openid.net/specs/openid-connect-core-1_0.html#AuthError
 * @see https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html
 */
export const standardRefusals: Refusals = {
  invalid_grant: "dead",
  // RFC 6750's word for a token that is expired, revoked or malformed. Some servers use it for refresh tokens.
  invalid_token: "dead",
  interaction_required: "reauthenticate",
  login_required: "reauthenticate",
  account_selection_required: "reauthenticate",
  consent_required: "reauthenticate",
  unmet_authentication_requirements: "reauthenticate",
  insufficient_user_authentication: "reauthenticate",
  // Of no standard, but several providers use it for the same: Auth0, Okta, and servers made after them.
  mfa_required: "reauthenticate",
  mfa_enrollment_required: "reauthenticate",
  mfa_registration_required: "reauthenticate",
  "invalid_grant/invalid_rapt": "reauthenticate",
  "invalid_grant/rapt_required": "reauthenticate",
  admin_policy_enforced: "restricted",
  invalid_client: "misconfigured",
  // Not of our client as a whole: providers send it for a refresh token that belongs to another client, too.
  unauthorized_client: "ours",
  deleted_client: "misconfigured",
  disabled_client: "misconfigured",
  org_internal: "misconfigured",
  redirect_uri_mismatch: "ours",
  invalid_request: "ours",
  invalid_scope: "ours",
  unsupported_grant_type: "ours",
  // Of our proof of a key (RFC 9449), and of a key that we have lost: not of the token.
  invalid_dpop_proof: "ours",
  dpop_key_lost: "ours",
  use_dpop_nonce: "transient",
  temporarily_unavailable: "transient",
  server_error: "transient",
  slow_down: "limited",
  rate_limit_exceeded: "limited",
};

/** What a provider's error codes mean: the standard meanings, and what its record says of its own codes. */
export function refusalsOf(provider: { readonly refusals?: Refusals } | undefined): Refusals {
  return { ...standardRefusals, ...provider?.refusals };
}

/** What to do where a refresh brought no tokens. */
export type Decision =
  /**
   * The provider refused the token that was sent. Take a second look before the grant lapses: a newer token may work.
   */
  | { readonly do: "second-look"; readonly reason: LapseReason; readonly error: string; readonly says?: string }
  /** The provider refuses our client: raise an alarm, and leave the grant as it is. */
  | { readonly do: "alert-operator"; readonly error: string; readonly says?: string }
  /**
   * The provider works and refuses this one request, in a code that says nothing of the person. This grant alone backs
   * off. `isOurs`: the code says that our request is wrong, so an operator must look. Otherwise nobody here knows what
   * the code means.
   */
  | {
      readonly do: "back-off";
      readonly error: string;
      readonly says?: string;
      readonly afterMs?: number;
      readonly isOurs: boolean;
    }
  /**
   * Try later. `ambiguous`: the provider may have replaced the token. `limited`: the provider says that we send too
   * many requests, which concerns every grant. `blocked`: this one request may have got it for what stands in it: a
   * 4xx that is no answer of a token endpoint, such as the page of a firewall, or an answer meant for another grant.
   * `isUp`: a 4xx in the form of RFC 6749, which a provider that is down does not send. It holds nobody else back.
   */
  | {
      readonly do: "retry";
      readonly error: string;
      readonly afterMs?: number;
      readonly ambiguous: boolean;
      readonly limited?: true;
      readonly blocked?: true;
      readonly isUp?: true;
    };

/** 408, 425 and 429: the status itself says that the same request may work later. */
export function saysLater(status: number): boolean {
  return status === 408 || status === 425 || status === 429;
}

/**
 * Decides what a failure at the token endpoint means for the grant whose refresh token was sent. Status 408, 425, 429
 * and 5xx come first; then `error` and `error_subtype` decide. A description never does: providers change their words.
 * An answer in the form of RFC 6749 with any other status proves that the provider works, whatever its code.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function decide(failure: TokenFailure, refusals: Refusals = standardRefusals): Decision {
  switch (failure.kind) {
    case "oauth-error":
      return decideOnError(failure, refusals);
    case "unusable": {
      const { status, error, retryAfterMs: afterMs } = failure;
      return defined({
        do: "retry" as const,
        error,
        afterMs,
        // A body that was cut short on its way may have carried the new token. Only a 4xx says that the token that was
        // sent is still good.
        ambiguous: !(status >= 400 && status < 500),
        limited: status === 429 ? (true as const) : undefined,
        blocked: isOfThisRequest(failure) ? (true as const) : undefined,
      });
    }
    case "silence":
      return { do: "retry", error: failure.error, ambiguous: failure.sent };
  }
}

/** Whether an answer that says nothing may come for this one request again and again, and for no other. */
function isOfThisRequest({ status, error }: TokenFailure & { kind: "unusable" }): boolean {
  return (status >= 400 && status < 500 && !saysLater(status)) || error === answerOfAnotherGrant;
}

function decideOnError(
  { status, error, errorSubtype, errorNumbers = [], says, retryAfterMs: afterMs }: OAuthError,
  refusals: Refusals,
): Decision {
  const retry = defined({ do: "retry" as const, error, afterMs, ambiguous: status >= 500 });
  // An overloaded server or a proxy may send a wrong error code, so the status decides.
  if (status === 429) return { ...retry, limited: true };
  if (status >= 500 || saysLater(status)) return retry;
  const byNumber = meaningOfNumber(refusals, error, errorNumbers);
  const said = defined({ says });
  const { meaning, subtle } = byNumber ?? meaningIn(refusals, error, errorSubtype);
  const isOwnWord = byNumber === undefined && meaningOf(standardRefusals, error) !== "transient";
  switch (meaning) {
    case undefined:
      return defined({ do: "back-off" as const, error, says, afterMs, isOurs: false });
    case "transient":
      // Words of the provider's own count as its record says: it may answer an outage with them.
      return status >= 400 && !isOwnWord ? { ...retry, isUp: true } : retry;
    case "limited":
      return { ...retry, limited: true };
    case "dead":
      return { do: "second-look", reason: "invalid_grant", error, ...said };
    case "reauthenticate":
      return { do: "second-look", reason: "reauthentication_required", error: subtle, ...said };
    case "restricted":
      return {
        do: "second-look",
        reason: "admin_policy_enforced",
        error: byNumber === undefined ? error : subtle,
        ...said,
      };
    case "misconfigured":
      return { do: "alert-operator", error, ...said };
    case "ours":
      return defined({ do: "back-off" as const, error, says, afterMs, isOurs: true });
  }
}

/** What the first number says that the provider's record knows; undefined where it knows none of them. */
function meaningOfNumber(
  refusals: Refusals,
  error: string,
  numbers: readonly string[],
): { readonly meaning: RefusalMeaning; readonly subtle: string } | undefined {
  for (const number of numbers) {
    const subtle = `${error}/${number}`;
    const meaning = meaningOf(refusals, subtle) ?? meaningOf(refusals, number);
    if (meaning !== undefined) return { meaning, subtle };
  }
  return undefined;
}

/**
 * What an error and its subtype mean together. A subtype that asks for the person by itself does so beside a dead token
 * as well: Entra answers `invalid_grant` with the subtype `consent_required`.
 *
 * @returns the meaning, and the words that decided
 */
function meaningIn(
  refusals: Refusals,
  error: string,
  subtype: string | undefined,
): { readonly meaning: RefusalMeaning | undefined; readonly subtle: string } {
  const meaning = meaningOf(refusals, error);
  if (subtype === undefined) return { meaning, subtle: error };
  const subtle = `${error}/${subtype}`;
  const exact = meaningOf(refusals, subtle);
  if (exact !== undefined) return { meaning: exact, subtle };
  const own = meaningOf(refusals, subtype);
  return { meaning: meaning === "dead" && own === "reauthenticate" ? own : meaning, subtle };
}

/**
 * What a code means. In capitals it means the same, unless the provider's record says something else of that spelling.
 * `hasOwn`, because a provider may send `constructor`, which every object has a member for.
 */
export function meaningOf(refusals: Refusals, code: string): RefusalMeaning | undefined {
  const known = [code, code.toLowerCase()].find((each) => Object.hasOwn(refusals, each));
  return known === undefined ? undefined : refusals[known];
}

/**
 * Back-off with full jitter: between 0 and a bound that doubles with each failure, so that thousands of grants that
 * failed together do not come back together.
 *
 * @param failures how often it has failed in a row, 1 or more
 * @param random in [0, 1)
 * @param baseMs the bound after the first failure, milliseconds
 * @param capMs the largest bound, milliseconds
 * @returns milliseconds
 */
export function backOffMs(failures: number, random: number, baseMs = 500, capMs = 60_000): number {
  return Math.floor(random * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30)));
}

/**
 * How long a grant is not refreshed after a failure: as long as the provider asks for, or longer where it fails again
 * and again, because some providers always ask for one second.
 *
 * @param failures how often it has failed in a row, 1 or more
 * @param random in [0, 1)
 * @param retryAfterMs what the provider asked for, milliseconds
 * @returns milliseconds
 */
export function waitAfterMs(failures: number, random: number, retryAfterMs = 0): number {
  return Math.max(retryAfterMs, backOffMs(failures, random));
}

/**
 * How long a grant is not refreshed after the provider has refused it in a code that says nothing of the person. That
 * seldom passes within a minute, and each try may count against our client at the provider. So it begins at half a
 * minute and grows to an hour.
 *
 * @param failures how often it has failed in a row, 1 or more
 * @param random in [0, 1)
 * @param retryAfterMs what the provider asked for, milliseconds
 * @returns milliseconds
 */
export function waitAfterRefusalMs(failures: number, random: number, retryAfterMs = 0): number {
  return Math.max(retryAfterMs, backOffMs(failures, 0.5 + random / 2, 30_000, 3_600_000));
}
