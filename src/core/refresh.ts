import { defined } from "./defined.ts";
import type { LapseReason } from "./grant.ts";

/** What a provider does with a refresh token that was used: keeps it, honours it for a while, or kills it at once. */
export type Rotation = "none" | "strict" | { readonly graceSeconds: number };

/** RFC 6749 section 5.2, or any other answer with an `error` member, whatever its HTTP status. */
export interface OAuthError {
  readonly kind: "oauth-error";
  readonly status: number;
  readonly error: string;
  readonly errorSubtype?: string;
  readonly retryAfterMs?: number;
}

/** What came back from a token endpoint in place of tokens. `error` is the provider's code or, where it sent none, ours. */
export type TokenFailure =
  | OAuthError
  /** An HTTP answer that says nothing: HTML, broken JSON, too large, 200 without a token. */
  | { readonly kind: "unusable"; readonly status: number; readonly error: string; readonly retryAfterMs?: number }
  /** No answer. `sent` is false only where the request certainly never arrived. */
  | { readonly kind: "silence"; readonly sent: boolean; readonly error: string };

/** How one provider's error codes are read. Data, so that an odd provider needs no code. */
export type RefusalMeaning =
  "dead" | "reauthenticate" | "restricted" | "misconfigured" | "transient" | "limited" | "ours";
export type Refusals = Readonly<Record<string, RefusalMeaning>>;

/** RFC 6749 section 5.2, with the codes Google adds. Only the first three speak about the grant. */
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
  /** The answer is evidence about the token that was sent; look again before blaming the grant. */
  | { readonly do: "second-look"; readonly reason: LapseReason; readonly error: string }
  /** The provider refuses our client: raise an alarm, touch no grant. */
  | { readonly do: "alert-operator"; readonly error: string }
  /**
   * Nothing is known to have happened to the token: try later. `ambiguous`: the provider may have used it up.
   * `limited`: we ask too often, all of us, not this grant alone.
   */
  | {
      readonly do: "retry";
      readonly error: string;
      readonly afterMs?: number;
      readonly ambiguous: boolean;
      readonly limited?: true;
    };

/**
 * Decides what a failure at the token endpoint means for the grant whose refresh token was sent.
 * It goes by `error` and `error_subtype`, never by a description, and only then by the status.
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
        // A body that was cut short on its way may have carried the new token: only a plain 4xx says "not used up".
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
  // The error code of an overloaded server or of a proxy is not to be believed: the status outranks it.
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

/** A provider chooses its words, `constructor` and `toString` among them: only what was written down counts. */
function meaningOf(refusals: Refusals, code: string): RefusalMeaning | undefined {
  return Object.hasOwn(refusals, code) ? refusals[code] : undefined;
}

/**
 * Full-jitter back-off: anywhere between nothing and the doubled bound, so that thousands of grants that failed
 * together do not come back together.
 *
 * @param failures how often it has failed in a row, 1 or more
 * @param random in [0, 1)
 * @returns milliseconds
 */
export function backOffMs(failures: number, random: number, baseMs = 500, capMs = 60_000): number {
  return Math.floor(random * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30)));
}

/**
 * How long a grant is left alone after a failure: as long as the provider asks for, and longer where it fails again and
 * again, for some say "a second" whatever happens.
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
 * When a grant that nobody uses is refreshed all the same: after 24 to 30 days, spread per grant. Google ends refresh
 * tokens that were unused for six months.
 *
 * @param share in [0, 1), fixed per grant
 * @returns milliseconds since the epoch
 */
export function keepAliveAt(lastExchangeAt: number, share: number): number {
  return lastExchangeAt + Math.floor((24 + 6 * share) * dayMs);
}
