import { glyph, type Glyph } from "./glyphs.ts";
import { type Html, html } from "./html.ts";
import { type Language, textsOf } from "./languages/language.ts";
import type { Texts } from "./languages/texts.ts";
import { page } from "./page.ts";
import { shown, shownText } from "./shown-text.ts";

/** How a link ended, or why it leads no further. */
export type Outcome = keyof typeof outcomeStatus;

/** The HTTP status that each has where nothing says otherwise. */
export const outcomeStatus = {
  connected: 200,
  expired: 410,
  unknown: 404,
  used: 410,
  other_browser: 403,
  other_person: 403,
  other_account: 409,
  not_same_account: 409,
  sign_in: 401,
  denied: 200,
  failed: 503,
};

export interface OutcomeView {
  readonly language: Language;
  readonly outcome: Outcome;
  readonly providerName?: string;
  /** Words that are not ours, such as a provider's error. The page marks them as a message. */
  readonly detail?: string;
  /** Where the app is: an address on its own list. The page has a link there. */
  readonly backUrl?: string;
  /**
   * Whether the browser goes back there by itself: as the answer to a form, because a redirect may be cut off, see
   * {@link continuePage}.
   */
  readonly goesBack?: boolean;
}

interface Words {
  readonly title: keyof Texts;
  readonly text: keyof Texts;
  readonly glyph: Glyph;
}

const words: Readonly<Record<Outcome, Words>> = {
  connected: { title: "connectedTitle", text: "connectedText", glyph: "check" },
  expired: { title: "expiredTitle", text: "expiredText", glyph: "clock" },
  unknown: { title: "unknownTitle", text: "unknownText", glyph: "notice" },
  used: { title: "usedTitle", text: "usedText", glyph: "clock" },
  other_browser: { title: "otherBrowserTitle", text: "otherBrowserText", glyph: "shield" },
  other_person: { title: "otherPersonTitle", text: "otherPersonText", glyph: "shield" },
  other_account: { title: "otherAccountTitle", text: "otherAccountText", glyph: "notice" },
  not_same_account: { title: "otherAccountTitle", text: "notSameAccountText", glyph: "notice" },
  sign_in: { title: "signInTitle", text: "signInText", glyph: "notice" },
  denied: { title: "deniedTitle", text: "deniedText", glyph: "shield" },
  failed: { title: "failedTitle", text: "failedText", glyph: "notice" },
};

/** A provider's sentence is longer than a name. In characters. */
const longestDetail = 300;

/**
 * The page at which a link ends where the person cannot be sent back to the app, or need not be.
 *
 * @returns a whole HTML page, for an answer with `pageHeaders()`
 */
export function outcomePage({ language, outcome, providerName, detail, backUrl, goesBack }: OutcomeView): string {
  const back = backUrl !== undefined && isLink(backUrl) ? backUrl : undefined;
  const texts = textsOf[language];
  const { title, text, glyph: sign } = words[outcome];
  const body = html`${glyph(sign)} ${provider(providerName)}
    <h1>${texts[title]}</h1>
    <p>${texts[text]}</p>
    ${message(detail, texts)}
    ${back === undefined ? undefined : html`<p class="back"><a class="button" href="${back}" rel="noreferrer">${texts.backButton}</a></p>`}`;
  return page({
    language,
    title: texts[title],
    body,
    ...(back !== undefined && goesBack === true ? { next: back } : {}),
  });
}

/** An app on a phone has a scheme of its own. What would run in this page, or show what somebody else has written, is none. */
function isLink(url: string): boolean {
  return URL.canParse(url) && !/^(?:javascript|vbscript|data|blob|file|filesystem|about):/i.test(new URL(url).href);
}

function provider(name: string | undefined): Html | undefined {
  if (name === undefined || shownText(name) === "") return undefined;
  return html`<p class="soft">${shown(name)}</p> `;
}

function message(detail: string | undefined, texts: Texts): Html | undefined {
  if (detail === undefined || shownText(detail) === "") return undefined;
  return html`<dl class="message">
    <dt>${texts.detailTitle}</dt>
    <dd><q>${shown(detail, longestDetail)}</q></dd>
  </dl>`;
}
