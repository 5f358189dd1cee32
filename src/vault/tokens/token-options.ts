import { abortSignal, assertOptions, seconds, text } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";

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
