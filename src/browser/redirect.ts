import type { SignedIn } from "./answer.ts";
import { OnbehalfBrowserError } from "./errors.ts";
import { refusal } from "./gsi.ts";
import { codeChallenge, randomText } from "./pkce.ts";
import { postCode } from "./post-code.ts";
import type { Delivery } from "./post-code.ts";
import { scopesToAsk } from "./scopes.ts";
import type { Scopes } from "./scopes.ts";

/** What to ask for, and where to come back to. */
export interface RedirectOptions {
  /** The **web** client's id: the one whose secret the service has. */
  readonly clientId: string;
  /** The scopes that the server needs. `openid` is always added. */
  readonly scope: Scopes;
  /** Where the provider sends the person back to, exactly as registered. Default: this page without query and fragment. */
  readonly redirectUri?: string;
  /** `consent` brings a new refresh token: ask for it only after the service answered `offline: false`. Default: none. */
  readonly prompt?: "none" | "consent" | "select_account" | "select_account consent";
  /** An address or a `sub`: the provider then skips its account chooser where it can. */
  readonly loginHint?: string;
  /** A Workspace domain to prefer (`hd`). A hint only: the service decides whom it accepts. */
  readonly hostedDomain?: string;
  /** Whether to include what the person granted earlier. Default true: otherwise the new refresh token covers less. */
  readonly includeGrantedScopes?: boolean;
  /**
   * A ticket that the app's backend has made (`POST /v1/tickets`): the grant becomes that of the user it was made for. It is
   * good for five minutes, so make it when the person is about to leave. Needs its {@link nonce}.
   */
  readonly ticket?: string;
  /** The nonce to ask for: the one that came with the ticket. Default: one that is made here. */
  readonly nonce?: string;
  /** Default: Google's. */
  readonly authorizationEndpoint?: string;
}

/** How to hand the code over, once the person is back. */
export interface FinishOptions extends Delivery {
  /**
   * Compared with the `iss` of the answer, where it has one. Default `https://accounts.google.com`.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc9207 | RFC 9207}
   */
  readonly issuer?: string;
}

/** What the page must remember while the person is away. Stored by tab and by state, so that two tabs do not mix. */
interface Flow {
  readonly scope: readonly string[];
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly ticket?: string;
}

function storageKey(state: string): string {
  return `onbehalf:redirect:${state}`;
}

/**
 * Leaves this page for the provider's, with `state`, PKCE and a nonce. When the person comes back, call
 * {@link finishRedirect}.
 *
 * @throws {OnbehalfBrowserError} `insecure_context`: PKCE needs https or localhost
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1 | RFC 6749 section 4.1.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc7636 | RFC 7636}
 * @see {@link https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest | OpenID Connect Core 1.0 section 3.1.2.1}
 */
export async function redirectToSignIn(options: RedirectOptions): Promise<void> {
  const flow: Flow = {
    scope: scopesToAsk(options.scope),
    redirectUri: options.redirectUri ?? location.origin + location.pathname,
    codeVerifier: randomText(),
    nonce: options.nonce ?? randomText(),
    ...(options.ticket === undefined ? {} : { ticket: options.ticket }),
  };
  const state = randomText();
  const url = authorizationUrl(options, flow, state, await codeChallenge(flow.codeVerifier));
  sessionStorage.setItem(storageKey(state), JSON.stringify(flow));
  location.assign(url);
}

function authorizationUrl(options: RedirectOptions, flow: Flow, state: string, challenge: string): URL {
  const url = new URL(options.authorizationEndpoint ?? "https://accounts.google.com/o/oauth2/v2/auth");
  const parameters = {
    client_id: options.clientId,
    redirect_uri: flow.redirectUri,
    response_type: "code",
    scope: flow.scope.join(" "),
    access_type: "offline",
    include_granted_scopes: String(options.includeGrantedScopes ?? true),
    state,
    nonce: flow.nonce,
    code_challenge: challenge,
    code_challenge_method: "S256",
    prompt: options.prompt,
    login_hint: options.loginHint,
    hd: options.hostedDomain,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/**
 * Takes the provider's answer out of the page's address and hands the code to the service. Call it whenever the page
 * loads.
 *
 * @returns who signed in, and what they granted; undefined where the address contains no answer
 * @throws {OnbehalfBrowserError} `state_mismatch`: this tab did not ask for this answer, so the code is not used
 * @throws {OnbehalfBrowserError} `issuer_mismatch`: the answer comes from another issuer than `issuer`
 * @throws {OnbehalfBrowserError} the provider's code, such as `access_denied`: the person refused
 * @throws {OnbehalfBrowserError} and those of {@link postCode}
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2 | RFC 6749 section 4.1.2}
 */
export async function finishRedirect(options: FinishOptions = {}): Promise<SignedIn | undefined> {
  const answer = new URLSearchParams(location.search);
  const state = answer.get("state");
  const code = answer.get("code");
  const error = answer.get("error");
  if (state === null || (code === null && error === null)) return undefined;

  // Taken out of the address bar first: a reload must not post the code again, and a copied link must not contain it.
  history.replaceState(history.state, "", addressWithoutAnswer());
  const flow = takeFlow(state);
  if (flow === undefined) {
    throw new OnbehalfBrowserError("state_mismatch", "this tab did not ask for this answer", {
      hint: "start again with redirectToSignIn(); the answer may come from another tab, or from another site",
    });
  }
  const iss = answer.get("iss");
  if (iss !== null && iss !== (options.issuer ?? "https://accounts.google.com")) {
    throw new OnbehalfBrowserError("issuer_mismatch", `the answer comes from the issuer ${iss}`, {
      hint: "pass that issuer as `issuer` if it is the one you expect",
    });
  }
  if (code === null) throw refusal(error ?? "server_error", answer.get("error_description"));
  return postCode({ ...options, ...flow, code, source: "web-redirect" });
}

/** Reads what this tab remembered, once: a second answer with the same state is a replay. */
function takeFlow(state: string): Flow | undefined {
  const stored = sessionStorage.getItem(storageKey(state));
  sessionStorage.removeItem(storageKey(state));
  return stored === null ? undefined : (JSON.parse(stored) as Flow);
}

const answerParameters = [
  "code",
  "state",
  "scope",
  "iss",
  "authuser",
  "prompt",
  "hd",
  "error",
  "error_description",
  "error_subtype",
];

function addressWithoutAnswer(): string {
  const url = new URL(location.href);
  for (const name of answerParameters) url.searchParams.delete(name);
  return url.href;
}
