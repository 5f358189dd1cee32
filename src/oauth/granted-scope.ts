/** What an answer says about scopes. Neither member: it has no scope. */
export interface ScopeAnswer {
  /** The scopes that it names, separated by single spaces. */
  readonly scope?: string;
  /** It has a scope, and names none that can be read. */
  readonly scopeUnread?: true;
}

/**
 * Reads `scope`. RFC 6749 section 3.3 wants a string with spaces. Providers also send lists, lists in lists and JSON in a
 * string, and separate by commas, semicolons, tabs or several spaces. Some print a list as their language or their
 * database does (`['a', 'b']`, `{a,b}`), or encode the text once too often (`a%20b`). No scope that is in use has a comma,
 * a semicolon, a quote or an encoded space in its name.
 *
 * @returns the scopes, each once, in their order
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3
 */
export function readScope(value: unknown): ScopeAnswer {
  if (value === undefined) return {};
  const scopes = new Set(textsIn(value, 0).flatMap(namesIn));
  scopes.delete("");
  return scopes.size === 0 ? { scopeUnread: true } : { scope: [...scopes].join(" ") };
}

const deepest = 4;

/** The names in a text. What stands around a printed list is no part of a name. */
function namesIn(text: string): string[] {
  const plain = text.trim().replaceAll(/%(?:20|2C|3B)/gi, " ");
  const list = /^(?:\[([^]*)\]|\{([^]*)\}|\(([^]*)\))$/.exec(plain);
  return (list?.[1] ?? list?.[2] ?? list?.[3] ?? plain).split(/[\s,;"'\p{Cc}]+/u);
}

function textsIn(value: unknown, depth: number): string[] {
  if (typeof value === "string") {
    const spelled = depth < deepest && /^\s*[[{"]/.test(value) ? spelledBy(value) : undefined;
    return spelled === undefined ? [value] : textsIn(spelled, depth + 1);
  }
  return Array.isArray(value) && depth < deepest ? value.flatMap((each: unknown) => textsIn(each, depth + 1)) : [];
}

/** The list, object or text that a text spells as JSON; undefined where it spells none. */
function spelledBy(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
