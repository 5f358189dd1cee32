import { defined } from "./defined.ts";
import type { LapseReason } from "./grant.ts";

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
  readonly retryAfterMs?: number;
}

/**
 * What came back from a token endpoint instead of tokens. `error`: the provider's code or, where it sent none, ours.
 */
export type TokenFailure =
  | OAuthError
  /** An HTTP answer that says nothing: HTML, broken JSON, a body that is too large, or 200 without a token. */
  | { readonly kind: "unusable"; readonly status: number; readonly error: string; readonly retryAfterMs?: number }
  /** No answer. `sent` is false only where the request certainly never arrived. */
  | { readonly kind: "silence"; readonly sent: boolean; readonly error: string };

/** What a provider's error codes mean. It is data: for a provider with other error codes, no function must change. */
export type RefusalMeaning =
  "dead" | "reauthenticate" | "restricted" | "misconfigured" | "transient" | "limited" | "ours";
export type Refusals = Readonly<Record<string, RefusalMeaning>>;

/**
 * The standard error codes, and those that Google adds. Only `dead`, `reauthenticate` and `restricted` speak about the
 * grant; all others speak about our client, our request or the provider.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export const standardRefusals: Refusals = {
  invalid_grant: "dead",
  "invalid_grant/invalid_rapt": "reauthenticate",
  "invalid_grant/rapt_required": "reauthenticate",
  admin_policy_enforced: "restricted",
  invalid_client: "misconfigured",
  unauthorized_client: "misconfigured",
  deleted_client: "misconfigured",
  disabled_client: "misconfigured",
  org_internal: "misconfigured",
  redirect_uri_mismatch: "ours",
  invalid_request: "ours",
  invalid_scope: "ours",
  unsupported_grant_type: "ours",
  temporarily_unavailable: "transient",
  server_error: "transient",
  slow_down: "limited",
  rate_limit_exceeded: "limited",
};

/** What to do where a refresh brought no tokens. */
export type Decision =
  /**
   * The provider refused the token that was sent. Take a second look before the grant lapses: a newer token may work.
   */
  | { readonly do: "second-look"; readonly reason: LapseReason; readonly error: string }
  /** The provider refuses our client: raise an alarm, and leave the grant as it is. */
  | { readonly do: "alert-operator"; readonly error: string }
  /**
   * Try later. `ambiguous`: the provider may have replaced the token. `limited`: the provider says that we send too
   * many requests, which concerns every grant.
   */
  | {
      readonly do: "retry";
      readonly error: string;
      readonly afterMs?: number;
      readonly ambiguous: boolean;
      readonly limited?: true;
    };

/**
 * Decides what a failure at the token endpoint means for the grant whose refresh token was sent. Status 429 and 5xx
 * come first; then `error` and `error_subtype` decide. A description never does: providers change their words.
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
      });
    }
    case "silence":
      return { do: "retry", error: failure.error, ambiguous: failure.sent };
  }
}

function decideOnError(
  { status, error, errorSubtype, retryAfterMs: afterMs }: OAuthError,
  refusals: Refusals,
): Decision {
  const retry = defined({ do: "retry" as const, error, afterMs, ambiguous: status >= 500 });
  // An overloaded server or a proxy may send a wrong error code, so the status decides.
  if (status === 429) return { ...retry, limited: true };
  if (status >= 500) return retry;
  const subtle = errorSubtype === undefined ? error : `${error}/${errorSubtype}`;
  const meaning = meaningOf(refusals, subtle) ?? meaningOf(refusals, error);
  if (meaning === undefined || meaning === "transient") return retry;
  switch (meaning) {
    case "limited":
      return { ...retry, limited: true };
    case "dead":
      return { do: "second-look", reason: "invalid_grant", error };
    case "reauthenticate":
      return { do: "second-look", reason: "reauthentication_required", error: subtle };
    case "restricted":
      return { do: "second-look", reason: "admin_policy_enforced", error };
    case "misconfigured":
    case "ours":
      return { do: "alert-operator", error };
  }
}

/** What a code means. `hasOwn`, because a provider may send `constructor`, which every object has a member for. */
function meaningOf(refusals: Refusals, code: string): RefusalMeaning | undefined {
  return Object.hasOwn(refusals, code) ? refusals[code] : undefined;
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

const dayMs = 86_400_000;

/**
 * When a grant that nobody uses is refreshed all the same: 24 to 30 days after its last exchange. Google ends refresh
 * tokens that were unused for six months.
 *
 * @param lastExchangeAt milliseconds since the epoch
 * @param share where in these six days, in [0, 1); always the same for a grant, and different between grants
 * @returns milliseconds since the epoch
 */
export function keepAliveAt(lastExchangeAt: number, share: number): number {
  return lastExchangeAt + Math.floor((24 + 6 * share) * dayMs);
}
