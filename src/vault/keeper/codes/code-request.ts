import {
  abortSignal,
  assertOptions,
  oneOf,
  required,
  secretText,
  text,
  texts,
  truth,
} from "../../../core/argument-checks.ts";
import type { Rule } from "../../../core/argument-checks.ts";
import { invalidRequest } from "../../../core/errors.ts";
import type { OnbehalfError } from "../../../core/errors.ts";
import { codeSources } from "../../../providers/provider.ts";
import type { CodeSource, Provider } from "../../../providers/provider.ts";
import { Secret } from "../../../core/secret.ts";
import { flawIn } from "../../../core/verbatim.ts";
import { noClient } from "../../errors/client-misconfigured.ts";
import type { CodeRequest } from "../keeper.ts";

export type { CodeRequest } from "../keeper.ts";

/** A one-time code, and what is known about the sign-in that it came from. */
export interface ExchangeCodeOptions {
  /** The code as the app got it. A code that is still percent-encoded, as copied from a URL, is decoded once. */
  readonly code: string | Secret;
  /**
   * Where the code came from, which decides the `redirect_uri` that is sent. Default: `web-redirect` where a {@link
   * redirectUri} is given, otherwise `android`.
   */
  readonly source?: CodeSource;
  /**
   * The `redirect_uri` that the sign-in was started with, at most 2,048 characters. Needed with `web-redirect`; with `web-popup`, the page's
   * origin where the provider wants that; not allowed with `android` and `ios`.
   */
  readonly redirectUri?: string;
  /**
   * The verifier that the sign-in was started with: 43 to 128 characters. Absent: it was started without one.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7636#section-4.1
   */
  readonly codeVerifier?: string | Secret;
  /**
   * The nonce that the sign-in was started with, at most 512 characters. The ID token must carry it. Absent or empty: it
   * was started with none, and an ID token that has one is refused, but for sources that the provider's record lists in
   * `unknownNonces`.
   *
   * @see https://openid.net/specs/openid-connect-core-1_0.html#NonceNotes
   */
  readonly nonce?: string;
  /**
   * 16 to 255 visible ASCII characters that whoever sends the code has chosen at random, and sends again with the same
   * code where the answer was lost. Another request with the code, with another key or none, is then refused. Absent: none.
   *
   * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
   */
  readonly idempotencyKey?: string | Secret;
  /**
   * The app's own user id, 1 to 512 characters. Give it only where you know whose sign-in this is: a public request
   * must never decide whose grant it becomes. Absent: an id that the grant has already is kept.
   */
  readonly externalId?: string;
  /**
   * A label for this account, 1 to 512 characters, where one user has several accounts of the provider: `work`, an e-mail
   * address. It is compared letter by letter. Another label than the one that the user knows the account by renames it;
   * one by which the user knows another account is refused with `external_id_conflict`, unless that grant was revoked.
   * Absent: the label that it has already, otherwise the provider's `sub`; `default` at a provider without an identity.
   */
  readonly account?: string;
  /**
   * The ticket that came with the code, from `Vault.createTicket` or `POST /v1/tickets`. It says which provider the code is
   * of, which scopes were asked for, and whose the grant becomes: {@link externalId}, {@link account} and {@link nonce}
   * must then be those of the ticket, or absent. Absent: none came.
   */
  readonly ticket?: string | Secret;
  /**
   * Whether other accounts lose what is asked for: with an {@link account}, the one that has this label loses the user; with
   * none, all others of this user do, so that {@link externalId} means this account alone. Default false.
   */
  readonly moveExternalId?: boolean;
  /**
   * The scopes that the sign-in asked for. Where the provider does not say what was granted, they count as granted;
   * where it does, the code handler names those that were not. At most 256, with 8,192 characters in all.
   */
  readonly scopes?: readonly string[];
  /**
   * Whether somebody without a key may have sent this code, as to `POST /authcode`. Such codes go behind all that
   * callers wait for, use half of the exchange rate at most, and are refused with `provider_unavailable` where too many
   * wait. Default false; the code handler sets it.
   */
  readonly isPublic?: boolean;
  /** The provider's short name. May be left out where the vault has only one provider. */
  readonly provider?: string;
  /** Ends the wait: the call throws the signal's reason. An exchange that is under way goes on. */
  readonly signal?: AbortSignal;
}

/** What is asked of a code, once the ticket that came with it was looked at. */
export interface SettledCode extends Omit<ExchangeCodeOptions, "ticket"> {
  /** Whether the ID token may have no nonce although one is given. Absent: it may not. */
  readonly isNonceOptional?: boolean;
}

