/**
 * What is wrong with a value that is taken as it stands, such as a secret from a file of settings. Each flaw would
 * otherwise be found much later, as `invalid_client` or as a host that nobody knows.
 *
 * @param value as it was given; the answer never repeats it
 * @returns what follows the setting's name, such as "stands in quotes", and what to do; undefined where nothing is
 *   wrong
 * @see https://www.rfc-editor.org/rfc/rfc6749#appendix-A
 */
export function flawIn(value: string): Flaw | undefined {
  const flaws = checks.filter(([isFlawed]) => isFlawed(value));
  const [first] = flaws;
  if (first === undefined) return undefined;
  return { is: flaws.map(([, is]) => is).join(", and "), hint: first[2] };
}

/** Something wrong with a value. */
export interface Flaw {
  /** What follows the value's name: "stands in quotes". */
  readonly is: string;
  /** What to do about it. */
  readonly hint: string;
}

/**
 * {@link flawIn}, and what was left in place of a value: `changeme`, `<your-secret>`, an unset variable's name. For
 * values that somebody else has made up, such as a client's secret.
 */
export function flawInCopy(value: string): Flaw | undefined {
  const flaw = flawIn(value);
  if (flaw !== undefined || !isPlaceholder(value)) return flaw;
  return { is: "is a placeholder and no value", hint: "put the real value in its place" };
}

const unquote = "remove the quotes: nothing takes them away before we read the value";

const checks: readonly (readonly [isFlawed: (value: string) => boolean, is: string, hint: string])[] = [
  [
    (value) => /[\r\n]$/.test(value),
    "ends with a line end",
    "write it without the line end: printf '%s' in place of echo, or trim what was read from the file",
  ],
  [
    (value) => /^[^\S\uFEFF\r\n]|[^\S\uFEFF\r\n]$/.test(value.replace(/[\r\n]+$/, "")),
    "has white space around it",
    "remove the white space at its beginning and end",
  ],
  [(value) => isQuoted(value.trim()), "stands in quotes", unquote],
  [
    (value) => value.includes("\uFEFF"),
    "has a byte order mark in it",
    "save the file as UTF-8 without a byte order mark",
  ],
  [
    // A line end at the end has a line of its own above.
    (value) => /\p{Cc}/u.test(value.replace(/[\r\n]+$/, "")),
    "has a control character in it, such as a line end or a tab",
    "copy it again, as one line",
  ],
  [
    (value) =>
      /[\p{Default_Ignorable_Code_Point}\u00A0\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]/u.test(visible(value)),
    "has an invisible character in it, such as a no-break or zero-width space",
    "type it, or copy it from the provider's console and not from a document or a chat",
  ],
  [(value) => value.includes("\uFFFD"), "is not UTF-8 text", "save the file that it comes from as UTF-8"],
  [
    (value) => /\$\{[^}]*\}|\{\{[^}]*\}\}/.test(value) || /^(?:\$[A-Za-z_]\w*|%\w+%|\$\(.*\))$/.test(value.trim()),
    "has a variable in it that was not replaced",
    "put the variable's value there: whatever was to replace it has not run",
  ],
];

/** What is left to look at where white space and byte order marks have been told of. */
function visible(value: string): string {
  return value.replaceAll("\uFEFF", "").trim();
}

/** Pairs of quotes that people, shells and editors write around a value. */
const quotes =
  /^(?:"[^]*"|'[^]*'|`[^]*`|\\"[^]*\\"|\u201C[^]*\u201D|\u2018[^]*\u2019|\u201E[^]*[\u201C\u201D]|\u00AB[^]*\u00BB)$/;

function isQuoted(value: string): boolean {
  return value.length > 1 && quotes.test(value);
}

function isPlaceholder(value: string): boolean {
  return (
    /^<.*>$/.test(value) ||
    /^your[-_ ]/i.test(value) ||
    /\*{3}|…|•|^\.{3}$/.test(value) ||
    /^(?:change[-_ ]?me|replace[-_ ]?me|todo|fixme|undefined|null|nan|\[object Object\]|\[secret\]|x{3,})$/i.test(value)
  );
}
