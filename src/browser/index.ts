/**
 * The page's side of Onbehalf: it gets a one-time code from the provider and hands it to the service's `POST /authcode`.
 * Nothing here imports from the rest, stores more than a pending redirect, or ever sees a token of the provider.
 */

export type { Profile, SignedIn } from "./answer.ts";
export { isOnbehalfBrowserError, OnbehalfBrowserError } from "./errors.ts";
export type { BrowserErrorCode, BrowserErrorDetails } from "./errors.ts";
export { preloadGoogle } from "./gsi.ts";
export { postCode } from "./post-code.ts";
export type { Delivery, PostCodeOptions, Source } from "./post-code.ts";
export { finishRedirect, redirectToSignIn } from "./redirect.ts";
export type { FinishOptions, RedirectOptions } from "./redirect.ts";
export { missingScopes } from "./scopes.ts";
export type { Scopes } from "./scopes.ts";
export { signIn } from "./sign-in.ts";
export type { SignInOptions } from "./sign-in.ts";
