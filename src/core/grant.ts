/**
 * Where a grant stands.
 *
 * - `active`: in use.
 * - `suspect`: an exchange ended without a known outcome, or the provider may have ended it with another grant; it is
 *   looked at before anything else.
 * - `lapsed`: the issuer refused the refresh token and a second look agreed; the person must consent again.
 * - `revoking`: we are ending it; nothing is handed out any more, and the provider is told until it confirms.
 * - `revoked`: ended by us.
 */
export type GrantState = "active" | "suspect" | "lapsed" | "revoking" | "revoked";

export const grantStates: readonly GrantState[] = ["active", "suspect", "lapsed", "revoking", "revoked"];

/** Why the person must consent again. */
export type LapseReason =
  /** The issuer says the refresh token is dead: revoked by the person, unused too long, or pushed out by a newer one. */
  | "invalid_grant"
  /** A session policy of the organisation asks for a new sign-in (`invalid_rapt`); the consent itself stands. */
  | "reauthentication_required"
  /** An administrator restricted one of the scopes. */
  | "admin_policy_enforced"
  /** The grant never had a refresh token, and its access token has ended. */
  | "no_refresh_token"
  /** The provider rotated the refresh token, and the process that got the new one died before storing it. */
  | "crash_ambiguous_rotation"
  /** We revoked it ourselves. */
  | "revoked";

/** Registered claims of the person who signed in (OpenID Connect Core 1.0 section 5.1), names as registered. */
export interface Profile {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
  picture?: string;
  given_name?: string;
  family_name?: string;
  locale?: string;
  hd?: string;
}

/** The stored authorization of one subject for one client at one issuer. Carries no token. */
export interface Grant {
  /** `g_…`, stable over re-consent. */
  readonly grantId: string;
  /** Our short name of the provider, such as `google`. */
  readonly provider: string;
  readonly issuer: string;
  readonly clientId: string;
  /** `sub`: the issuer's name for the person. Key on this one, never on an e-mail address. */
  readonly subject: string;
  /** The app's own user id, where the app gave one. */
  readonly externalId?: string;
  readonly profile: Profile;
  /** What was granted, in the provider's canonical names. */
  readonly scopes: readonly string[];
  readonly state: GrantState;
  /** Why it is not `active`. */
  readonly reason?: LapseReason;
  /** Since when it has been in this state. */
  readonly since: Date;
  /** Whether a refresh token is held, so that access goes on while the person is away. */
  readonly offline: boolean;
  /** How many exchanges have been committed to this grant. */
  readonly generation: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastRefreshAt?: Date;
  /** When the access token held now ends. */
  readonly accessExpiresAt?: Date;
  /** The last refresh that did not work, and what was said. It need not have ended the grant. */
  readonly lastError?: { readonly error: string; readonly at: Date };
}

/** How a grant is named: by its id, by who consented, or by the app's own user id. */
export type GrantRef =
  | string
  | { readonly grantId: string }
  | { readonly provider?: string; readonly subject: string }
  | { readonly provider?: string; readonly externalId: string };

/** Splits RFC 6749 section 3.3's `scope` string. */
export function scopesOf(scope: string): readonly string[] {
  return scope.split(" ").filter((each) => each !== "");
}

/** What was asked for and not granted, in canonical names. */
export function missingScopes(
  requested: readonly string[],
  granted: readonly string[],
  canonical: Readonly<Record<string, string>> = {},
): readonly string[] {
  const name = (scope: string): string => (Object.hasOwn(canonical, scope) ? canonical[scope] : undefined) ?? scope;
  const held = new Set(granted.map(name));
  return [...new Set(requested.map(name))].filter((scope) => !held.has(scope));
}

/** Whether tokens of a grant in this state may be handed out and refreshed. */
export function isUsable(state: GrantState): boolean {
  return state === "active" || state === "suspect";
}
