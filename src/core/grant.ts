/**
 * core/ holds what Onbehalf knows and decides without asking anybody: the words for a grant, the errors, and the rules
 * for refreshes, take-overs and back-off. What reads a file, sends a request or touches a store does not belong here,
 * and nothing here imports from outside core/.
 */

import type { GrantState } from "./grant-state.ts";
import type { Cause, Certainty, Evidence, FurtherReason } from "./diagnosis/diagnosis.ts";
import type { DependsOn, Reason, Step } from "./diagnosis/reasons.ts";

/**
 * What the ID token says of the person who signed in. The names are those of the registered claims; `hd` is Google's
 * hosted domain.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims
 */
export interface Profile {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
  picture?: string;
  given_name?: string;
  family_name?: string;
  locale?: string;
  hd?: string;
}

/** By what a grant is known: one of the app's user ids, and which account of that user it is. */
export interface Tie {
  readonly externalId: string;
  /** The label that the app chose, or the provider's subject where it chose none; `default` where the provider names nobody. */
  readonly account: string;
}

/** The stored authorization of one subject for one client at one issuer. Carries no token. */
export interface Grant {
  /** `g_…`, stable over re-consent. */
  readonly grantId: string;
  /** Our short name of the provider, such as `google`. */
  readonly provider: string;
  readonly issuer: string;
  readonly clientId: string;
  /** `sub`: the issuer's id for the person. Know people by this id, never by an e-mail address: those change hands. */
  readonly subject: string;
  /**
   * The app's own user id: the one that was asked by, otherwise the first of {@link externalIds}. Absent: the app gave
   * none.
   */
  readonly externalId?: string;
  /**
   * Which of that user's accounts it is: the label that the app chose, by default the {@link subject}. Absent: the app gave
   * no user id.
   */
  readonly account?: string;
  /**
   * All of the app's user ids that the grant is known by, each with its label: several users may have connected one account.
   */
  readonly externalIds: readonly Tie[];
  readonly profile: Profile;
  /** What the person granted, in the provider's canonical names. */
  readonly scopes: readonly string[];
  /**
   * What the grant covered once, lost, and has not got back: the person or an administrator took it away, or a consent
   * for less took its place. From an exchange with a ticket, also what the ticket asked for and is not granted. Absent:
   * nothing.
   */
  readonly missingScopes?: readonly string[];
  readonly state: GrantState;
  /**
   * Why the grant is not well: lapsed, revoked, suspect, failing, or weak, because it works now and will not last or covers less
   * than it should. Absent: it is well; so are the seven that follow.
   */
  readonly reason?: Reason;
  /** How far {@link reason} can be trusted. */
  readonly certainty?: Certainty;
  /** What speaks for it, in the order of time: what the provider said, when, and about which token. */
  readonly evidence?: readonly Evidence[];
  /** Who can do something about it. */
  readonly dependsOn?: DependsOn;
  /** What to do, one sentence, lower case. */
  readonly fix?: string;
  /** The same, step by step: what must be done first comes first. */
  readonly steps?: readonly Step[];
  /** Where the provider did not say why: what it may be, the likeliest first. */
  readonly causes?: readonly Cause[];
  /** What else is weak about the grant. */
  readonly also?: readonly FurtherReason[];
  /** Since when the grant has been in this state. */
  readonly since: Date;
  /** Whether a refresh token is held. Only with one does access go on while the person is away. */
  readonly offline: boolean;
  /** How many exchanges have been committed to this grant. */
  readonly generation: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Absent: the grant was never refreshed. */
  readonly lastRefreshAt?: Date;
  /** When the access token that is held now expires. Absent: none is held, or nobody knows when it ends. */
  readonly accessExpiresAt?: Date;
  /**
   * False: the provider did not say when the access token ends. It is handed out until an API refuses it; where there is
   * a refresh token, another one is got when it is an hour old. Absent: no access token is held.
   */
  readonly accessTokenEndKnown?: boolean;
  /**
   * When a new consent is known to be needed, because the provider announced the end of the consent or of the refresh
   * token. The keeper refreshes a grant before its refresh token ends, which moves that end. Absent: no end is known.
   */
  readonly reauthorizeBefore?: Date;
  /** The last refresh that failed: the error code, and when. The grant may work all the same. */
  readonly lastError?: { readonly error: string; readonly at: Date };
  /** What is left to do, where a person has to. Only in the answer to a revocation that was not confirmed. */
  readonly hint?: string;
}

/**
 * How a caller names a grant: by its id (a string, or `grantId`), by the person who consented (`subject`), or by the
 * app's own user id (`externalId`). Add `provider` where a subject or user id has grants at several providers, and
 * `account`, the label of one of them, where that user has several accounts.
 */
export type GrantRef =
  | string
  | { readonly grantId: string }
  | { readonly provider?: string; readonly account?: string; readonly subject: string }
  | { readonly provider?: string; readonly account?: string; readonly externalId: string };

/**
 * Splits a `scope` string at its spaces.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3
 */
export function scopesOf(scope: string): readonly string[] {
  return scope.split(" ").filter((each) => each !== "");
}

/** Whether a reference is a grant's id, as most are. */
export function isGrantId(ref: unknown): ref is string {
  return typeof ref === "string" && ref.trim() !== "";
}

/** Whether tokens of a grant in this state may be handed out and refreshed. */
export function isUsable(state: GrantState): boolean {
  return state === "active" || state === "suspect";
}
