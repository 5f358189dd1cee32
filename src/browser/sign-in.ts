import type { SignedIn } from "./answer.ts";
import { preloadGoogle, requestCode } from "./gsi.ts";
import { postCode } from "./post-code.ts";
import type { Delivery } from "./post-code.ts";
import { scopesToAsk } from "./scopes.ts";
import type { Scopes } from "./scopes.ts";

/** What the popup asks for, and how. */
export interface SignInOptions extends Delivery {
  /** The **web** client's id: the one whose secret the service has. */
  readonly clientId: string;
  /** The scopes that the server needs. `openid` is always added. */
  readonly scope: Scopes;
  /** An address or a `sub`: Google then skips its account chooser where it can. */
  readonly loginHint?: string;
  /** A Workspace domain to prefer (`hd`). A hint only: the service decides whom it accepts. */
  readonly hostedDomain?: string;
  /** Whether to show the account chooser in any case. Default false. */
  readonly selectAccount?: boolean;
  /** Whether to include what the person granted earlier. Default true: otherwise the new refresh token covers less. */
  readonly includeGrantedScopes?: boolean;
  /** A ticket that the app's backend has made (`POST /v1/tickets`): the grant becomes that of the user it was made for. */
  readonly ticket?: string;
  /** Address of the sign-in script. Default: Google's. */
  readonly gsiUrl?: string;
}

/**
 * Signs a person in with Google's popup and hands the code to the service. Call it from a click.
 *
 * Use it to connect an account, and not to greet a person who is connected already: Google is reported to ask for consent
 * in each of these popups. Each consent makes a new refresh token, and the 101st of a person and client ends the oldest.
 *
 * @returns who signed in, and what they granted
 * @throws {OnbehalfBrowserError} `script_failed`: Google's script did not load
 * @throws {OnbehalfBrowserError} `popup_failed_to_open`: the browser blocked the window
 * @throws {OnbehalfBrowserError} `popup_closed`, `popup_error`: the window closed or failed before there was an answer
 * @throws {OnbehalfBrowserError} the provider's code, such as `access_denied`: the person refused
 * @throws {OnbehalfBrowserError} and those of {@link postCode}
 * @see {@link https://developers.google.com/identity/oauth2/web/guides/use-code-model | Google: the code model}
 */
export async function signIn(options: SignInOptions): Promise<SignedIn> {
  const scope = scopesToAsk(options.scope);
  await preloadGoogle(options.gsiUrl);
  options.signal?.throwIfAborted();
  const code = await requestCode({
    clientId: options.clientId,
    scope,
    includeGrantedScopes: options.includeGrantedScopes ?? true,
    loginHint: options.loginHint,
    hostedDomain: options.hostedDomain,
    selectAccount: options.selectAccount,
  });
  return postCode({ ...options, code, scope, source: "web-popup" });
}
