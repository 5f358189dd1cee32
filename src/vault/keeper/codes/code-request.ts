import { invalidRequest } from "../../../core/errors.ts";
import type { CodeSource, Provider } from "../../../providers/provider.ts";
import { Secret } from "../../../core/secret.ts";
import { noClient } from "../../errors/client-misconfigured.ts";
import type { CodeRequest } from "../keeper.ts";

export type { CodeRequest } from "../keeper.ts";

/** A one-time code and what is known about where it came from. */
export interface ExchangeCodeOptions {
  /** As the app got it. One that is still percent-encoded, as copied from a URL, is decoded once. */
  readonly code: string | Secret;
  /** Where it came from; it decides `redirect_uri`. Default: `web-redirect` where a `redirectUri` is given, else `android`. */
  readonly source?: CodeSource;
  /** The flow's own URI, for `web-redirect`; for a popup, the page's origin where the provider wants that. */
  readonly redirectUri?: string;
  /** The verifier that the sign-in was started with (RFC 7636 section 4.1). */
  readonly codeVerifier?: string | Secret;
  /** The nonce that the sign-in was started with; the ID token must carry it. */
  readonly nonce?: string;
  /** The app's own user id. From a trusted caller alone: a public request's body never decides whose grant it is. */
  readonly externalId?: string;
  /** What was asked for, so that scopes that were not granted can be named. */
  readonly scopes?: readonly string[];
  /** Which provider, where the vault has several. */
  readonly provider?: string;
  readonly signal?: AbortSignal;
}

/** Longer than any provider's codes; Google's have up to 256 bytes. */
const longestCode = 2_048;

/**
 * Settles what an exchange will send, without sending it: a wrong `redirect_uri` may burn the code.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names what is wrong
 * @throws {OnbehalfError} `client_misconfigured`: the provider was given without a client
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
 */
export function codeRequest(options: ExchangeCodeOptions, provider: Provider): CodeRequest {
  if (provider.client === "none") throw noClient(provider);
  return {
    code: decodedCode(options.code),
    redirectUri: redirectUriOf(options, provider),
    codeVerifier: verifierOf(options.codeVerifier),
    nonce: bounded("nonce", options.nonce),
    externalId: externalIdOf(options.externalId),
    scopes: options.scopes ?? [],
  };
}

function decodedCode(given: string | Secret): Secret {
  let code = typeof given === "string" ? given : given.expose();
  // Once, never twice: a code may itself contain what looks like an escape.
  if (/%[0-9A-Fa-f]{2}/.test(code)) {
    try {
      code = decodeURIComponent(code);
    } catch {
      throw invalidRequest(
        "authCode is not validly percent-encoded",
        "send the code as the provider gave it",
        "authCode",
      );
    }
  }
  if (code === "") throw invalidRequest("authCode is empty", "send the one-time code as authCode", "authCode");
  if (code.length > longestCode || !/^[\x21-\x7e]+$/.test(code)) {
    throw invalidRequest(
      `authCode must be 1 to ${longestCode} visible ASCII characters`,
      "send the one-time code itself, as the provider gave it",
      "authCode",
    );
  }
  return new Secret(code);
}

function redirectUriOf({ source, redirectUri }: ExchangeCodeOptions, provider: Provider): string | undefined {
  const from = source ?? (redirectUri === undefined ? "android" : "web-redirect");
  if (redirectUri !== undefined) {
    if (from === "android" || from === "ios") {
      throw invalidRequest(
        `a code from ${from} has no redirect_uri`,
        "leave redirect_uri out, or set source to web-redirect or web-popup",
        "redirect_uri",
      );
    }
    if (!URL.canParse(redirectUri) && redirectUri !== provider.redirectUriFor[from]) {
      throw invalidRequest(
        "redirect_uri must be a URL",
        "send exactly the URI that the sign-in was started with",
        "redirect_uri",
      );
    }
    return redirectUri;
  }
  if (from === "web-redirect") {
    throw invalidRequest(
      "a code from web-redirect needs the flow's own redirect_uri",
      "send exactly the URI that the sign-in was started with",
      "redirect_uri",
    );
  }
  return provider.redirectUriFor[from];
}

function verifierOf(given: string | Secret | undefined): Secret | undefined {
  if (given === undefined) return undefined;
  const verifier = typeof given === "string" ? given : given.expose();
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) {
    throw invalidRequest(
      "code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~",
      "send the verifier that the sign-in was started with (RFC 7636 section 4.1)",
      "code_verifier",
    );
  }
  return new Secret(verifier);
}

function externalIdOf(given: string | undefined): string | undefined {
  if (given === "")
    throw invalidRequest("external_id is empty", "leave it out, or send the app's own user id", "external_id");
  return bounded("external_id", given);
}

function bounded(parameter: string, value: string | undefined): string | undefined {
  if (value !== undefined && (value.length > 512 || /\p{Cc}/u.test(value))) {
    throw invalidRequest(
      `${parameter} must be at most 512 characters, without control characters`,
      `send a shorter ${parameter}, without line ends or tabs`,
      parameter,
    );
  }
  return value;
}
