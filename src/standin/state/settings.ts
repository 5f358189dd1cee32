import type { AccountRefusal } from "./people.ts";
import { number, oneOf, orNull, read, yesNo } from "../input-checks.ts";
import type { Check, Spelling } from "../input-checks.ts";

/** Ways to get an ID token wrong on purpose, so that a verifier can be seen to refuse it. */
export const idTokenFlaws = [
  "wrong_aud",
  "wrong_iss",
  "alg_none",
  "expired",
  "bad_signature",
  "missing_sub",
  "wrong_nonce",
  "hs256_with_public_key",
  "unknown_kid",
] as const;

export type IdTokenFlaw = (typeof idTokenFlaws)[number];

/** How the provider behaves. The defaults are Google's. */
export interface Settings {
  /** Life of an access token, in seconds. */
  accessTokenTtlSeconds: number;
  /** Life of a code, in seconds. */
  codeTtlSeconds: number;
  /** Life of an ID token, in seconds. */
  idTokenTtlSeconds: number;
  /** What a refresh does to the refresh token: nothing (Google), a new one with a grace period, a new one at once. */
  rotation: "none" | "grace" | "strict";
  /** For how many seconds the last replaced refresh token still works, with rotation `grace`. */
  graceSeconds: number;
  /** Whether using a replaced refresh token ends its whole family, as RFC 9700 section 4.14.2 asks. */
  revokeFamilyOnReuse: boolean;
  /** Live refresh tokens per account and client; one more silently ends the oldest. */
  refreshTokensPerUser: number;
  /** Publishing status "Testing": refresh tokens with more than sign-in scopes end after seven days. */
  testingMode: boolean;
  /** Time-based access: life of new refresh tokens in seconds, announced as `refresh_token_expires_in`; null: no end. */
  refreshTokenTtlSeconds: number | null;
  /**
   * What ends when a token is revoked: everything of that account and project (Google), or only the token's own family,
   * where a refresh token that was replaced is an unknown one.
   */
  revocationEnds: "account" | "family";
  /** For how many seconds a revoked authorization goes on working: at Google, "it might take some time". */
  revocationLagSeconds: number;
  /** Whether a refresh with an identity scope brings an ID token too. */
  idTokenOnRefresh: boolean;
  /** Whether an exchange with the wrong `redirect_uri` uses the code up. */
  burnCodeOnMismatch: boolean;
  /** Whether a second use of a code ends what the first one brought, as RFC 6749 section 4.1.2 recommends. */
  revokeOnCodeReuse: boolean;
  /** Google Workspace policies: every exchange and refresh is refused in this way; null: none is. */
  refusal: AccountRefusal | null;
  /** New ID tokens are wrong in this way; null: they are right. */
  idTokenFlaw: IdTokenFlaw | null;
}

export const googlesOwn: Readonly<Settings> = {
  accessTokenTtlSeconds: 3_599,
  codeTtlSeconds: 600,
  idTokenTtlSeconds: 3_600,
  rotation: "none",
  graceSeconds: 30,
  revokeFamilyOnReuse: false,
  refreshTokensPerUser: 100,
  testingMode: false,
  refreshTokenTtlSeconds: null,
  revocationEnds: "account",
  revocationLagSeconds: 0,
  idTokenOnRefresh: true,
  burnCodeOnMismatch: false,
  revokeOnCodeReuse: false,
  refusal: null,
  idTokenFlaw: null,
};

export const accountRefusal: Check<AccountRefusal> = oneOf("invalid_rapt", "rapt_required", "admin_policy_enforced");

const shape = {
  accessTokenTtlSeconds: number(1),
  codeTtlSeconds: number(1),
  idTokenTtlSeconds: number(1),
  rotation: oneOf("none", "grace", "strict"),
  graceSeconds: number(0),
  revokeFamilyOnReuse: yesNo,
  refreshTokensPerUser: number(1),
  testingMode: yesNo,
  refreshTokenTtlSeconds: orNull(number(1)),
  revocationEnds: oneOf("account", "family"),
  revocationLagSeconds: number(0),
  idTokenOnRefresh: yesNo,
  burnCodeOnMismatch: yesNo,
  revokeOnCodeReuse: yesNo,
  refusal: orNull(accountRefusal),
  idTokenFlaw: orNull(oneOf(...idTokenFlaws)),
};

/** @throws {BadInput} naming the member that is unknown or out of range. */
export function readSettings(input: unknown, spelling: Spelling): Partial<Settings> {
  return read(input, shape, spelling);
}
