import { abortSignal, assertOptions, seconds, text } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { invalidRequest } from "../../core/errors.ts";

/** What `getAccessToken` takes besides the grant. */
export interface GetAccessTokenOptions {
  /** How long the token must still live, seconds. One that lives for a shorter time is refreshed first. Default: 60. */
  readonly minTtlSeconds?: number;
  /**
   * The SHA-256, in hex, of a token that an API has just refused. Where the grant still holds that one, it is replaced,
   * or ends where there is nothing to replace it with. Default: none was refused.
   */
  readonly refused?: string;
  /** Ends the wait: the call throws the signal's reason. A refresh that is under way goes on, for the next caller. */
  readonly signal?: AbortSignal;
}

const rules: Readonly<Record<keyof GetAccessTokenOptions, Rule>> = {
  minTtlSeconds: seconds,
  refused: text,
  signal: abortSignal,
};

/**
 * Refuses options of a wrong type, and those that nobody knows.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names the option
 */
export function assertGetAccessTokenOptions(options: GetAccessTokenOptions): void {
  assertOptions("getAccessToken", options, rules);
}

/**
 * Refuses what is no SHA-256 of a token in hex.
 *
 * @throws {OnbehalfError} `invalid_request`
 */
export function assertTokenDigest(refused: string): void {
  if (/^[0-9a-f]{64}$/.test(refused)) return;
  throw invalidRequest(
    "refused must be the SHA-256 of a token, in hex",
    "send the 64 hex digits of the SHA-256 of the token that the API refused",
    "refused",
  );
}
