import { abortSignal, assertOptions, date, required, secretText, text, truth } from "../../../core/argument-checks.ts";
import type { Rule } from "../../../core/argument-checks.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { scopesOf } from "../../../core/grant.ts";
import { Secret } from "../../../core/secret.ts";
import type { Provider } from "../../../providers/provider.ts";
import { noClient } from "../../errors/client-misconfigured.ts";
import { accountOf, externalIdOf } from "../codes/code-request.ts";
import type { DepositRequest } from "../keeper.ts";

/** A refresh token that the app got elsewhere, and what is known about it. */
export interface DepositOptions {
  /** The refresh token as the provider issued it, at most 16,384 characters. */
  readonly refreshToken: string | Secret;
  /** The app's own user id, 1 to 512 characters. */
  readonly externalId: string;
  /** A label for this account, 1 to 512 characters, as `account` of an exchange. Absent: the one that it has, or its subject. */
  readonly account?: string;
  /** The provider's short name. May be left out where the vault has only one provider. */
  readonly provider?: string;
  /** An access token that is held with it. It is not used: what the refresh brings is kept. */
  readonly accessToken?: string | Secret;
  /** When that access token expires. It is not used either. */
  readonly expiresAt?: Date;
  /**
   * What the token covers, separated by spaces, at most 8,192 characters. It counts where the provider does not say it.
   * Absent, and where the provider does not say it: nothing is known of that, and the grant names no scopes.
   */
  readonly scope?: string;
  /** Whether it is one of many: it then goes behind everything that somebody waits for. Default: false. */
  readonly isOneOfMany?: boolean;
  /**
   * Whether to send the token although it failed with `deposit_outcome_unknown` before. Where the provider has replaced it,
   * that ends what came of it. Default: false.
   */
  readonly sendAgain?: boolean;
  /** Ends the wait: the call throws the signal's reason. A refresh that is under way goes on. */
  readonly signal?: AbortSignal;
}

const rules: Readonly<Record<keyof DepositOptions, Rule>> = {
  refreshToken: required(secretText),
  externalId: required(text),
  account: text,
  provider: text,
  accessToken: secretText,
  expiresAt: date,
  scope: text,
  isOneOfMany: truth,
  sendAgain: truth,
  signal: abortSignal,
};

/**
 * Refuses options of a wrong type, and those that nobody knows, before anything is done with the token.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names the option
 */
export function assertDepositOptions(options: DepositOptions): void {
  assertOptions("deposit", options, rules);
}

/** Longer than any provider's tokens, and short enough for any token endpoint. */
const longestToken = 16_384;
const longestScope = 8_192;

/**
 * Checks what a deposit will send, before anything is sent.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names what is wrong
 * @throws {OnbehalfError} `client_misconfigured`: the vault was opened without a client of this provider
 */
export function depositRequest(options: DepositOptions, provider: Provider): DepositRequest {
  if (provider.client === "none") throw noClient(provider);
  const { isOneOfMany = false, sendAgain = false, scope = "" } = options;
  if (scope.length > longestScope) {
    throw invalidRequest(
      `scope must be at most ${longestScope} characters`,
      "send what the token covers, separated by spaces, or leave scope out",
      "scope",
    );
  }
  return {
    refreshToken: refreshTokenOf(options.refreshToken),
    externalId: externalIdOf(options.externalId),
    account: accountOf(options),
    scopes: scopesOf(scope),
    isOneOfMany,
    sendAgain,
  };
}

function refreshTokenOf(given: string | Secret): Secret {
  const secret = Secret.of(given);
  const token = secret.expose();
  // Such words stand for no token in exports of databases. White space around it came with the export.
  const isNone = /^\s*(?:null|undefined|none|nil|nan)?\s*$/i.test(token);
  if (!isNone && token.length <= longestToken && token === token.trim() && !/\p{Cc}/u.test(token)) {
    return secret;
  }
  throw invalidRequest(
    `refresh_token must be 1 to ${longestToken} characters, without white space around it or control characters`,
    isNone
      ? "leave out people of whom there is no refresh token"
      : "send the token itself, as the provider issued it: decrypted, where it is stored encrypted",
    "refresh_token",
  );
}
