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
  /** What the server needs. `openid` is always added. */
  readonly scope: Scopes;
  /** Registered with the client, character by character. This page without query and fragment by default. */
  readonly redirectUri?: string;
  /** `consent` forces a new refresh token; ask for it only when the service said `offline: false`. */
  readonly prompt?: "none" | "consent" | "select_account" | "select_account consent";
  readonly loginHint?: string;
  readonly hostedDomain?: string;
  /** Include what was granted earlier; true by default, else the new refresh token covers less than the old one. */
  readonly includeGrantedScopes?: boolean;
  /** Google's by default. */
  readonly authorizationEndpoint?: string;
}

/** How to hand the code over, once back. */
export interface FinishOptions extends Delivery {
  /** Compared with the answer's `iss` where there is one (RFC 9207). `https://accounts.google.com` by default. */
  readonly issuer?: string;
}

/** What the page must remember while it is away. Kept per tab, under the state, so that two tabs do not mix. */
interface Flow {
  readonly scope: readonly string[];
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly nonce: string;
}

function storageKey(state: string): string {
  return `onbehalf:redirect:${state}`;
}

/**
 * Leaves the page for the provider's, with `state`, PKCE (RFC 7636) and a nonce (OpenID Connect Core 3.1.2.1).
 * {@link finishRedirect} goes on when the person comes back.
 *
 * @throws {OnbehalfBrowserError} `insecure_context`: PKCE needs https or localhost.
 */
export async function redirectToSignIn(options: RedirectOptions): Promise<void> {
  const flow: Flow = {
    scope: scopesToAsk(options.scope),
    redirectUri: options.redirectUri ?? location.origin + location.pathname,
    codeVerifier: randomText(),
    nonce: randomText(),
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
 * Takes the provider's answer out of the page's address and hands the code to the service.
 * Call it whenever the page loads: it resolves to `undefined` when the address holds no answer.
 *
 * @throws {OnbehalfBrowserError} `state_mismatch`: this tab asked for no such answer, so the code is not used;
 *   `issuer_mismatch`; the provider's codes (`access_denied`); and those of {@link postCode}.
 */
export async function finishRedirect(options: FinishOptions = {}): Promise<SignedIn | undefined> {
  const answer = new URLSearchParams(location.search);
  const state = answer.get("state");
  const code = answer.get("code");
  const error = answer.get("error");
  if (state === null || (code === null && error === null)) return undefined;

  // Out of the address bar before anything else: a reload must not post it again, a copied link not carry it away.
  history.replaceState(history.state, "", addressWithoutAnswer());
  const flow = takeFlow(state);
  if (flow === undefined) {
    throw new OnbehalfBrowserError("state_mismatch", "this tab is not waiting for that answer", {
      hint: "start again with redirectToSignIn(); another site may have sent the person here",
    });
  }
  const iss = answer.get("iss");
  if (iss !== null && iss !== (options.issuer ?? "https://accounts.google.com")) {
    throw new OnbehalfBrowserError("issuer_mismatch", `the answer comes from ${iss}`, {
      hint: "pass `issuer` where the provider is not google",
    });
  }
  if (code === null) throw refusal(error ?? "server_error", answer.get("error_description"));
  return postCode({ ...options, ...flow, code, source: "web-redirect" });
}

/** Read once: the same answer a second time is a replay. */
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
