/** A number, with the digits that stand in the text: JavaScript's own would round an id of 20 digits to another person's. */
export class ExactNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * Reads JSON in which no number is rounded. What is encoded twice, or is a list of one, counts as what is in it.
 *
 * @returns undefined where the text is no JSON
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-6
 */
export function exactJson(text: string): unknown {
  let value: unknown;
  try {
    value = parsed(text);
    if (typeof value === "string") value = parsed(value);
  } catch {
    return undefined;
  }
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

function parsed(text: string): unknown {
  // TypeScript's library does not know the third argument yet.
  const reviver = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" ? new ExactNumber(context?.source ?? String(value)) : value;
  return JSON.parse(text, reviver) as unknown;
}

/**
 * What stands at a path such as `data.id`. A member whose own name has dots counts before the path.
 *
 * @returns undefined where there is nothing
 */
export function memberAt(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null || value instanceof ExactNumber) return undefined;
  if (Object.hasOwn(value, path)) return (value as Readonly<Record<string, unknown>>)[path];
  const dot = path.indexOf(".");
  if (dot < 0) return undefined;
  const name = path.slice(0, dot);
  if (!Object.hasOwn(value, name)) return undefined;
  return memberAt((value as Readonly<Record<string, unknown>>)[name], path.slice(dot + 1));
}

/**
 * A person's id as a text: a text that is not empty, or the digits of a whole number. Each other value names nobody.
 *
 * @returns undefined where it is none, is longer than 255 characters or has control characters
 */
export function subjectText(value: unknown): string | undefined {
  const text = value instanceof ExactNumber ? (/^-?\d+$/.test(value.source) ? value.source : "") : value;
  if (typeof text !== "string" || text.trim() === "" || text.length > 255 || /\p{Cc}/u.test(text)) return undefined;
  return text;
}
