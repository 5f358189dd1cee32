import { glyph } from "./glyphs.ts";
import { html } from "./html.ts";
import { type Language, textsOf } from "./languages/language.ts";
import { page } from "./page.ts";
import { plainSentence, sentence } from "./shown-text.ts";

export interface ContinueView {
  readonly language: Language;
  readonly providerName: string;
  /** The authorization request: an http or https URL. */
  readonly url: string;
}

/**
 * The answer to a confirmation that leads on to the provider, at once and without a script. A redirect would not arrive
 * everywhere: Chromium and Safari hold every redirect that follows a form to the page's `form-action`, also the
 * provider's own, to wherever it lets people sign in, and back to the app. Nobody can name all of these origins
 * beforehand, and a list with everything in it would protect nobody.
 *
 * @returns a whole HTML page, for an answer with `pageHeaders()` and status 200
 * @throws {TypeError} `url` is none, or leads to something else than the web
 */
export function continuePage({ language, providerName, url }: ContinueView): string {
  const { href, protocol } = new URL(url);
  if (!/^https?:$/.test(protocol)) throw new TypeError("url must be an http or https URL");
  const names = { provider: providerName };
  const texts = textsOf[language];
  const body = html`${glyph("key")}
    <h1>${sentence(texts.continuingTitle, names)}</h1>
    <p>${texts.continuingText}</p>
    <p><a class="button" href="${href}" rel="noreferrer">${sentence(texts.continueButton, names)}</a></p>`;
  return page({ language, title: plainSentence(texts.continuingTitle, names), body, next: href });
}
