/**
 * The pages that a person sees on the way through a connect link. Here: words, markup, style and headers, as pure functions.
 * Not here: which page comes when, and what a form's answer does.
 *
 * What the pages show comes from attackers, too: whoever may mint a link chooses the app's user id, and a provider's error text
 * can be anything. No value can be more than text, in one place (`shown-text.ts`, `html.ts`).
 */
export { confirmPage, type ConfirmView } from "./confirm-page.ts";
export { continuePage } from "./continue-page.ts";
export { outcomePage, outcomeStatus, type Outcome } from "./outcome-page.ts";
export { pageHeaders } from "./page-headers.ts";
export { languageOf, type Language } from "./languages/language.ts";
