import { type Html, html } from "./html.ts";
import { glyph } from "./glyphs.ts";
import { type Language, textsOf } from "./languages/language.ts";
import type { Texts } from "./languages/texts.ts";
import { page } from "./page.ts";
import { scopeWords, type ScopeWords } from "./scope-words.ts";
import { type Names, plainSentence, sentence, shown, shownText } from "./shown-text.ts";

/** What the confirmation says. All texts are shown as text, whatever they hold. */
export interface ConfirmView {
  readonly language: Language;
  readonly appName: string;
  readonly providerName: string;
  /** The app's user to whom the account will belong: a name that the person knows, or the external id. */
  readonly userLabel: string;
  /**
   * Whether the account was connected before, and no other will be taken. Then nobody can get at it who could not before: the
   * page warns of nobody, and names neither the account nor the user to whoever has got the link.
   */
  readonly isAgain?: boolean;
  /** The account that the app expects, such as an e-mail address. The person can choose another. */
  readonly accountHint?: string;
  readonly scopes: readonly string[];
  /** Where the form is sent, on this origin, with `csrf` and `decision`: `continue` or `cancel`. */
  readonly actionUrl: string;
  readonly csrf: string;
  /**
   * Where "Cancel" leads. Only http and https: a link to anything else could run a script. Without it, the form is
   * sent with `decision=cancel`, which lets the server end the link.
   */
  readonly cancelUrl?: string;
}

/**
 * The page that asks the person, before the provider does: whose account at which provider will be connected to which
 * user of which app. It is what protects a person to whom somebody sent a link of their own.
 *
 * @returns a whole HTML page, for an answer with `pageHeaders()`
 */
export function confirmPage(view: ConfirmView): string {
  const { language, scopes, actionUrl, csrf } = view;
  const names = { app: view.appName, provider: view.providerName };
  const texts = textsOf[language];
  const asked = scopeWords(scopes, texts);
  const { isAgain = false } = view;
  const title = isAgain ? texts.againTitle : texts.confirmTitle;
  const body = html`<h1>${sentence(title, names)}</h1>
    <p>${sentence(isAgain ? texts.againLead : texts.confirmLead, names)}</p>
    <dl class="way">
      <div>
        ${glyph("key")}
        <dt>${sentence(texts.from, names)}</dt>
        ${isAgain ? same(texts) : account(view, texts)}
      </div>
      ${isAgain ? undefined : user(view, texts, names)}
    </dl>
    <h2>${sentence(texts.scopesTitle, names)}</h2>
    ${asked.length === 0 ? html`<p>${sentence(texts.scopesAtProvider, names)}</p>` : scopeList(asked)}
    <p class="soft">${sentence(texts.lasting, names)}</p>
    ${isAgain ? html`<p class="note">${sentence(texts.againNote, names)}</p> ` : warning(texts, names)}
    <form method="post" action="${actionUrl}">
      <input type="hidden" name="csrf" value="${csrf}" />
      <button name="decision" value="continue">${sentence(texts.continueButton, names)}</button>
      ${cancel(view.cancelUrl, texts)}
    </form>`;
  return page({ language, title: plainSentence(title, names), body });
}

function user({ userLabel }: ConfirmView, texts: Texts, names: Names): Html {
  return html`<div>
    ${glyph("person")}
    <dt>${sentence(texts.to, names)}</dt>
    <dd class="name">${shown(userLabel)}</dd>
  </div> `;
}

function warning(texts: Texts, names: Names): Html {
  return html`<section class="warning">
    <h2>${sentence(texts.warningTitle, names)}</h2>
    <p>${sentence(texts.warning, names)}</p>
  </section> `;
}

function same(texts: Texts): Html {
  return html`<dd class="name">${texts.againAccount}</dd>
    <dd class="soft">${texts.againOther}</dd>`;
}

function account({ accountHint }: ConfirmView, texts: Texts): Html {
  if (accountHint === undefined || shownText(accountHint) === "") return html`<dd>${texts.fromChosen}</dd>`;
  return html`<dd class="name">${shown(accountHint)}</dd>
    <dd class="soft">${texts.fromSuggested}</dd>`;
}

function scopeList(all: readonly ScopeWords[]): Html {
  return html`<ul>
    ${all.map((one) => ("words" in one ? html`<li>${one.words}</li> ` : html`<li><code>${shown(one.scope)}</code></li> `))}
  </ul>`;
}

function cancel(url: string | undefined, texts: Texts): Html {
  if (url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))
    return html`<a class="button quiet" href="${url}" rel="noreferrer">${texts.cancelButton}</a>`;
  return html`<button class="quiet" name="decision" value="cancel">${texts.cancelButton}</button>`;
}