const rules: Readonly<Record<keyof ExchangeCodeOptions, Rule>> = {
  code: required(secretText),
  source: oneOf(codeSources),
  redirectUri: text,
  codeVerifier: secretText,
  nonce: text,
  idempotencyKey: secretText,
  externalId: text,
  account: text,
  ticket: secretText,
  moveExternalId: truth,
  scopes: texts,
  isPublic: truth,
  provider: text,
  signal: abortSignal,
};

/**
 * Refuses options of a wrong type, and those that nobody knows, before anything is done with the code.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names the option
 */
export function assertExchangeCodeOptions(options: ExchangeCodeOptions): void {
  assertOptions("exchangeCode", options, rules);
}

/**
 * Bounds of what anybody may send with a code. All of it is kept in memory, sealed into the store or sent to the
 * provider. Without a bound somebody without a key could fill the disk, or have a provider refuse requests for their
 * size.
 */
const longest = {
  /** More than any provider's codes have; Google's have up to 256 bytes. */
  code: 2_048,
  redirectUri: 2_048,
  /** As it is sent: percent-encoding makes up to nine bytes of one character. */
  encodedRedirectUri: 4_096,
  /** All scopes together, with one space between two. */
  scopes: 8_192,
} as const;
/** How many scopes one sign-in may ask for. */
const mostScopes = 256;

/**
 * Checks and completes what an exchange will send, before anything is sent: after a wrong `redirect_uri`, a provider
 * may refuse the code for good.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names what is wrong
 * @throws {OnbehalfError} `client_misconfigured`: the vault was opened without a client of this provider
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
 */
export function codeRequest(options: SettledCode, provider: Provider): CodeRequest {
  if (provider.client === "none") throw noClient(provider);
  if (provider.identity === "none" && options.externalId === undefined) {
    throw invalidRequest(
      `external_id must be sent with a code of ${provider.name}, which does not say who has consented`,
      "send the app's own user id; the code was not used, and may be sent again with it",
      "external_id",
    );
  }
  if (provider.server !== undefined && options.codeVerifier === undefined) {
    throw invalidRequest(
      `code_verifier must be sent with a code of ${provider.name}: MCP servers take no sign-in without PKCE`,
      "send the verifier that the sign-in was started with; the code was not used, and may be sent again with it",
      "code_verifier",
    );
  }
  return {
    code: decodedCode(options.code),
    redirectUri: redirectUriOf(options, provider),
    codeVerifier: codeVerifierOf(options.codeVerifier),
    nonce: bounded("nonce", options.nonce) || undefined,
    isNonceOptional: options.isNonceOptional ?? false,
    isNonceUnknown: provider.unknownNonces?.includes(sourceOf(options)) ?? false,
    idempotencyKey: idempotencyKeyOf(options.idempotencyKey),
    externalId: externalIdOf(options.externalId),
    account: accountOf(options),
    moveExternalId: moveOf(options),
    scopes: scopesOf(options.scopes ?? provider.scopes),
    isPublic: options.isPublic ?? false,
  };
}

function decodedCode(given: string | Secret): Secret {
  let code = typeof given === "string" ? given : given.expose();
  // Before anything is made of it: each of its bytes may be three characters while it is encoded.
  if (code.length > 3 * longest.code) throw wrongCode();
  // Once, never twice: a code may itself contain what looks like an escape.
  if (/%[0-9A-Fa-f]{2}/.test(code)) {
    try {
      code = decodeURIComponent(code);
    } catch {
      throw invalidRequest(
        "authCode must be validly percent-encoded, or not at all",
        "send the code as the provider gave it",
        "authCode",
      );
    }
  }
  if (code === "") throw invalidRequest("authCode must not be empty", "send the one-time code as authCode", "authCode");
  if (code.length > longest.code || !/^[\x21-\x7e]+$/.test(code)) throw wrongCode();
  return new Secret(code);
}

/** Where a code came from. An empty `redirectUri` stands for none, as Google's documentation writes it for a phone's code. */
function sourceOf({ source, redirectUri = "" }: SettledCode): CodeSource {
  return source ?? (redirectUri === "" ? "android" : "web-redirect");
}

