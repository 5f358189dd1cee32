/**
 * Where a grant stands.
 *
 * - `active`: in use.
 * - `suspect`: an exchange ended without a known outcome, or the provider may have ended this grant together with
 *   another. Its next use asks the provider first.
 * - `lapsed`: the provider refused the refresh token, and a second look found no token that works; or there is no refresh
 *   token, and the access token has ended. The person must consent again.
 * - `revoking`: we are ending it. No token is handed out any more, and the revocation is sent to the provider until the
 *   provider confirms it.
 * - `revoked`: ended by us.
 */
export type GrantState = "active" | "suspect" | "lapsed" | "revoking" | "revoked";

export const grantStates: readonly GrantState[] = ["active", "suspect", "lapsed", "revoking", "revoked"];

/** What of a stored grant says how it stands. Times are milliseconds since the epoch; null: there is none, or nobody knows. */
export interface StandingColumns {
  readonly state: GrantState;
  readonly reason: LapseReason | null;
  readonly stateSince: number;
  readonly refreshSealed: unknown;
  readonly accessSealed: unknown;
  readonly accessExpiresAt: number | null;
}

/**
 * A stored grant as it stands now. One without a refresh token gives no token any more once its access token has ended: it has
 * lapsed by the time alone, before the keeper's upkeep writes it. What lists grants by state says the same in SQL.
 *
 * @param now milliseconds since the epoch
 */
export function asItStands<T extends StandingColumns>(row: T, now: number): T {
  const { state, refreshSealed, accessSealed, accessExpiresAt, stateSince } = row;
  if (state !== "active" || refreshSealed !== null) return row;
  const end = accessExpiresAt ?? (accessSealed === null ? stateSince : null);
  if (end === null || (accessExpiresAt !== null && end > now)) return row;
  return { ...row, state: "lapsed", reason: "no_refresh_token", stateSince: end };
}

/** Why the person must consent again. */
export type LapseReason =
  /**
   * The provider says that the refresh token is dead: the person removed the app, the token was unused for too long, or
   * newer tokens pushed it out.
   */
  | "invalid_grant"
  /**
   * The provider asks for the person, who must sign in again: a session policy of the organisation (`invalid_rapt`), a
   * second factor, or a new consent (`interaction_required` and its kin). `lastError` names the provider's word.
   */
  | "reauthentication_required"
  /** An administrator restricted one of the scopes. */
  | "admin_policy_enforced"
  /** The grant never had a refresh token, and its access token has ended. */
  | "no_refresh_token"
  /** The provider rotated the refresh token, and the process that got the new one died before storing it. */
  | "crash_ambiguous_rotation"
  /**
   * The provider says that the refresh token is dead, which came back with a backup of the store: it was replaced, revoked or
   * removed after the backup was made.
   */
  | "restored_from_backup"
  /**
   * The provider has told us so, in a signed security event: the person removed the app, or the account is gone. Nobody had
   * to try the refresh token. `lastError` names the event.
   */
  | "ended_by_provider"
  /** We revoked it ourselves. */
  | "revoked"
  /**
   * We revoked it ourselves, and the provider did not confirm: it has no way to revoke, or refused in a way that no
   * retry changes. Our tokens are erased; the person may still see the app among their connections.
   */
  | "revoked_unconfirmed";
