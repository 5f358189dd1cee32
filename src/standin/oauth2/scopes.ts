/** RFC 6749 section 3.3: a scope is words of printable ASCII without the blank, the quotation mark and the backslash. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * The words of a scope, without repetition.
 *
 * @returns undefined where one of them is none
 */
export function parseScope(scope: string): readonly string[] | undefined {
  const words = [...new Set(scope.split(" ").filter((word) => word !== ""))];
  return words.every((word) => scopeToken.test(word)) ? words : undefined;
}

const signIn: ReadonlySet<string> = new Set(["openid", "profile", "email", "offline_access"]);

/** Scopes that say who the person is, or for how long: they have no tick box. */
export function isSignInScope(scope: string): boolean {
  return signIn.has(scope);
}

const descriptions: Readonly<Record<string, string>> = {
  read: "Read your data",
  write: "Change your data",
  "mcp:whoami": "See which account is connected",
  "mcp:add": "Add numbers",
};

/** What the consent page says about a scope. Scopes that are not listed are shown by their name. */
export function describeScope(scope: string): string {
  return descriptions[scope] ?? scope;
}
