/** Markup whose every inserted value has been escaped, unless it is markup itself. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

type Insert = Html | string | number | readonly Html[];

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => entities[letter] ?? letter);
}

function inserted(value: Insert): string {
  if (value instanceof Html) return value.markup;
  if (typeof value === "object") return value.map((part) => part.markup).join("");
  return escaped(String(value));
}

/** A template whose values are escaped: what came in a request can stand in a page, and does nothing there. */
export function html(strings: TemplateStringsArray, ...values: readonly Insert[]): Html {
  return new Html(
    strings.map((part, index) => part + (index < values.length ? inserted(values[index] ?? "") : "")).join(""),
  );
}

export const nothing: Html = new Html("");
