import type { Authorization, Family } from "../../state/ledger.ts";
import type { OneTimeCode } from "../../state/one-time-codes.ts";

/** Where a code came from. It decides which `redirect_uri` the exchange must send. */
export type CodeKind = "native" | "popup" | "redirect";

export interface Challenge {
  readonly value: string;
  readonly method: "S256" | "plain";
}

/** A code of the stand-in for Google. */
export interface Code extends OneTimeCode {
  readonly kind: CodeKind;
  readonly authorization: Authorization;
  readonly clientId: string;
  /** The client that asked the person: the phone's, where the code came from one. */
  readonly azp: string;
  /** What was granted, which may be less than was asked. */
  readonly scopes: readonly string[];
  /** The URI of the authorization request; redirect codes only. */
  readonly redirectUri: string | undefined;
  /** The page's origin, where it is known; popup codes only. */
  readonly origin: string | undefined;
  readonly nonce: string | undefined;
  readonly challenge: Challenge | undefined;
  /**
   * Whether a refresh token comes with it: when consent was shown and offline access asked for (`always`), when this is
   * the first exchange for its person and client (`first`), or not at all.
   */
  readonly offline: "always" | "first" | "never";
  /** What the exchange brought, so that a second use can end it. */
  brought?: Family;
}
