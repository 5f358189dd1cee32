/** What an answer says about scopes. Neither member: it has no scope. */
export interface ScopeAnswer {
  /** The scopes that it names, separated by single spaces. */
  readonly scope?: string;
  /** It has a scope, and names none that can be read. */
  readonly scopeUnread?: true;
}

/**
 * Reads `scope`. RFC 6749 section 3.3 wants a string with spaces. Providers also send lists, lists in lists and JSON in a
 * string, and separate by commas, tabs or several spaces. No scope that is in use has a comma in its name.
 *
 * @returns the scopes, each once, in their order
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3
 */
export function readScope(value: unknown): ScopeAnswer {
  if (value === undefined) return {};
  const scopes = new Set(textsIn(value, 0).flatMap((text) => text.split(/[\s,\p{Cc}]+/u)));
  scopes.delete("");
  return scopes.size === 0 ? { scopeUnread: true } : { scope: [...scopes].join(" ") };
}

const deepest = 4;

function textsIn(value: unknown, depth: number): string[] {
  if (typeof value === "string") {
    const list = depth < deepest && /^\s*\[/.test(value) ? listOf(value) : undefined;
    return list === undefined ? [value] : textsIn(list, depth + 1);
  }
  return Array.isArray(value) && depth < deepest ? value.flatMap((each: unknown) => textsIn(each, depth + 1)) : [];
}

/** The list that a text spells as JSON; undefined where it spells none. */
function listOf(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as unknown[]) : undefined;
  } catch {
    return undefined;
  }
}
