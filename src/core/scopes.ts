/*
 * Sets of scopes: what is missing in one, and whether one covers another. How a provider spells them on the wire does
 * not belong here; which names it uses for the same scope is data of its record.
 */

/**
 * Scopes that a provider answers under another name, by the name that an app may ask with. Where a name ends in `*`, any
 * rest fits, and stands where the other name has its `*`: `{"https://graph.microsoft.com/*": "*"}`.
 */
export type CanonicalScopes = Readonly<Record<string, string>>;

/** What is known of a grant besides the list of its scopes. */
export interface Proof {
  /** Its ID token was verified. Providers send one only where `openid` was granted. */
  readonly signedIn?: boolean;
  /** A refresh token is held. Many providers send one for `offline_access`, and leave that name out of the list. */
  readonly offline?: boolean;
}

/** The provider's own name of a scope. */
export function canonicalScope(scope: string, canonical: CanonicalScopes = {}): string {
  // `hasOwn`, because an app may ask for `constructor`, which every object has a member for.
  if (Object.hasOwn(canonical, scope)) return canonical[scope] ?? scope;
  for (const [name, own] of Object.entries(canonical)) {
    const start = name.slice(0, -1);
    if (name.endsWith("*") && scope.length > start.length && scope.startsWith(start)) {
      return own.replace("*", () => scope.slice(start.length));
    }
  }
  return scope;
}

/**
 * The scopes that were requested and not granted, in canonical names. What is proved otherwise than by the list is not
 * missing: an app that is told so asks the person again and again for what it has.
 *
 * @param canonical the provider's names
 * @see https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess
 */
export function missingScopes(
  requested: readonly string[],
  granted: readonly string[],
  canonical: CanonicalScopes = {},
  { signedIn = false, offline = false }: Proof = {},
): readonly string[] {
  const proved = [...(signedIn ? ["openid"] : []), ...(offline ? ["offline_access"] : [])];
  return difference(requested, [...granted, ...proved], canonical);
}

/**
 * The scopes that a grant covered and does not cover any more, in canonical names. `openid` and `offline_access` are
 * never among them: the one is about the sign-in that is over, the other about the refresh token, which is held or not.
 *
 * @param before what it covered
 * @param after what it covers now
 */
export function lostScopes(
  before: readonly string[],
  after: readonly string[],
  canonical: CanonicalScopes = {},
): readonly string[] {
  return missingScopes(before, after, canonical, { signedIn: true, offline: true });
}

/** The members of `one` that are not in `other`, each once, in canonical names. */
function difference(one: readonly string[], other: readonly string[], canonical: CanonicalScopes): readonly string[] {
  const known = new Set(other.map((scope) => canonicalScope(scope, canonical)));
  return [...new Set(one.map((scope) => canonicalScope(scope, canonical)))].filter((scope) => !known.has(scope));
}
