/** Scopes: separated by spaces as OAuth writes them, or in a list. */
export type Scopes = string | readonly string[];

/** Google answers with the long names even where a page asked by the short ones. `drive.appfolder` is an older name. */
const canonical = new Map([
  ["email", "https://www.googleapis.com/auth/userinfo.email"],
  ["profile", "https://www.googleapis.com/auth/userinfo.profile"],
  ["https://www.googleapis.com/auth/drive.appfolder", "https://www.googleapis.com/auth/drive.appdata"],
]);

function canonicalScope(scope: string): string {
  return canonical.get(scope) ?? scope;
}

/**
 * The scopes in a scope string, each once. Their order means nothing.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-3.3 | RFC 6749 section 3.3}
 */
export function scopeList(scopes: Scopes): string[] {
  const list = typeof scopes === "string" ? scopes.split(" ") : scopes;
  return [...new Set(list.filter((scope) => scope !== ""))];
}

/**
 * The scopes to ask for: those that the page wants, and `openid`. Without `openid` the exchange brings no ID token, so that
 * nobody knows whose grant it is, and the code is wasted.
 */
export function scopesToAsk(scopes: Scopes): string[] {
  return scopeList(["openid", ...scopeList(scopes)]);
}

/**
 * The scopes that the page asked for and the person did not grant. `openid` is never among them, because a sign-in without
 * it fails; nor is `offline_access` where a refresh token is held, whether the provider lists it or not.
 *
 * @param asked as the page asked for them
 * @param granted as the answer has them
 * @param offline whether the service holds a refresh token
 * @returns by the names that the page used
 */
export function missingScopes(asked: Scopes, granted: Scopes, offline = false): string[] {
  const proved = offline ? ["openid", "offline_access"] : ["openid"];
  const have = new Set([...scopeList(granted), ...proved].map(canonicalScope));
  return scopeList(asked).filter((scope) => !have.has(canonicalScope(scope)));
}
