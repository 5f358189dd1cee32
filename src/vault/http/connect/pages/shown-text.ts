import { type Html, html } from "./html.ts";

/**
 * Characters that nobody sees and that move or hide others: marks of direction, joiners of lines, tags, a byte order mark.
 * The two joiners within words stay: Persian and some emoji are written with them.
 */
const unseen =
  /[\u{ad}\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e007f}]|\u{34f}/gu;

/** Marks that stack upon a letter. More than four make a tower that covers the lines above and below. */
const tower = /(\p{M}{4})\p{M}+/gu;

/** How many characters of a value are shown. Ids and addresses are shorter; more would push the warning out of sight. */
const longest = 80;

/** The same of a name that stands in many sentences. */
const longestName = 40;

/**
 * A value as it can be shown to people: one line, nothing that moves or covers other text, and not too long. Of a long
 * one, beginning and end stay, because ids often differ at the end.
 *
 * @param most in characters
 */
export function shownText(value: string, most: number = longest): string {
  const line = value
    .toWellFormed()
    .replaceAll(unseen, "")
    .replaceAll(tower, "$1")
    .replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, " ")
    .trim();
  const letters = Array.from(line);
  if (letters.length <= most) return line;
  const end = Math.floor(most / 4);
  return `${letters.slice(0, most - end - 1).join("")}…${letters.slice(-end).join("")}`;
}

/** A value of whatever direction: it does not turn the words around it. */
export function shown(value: string, most?: number): Html {
  return html`<bdi>${shownText(value, most)}</bdi>`;
}

/** What a sentence's places hold, by their names. */
export type Names = Readonly<Record<string, string>>;

/** A sentence of a language's table as markup, with names in its places: `{app}`, `{provider}`. */
export function sentence(text: string, names: Names = {}): Html {
  return html`${partsOf(text).map((part, index) => (index % 2 === 0 ? html`${part}` : shown(names[part] ?? "", longestName)))}`;
}

/** The same where there can be no markup: in a title. The two signs around a name isolate it. */
export function plainSentence(text: string, names: Names = {}): string {
  return partsOf(text)
    .map((part, index) => (index % 2 === 0 ? part : `\u2068${shownText(names[part] ?? "", longestName)}\u2069`))
    .join("");
}

/** What stands between places at even indices, the places' names at odd ones. */
function partsOf(text: string): string[] {
  return text.split(/\{([a-z]+)\}/);
}
