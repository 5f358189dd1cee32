/** A scope string as OAuth writes it, or a list. */
export type Scopes = string | readonly string[];

/** Google answers with the long names, whatever was asked; `drive.appfolder` is the older name of `drive.appdata`. */
const canonical = new Map([
  ["email", "https://www.googleapis.com/auth/userinfo.email"],
  ["profile", "https://www.googleapis.com/auth/userinfo.profile"],
  ["https://www.googleapis.com/auth/drive.appfolder", "https://www.googleapis.com/auth/drive.appdata"],
]);

function canonicalScope(scope: string): string {
  return canonical.get(scope) ?? scope;
}

/** The scopes of a wire string (RFC 6749 section 3.3: separated by spaces, order without meaning), each once. */
export function scopeList(scopes: Scopes): string[] {
  const list = typeof scopes === "string" ? scopes.split(" ") : scopes;
  return [...new Set(list.filter((scope) => scope !== ""))];
}

/**
 * What to ask for: what the page wants, and `openid`.
 * Without `openid` the exchange brings no ID token, nobody can say whose grant it is, and the code is wasted.
 */
export function scopesToAsk(scopes: Scopes): string[] {
  return scopeList(["openid", ...scopeList(scopes)]);
}

/** Which of the asked scopes the person did not grant, under the names they were asked by. */
export function missingScopes(asked: Scopes, granted: Scopes): string[] {
  const have = new Set(scopeList(granted).map(canonicalScope));
  return scopeList(asked).filter((scope) => !have.has(canonicalScope(scope)));
}
