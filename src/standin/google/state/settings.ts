import type { AccountRefusal } from "../../state/people.ts";
import { number, oneOf, orNull, read, yesNo } from "../../input-checks.ts";
import type { Check, Spelling } from "../../input-checks.ts";

/** Ways to make an ID token wrong on purpose, so that a test sees a verifier refuse it. */
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

/** One way in which an ID token can be wrong. */
export type IdTokenFlaw = (typeof idTokenFlaws)[number];

/** How the provider behaves. Each default is what Google does. */
export interface Settings {
  /** Life of an access token, seconds. Default 3,599. */
  accessTokenTtlSeconds: number;
  /** Life of a code, seconds. Default 600. */
  codeTtlSeconds: number;
  /** Life of an ID token, seconds. Default 3,600. */
  idTokenTtlSeconds: number;
  /** `none` (the default): a refresh keeps the refresh token. `grace`, `strict`: it replaces it, with or without grace. */
  rotation: "none" | "grace" | "strict";
  /** With the rotation `grace`: for how many seconds the last replaced refresh token still works. Default 30. */
  graceSeconds: number;
  /** Whether the use of a replaced refresh token ends its family (RFC 9700 section 4.14.2). Default false. */
  revokeFamilyOnReuse: boolean;
  /** How many refresh tokens an account and client may have; one more silently ends the oldest. Default 100. */
  refreshTokensPerUser: number;
  /** Publishing status "Testing": a refresh token with more than sign-in scopes ends after seven days. Default false. */
  testingMode: boolean;
  /** Time-based access: life of new refresh tokens, seconds, sent as `refresh_token_expires_in`. Default null: no end. */
  refreshTokenTtlSeconds: number | null;
  /**
   * What ends when a token is revoked. `account` (the default): everything of that account and project. `family`: the
   * token's own family alone, and a refresh token that was replaced is an unknown one.
   */
  revocationEnds: "account" | "family";
  /** For how many seconds a revoked authorization still works. Google says: "it might take some time". Default 0. */
  revocationLagSeconds: number;
  /** Whether a refresh with a sign-in scope brings an ID token. Default true. */
  idTokenOnRefresh: boolean;
  /** Whether an exchange with the wrong `redirect_uri` uses the code up. Default false. */
  burnCodeOnMismatch: boolean;
  /** Whether a second use of a code ends what the first one brought (RFC 6749 section 4.1.2). Default false. */
  revokeOnCodeReuse: boolean;
  /** A Workspace policy that refuses every exchange and refresh in this way. Default null: none. */
  refusal: AccountRefusal | null;
  /** DPoP: proofs must have a nonce of ours, and each lives for so many seconds. Default null: none is asked for. */
  dpopNonceSeconds: number | null;
  /** Make new ID tokens wrong in this way. Default null: they are right. */
  idTokenFlaw: IdTokenFlaw | null;
}

/** What Google does. */
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
  dpopNonceSeconds: null,
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
  dpopNonceSeconds: orNull(number(1)),
  idTokenFlaw: orNull(oneOf(...idTokenFlaws)),
};

/**
 * Reads settings.
 *
 * @throws {BadInput} naming the member that is unknown or out of range
 */
export function readSettings(input: unknown, spelling: Spelling): Partial<Settings> {
  return read(input, shape, spelling);
}
