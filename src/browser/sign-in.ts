import type { SignedIn } from "./answer.ts";
import { preloadGoogle, requestCode } from "./gsi.ts";
import { postCode } from "./post-code.ts";
import type { Delivery } from "./post-code.ts";
import { scopesToAsk } from "./scopes.ts";
import type { Scopes } from "./scopes.ts";

/** What to ask for, and how. */
export interface SignInOptions extends Delivery {
  /** The **web** client's id: the one whose secret the service has. */
  readonly clientId: string;
  /** What the server needs. `openid` is always added. */
  readonly scope: Scopes;
  /** An address or a `sub`: skips the account chooser where it fits. */
  readonly loginHint?: string;
  /** A Workspace domain to prefer (`hd`). A hint only: the server decides. */
  readonly hostedDomain?: string;
  /** Always show the account chooser. */
  readonly selectAccount?: boolean;
  /** Include what was granted earlier; true by default, else the new refresh token covers less than the old one. */
  readonly includeGrantedScopes?: boolean;
  /** Google's script, or a stand-in's. */
  readonly gsiUrl?: string;
}

/**
 * Signs a person in with Google's popup and hands the code to the service. Call it from a click.
 * Use it to connect an account, not to greet somebody who is already connected: Google is reported to ask for consent
 * in each such popup, each consent makes a new refresh token, and the 101st of a person and client ends the oldest.
 *
 * @throws {OnbehalfBrowserError} `script_failed`, `popup_failed_to_open`, `popup_closed`, `popup_error`,
 *   the provider's codes (`access_denied`), and those of {@link postCode}.
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
