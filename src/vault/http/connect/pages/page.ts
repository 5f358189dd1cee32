import { Html, html } from "./html.ts";
import type { Language } from "./languages/language.ts";
import { style } from "./style.ts";

/** Whole, in one piece: within a template its text would be laid out anew, and its hash be another. */
const styleElement = new Html(`<style>${style}</style>`);

interface Page {
  readonly language: Language;
  /** Text. */
  readonly title: string;
  readonly body: Html;
  /** Where the browser goes by itself, at once. */
  readonly next?: string;
}

/** A whole page: one column, our style, nothing that must be loaded. */
export function page({ language, title, body, next }: Page): string {
  const refresh = next === undefined ? undefined : html`<meta http-equiv="refresh" content="${`0; url=${next}`}" /> `;
  return html`<!doctype html>
    <html lang="${language}" dir="ltr">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        ${refresh}
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.markup;
}