function redirectUriOf(options: SettledCode, provider: Provider): string | undefined {
  const redirectUri = options.redirectUri === "" ? undefined : options.redirectUri;
  const from = sourceOf(options);
  if (redirectUri !== undefined) {
    if (from === "android" || from === "ios") {
      throw invalidRequest(
        `redirect_uri must not be sent with a code from ${from}`,
        "leave redirect_uri out, or set source to web-redirect or web-popup",
        "redirect_uri",
      );
    }
    if (isTooLong(redirectUri)) {
      throw invalidRequest(
        `redirect_uri must be at most ${longest.redirectUri} characters, and ${longest.encodedRedirectUri} percent-encoded`,
        "send exactly the URI that the sign-in was started with; what the app must remember belongs in state",
        "redirect_uri",
      );
    }
    const flaw = flawIn(redirectUri);
    if (flaw !== undefined) throw invalidRequest(`redirect_uri ${flaw.is}`, flaw.hint, "redirect_uri");
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
      "redirect_uri must be sent with a code from web-redirect",
      "send exactly the URI that the sign-in was started with",
      "redirect_uri",
    );
  }
  return provider.redirectUriFor[from];
}

function isTooLong(redirectUri: string): boolean {
  if (redirectUri.length > longest.redirectUri) return true;
  return new URLSearchParams([["", redirectUri]]).toString().length - 1 > longest.encodedRedirectUri;
}

/** @throws {OnbehalfError} `invalid_request`: there are more, or longer ones, than a sign-in may ask for */
export function scopesOf(scopes: readonly string[] = []): readonly string[] {
  if (scopes.length > mostScopes || scopes.join(" ").length > longest.scopes) {
    throw invalidRequest(
      `scope must be at most ${mostScopes} scopes, with ${longest.scopes} characters in all`,
      "send the scopes that the sign-in asked for, or leave scope out",
      "scope",
    );
  }
  return scopes;
}

/** @throws {OnbehalfError} `invalid_request`: it is no verifier of PKCE */
export function codeVerifierOf(given: string | Secret | undefined): Secret | undefined {
  if (given === undefined) return undefined;
  const verifier = Secret.of(given);
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier.expose())) {
    throw invalidRequest(
      "code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~",
      "send the verifier that the sign-in was started with (RFC 7636 section 4.1)",
      "code_verifier",
    );
  }
  return verifier;
}

function idempotencyKeyOf(given: string | Secret | undefined): Secret | undefined {
  if (given === undefined) return undefined;
  const key = Secret.of(given);
  if (!/^[\x21-\x7e]{16,255}$/.test(key.expose())) {
    throw invalidRequest(
      "Idempotency-Key must be 16 to 255 visible ASCII characters",
      "send a random one, such as a UUID, and the same with each try of one code; or leave it out",
      "Idempotency-Key",
    );
  }
  return key;
}

/**
 * Whether a request knows something besides the code that whoever has read the code somewhere does not. The same again
 * then comes from the same sender.
 */
export function provesItsSender({ codeVerifier, nonce, idempotencyKey }: CodeRequest): boolean {
  return (codeVerifier ?? nonce ?? idempotencyKey) !== undefined;
}

/** @throws {OnbehalfError} `invalid_request`: it is no user id */
export function externalIdOf<T extends string | undefined>(given: T): T {
  if (given === "")
    throw invalidRequest("external_id must not be empty", "send the app's own user id, or leave it out", "external_id");
  return bounded("external_id", given);
}

/** @throws {OnbehalfError} `invalid_request`: it is no label, or nobody is named whose account it is */
export function accountOf({ externalId, account }: Pick<SettledCode, "externalId" | "account">): string | undefined {
  if (account === undefined) return undefined;
  if (externalId === undefined) {
    throw invalidRequest(
      "account must not be sent without external_id",
      "send the app's own user id whose account this is, or leave account out",
      "account",
    );
  }
  if (account.trim() === "")
    throw invalidRequest("account must not be empty", "send a label for this account, or leave it out", "account");
  return bounded("account", account);
}

function moveOf({ externalId, moveExternalId = false }: SettledCode): boolean {
  if (moveExternalId && externalId === undefined) {
    throw invalidRequest(
      "move_external_id must not be sent without external_id",
      "send the app's own user id that is to be moved",
      "move_external_id",
    );
  }
  return moveExternalId;
}

function bounded<T extends string | undefined>(parameter: string, value: T): T {
  if (value !== undefined && (value.length > 512 || /\p{Cc}/u.test(value))) {
    throw invalidRequest(
      `${parameter} must be at most 512 characters, without control characters`,
      `send a shorter ${parameter}, without line ends or tabs`,
      parameter,
    );
  }
  return value;
}

function wrongCode(): OnbehalfError<"invalid_request"> {
  return invalidRequest(
    `authCode must be 1 to ${longest.code} visible ASCII characters`,
    "send the one-time code itself, as the provider gave it",
    "authCode",
  );
}
