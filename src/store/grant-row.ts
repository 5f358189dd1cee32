import type { GrantState, LapseReason } from "../core/grant-state.ts";

/** A grant as it is stored: everything secret is sealed, everything personal hashed or sealed. */
export interface GrantRow {
  readonly grantId: string;
  readonly provider: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Keyed hash of issuer and `sub`; the same for every client, so that one person's grants are found. */
  readonly subjectHash: Uint8Array;
  /** Keyed hash of whose grant this is; null in rows of versions that wrote none. */
  readonly identityMac: Uint8Array | null;
  readonly profileSealed: Uint8Array;
  /**
   * As granted, separated by spaces.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3
   */
  readonly scope: string;
  /** What the grant covered once, lost, and has not got back, separated by spaces. */
  readonly lostScope: string;
  readonly state: GrantState;
  /** Why the grant is `lapsed` or `revoked`; null in every other state. */
  readonly reason: LapseReason | null;
  readonly stateSince: number;
  readonly generation: number;
  /** Null where the person did not grant offline access, or the grant is revoked. */
  readonly refreshSealed: Uint8Array | null;
  /** When the refresh token ends unless it is used before; null where nobody said. */
  readonly refreshExpiresAt: number | null;
  /** When the consent ends, whatever is done; null where nobody said. */
  readonly consentExpiresAt: number | null;
  /** When apps are told that the consent ends soon; null where no end is known, or they were told. */
  readonly announceEndAt: number | null;
  readonly refreshPrefixHash: Uint8Array | null;
  readonly refreshDigestHash: Uint8Array | null;
  readonly accessSealed: Uint8Array | null;
  readonly accessIssuedAt: number | null;
  /** Null where there is no access token, or nobody said when it ends. */
  readonly accessExpiresAt: number | null;
  readonly lastRefreshAt: number | null;
  readonly lastError: string | null;
  readonly lastErrorAt: number | null;
  /**
   * What the provider said beside the code of {@link lastError}, short and without secrets; empty where it gave a code alone.
   * Null where no provider has named that error.
   */
  readonly lastErrorSays: string | null;
  /** How many refreshes in a row have failed. */
  readonly failures: number;
  /** The provider is not asked again before this time. */
  readonly retryAt: number | null;
  /** When the provider is asked once more about a refusal: while the grant is usable, or after it has lapsed. */
  readonly lookAt: number | null;
  /** When the person consented last, and a refresh token came or was kept; null in rows of versions that did not write it. */
  readonly consentedAt: number | null;
  /** What was asked for at that consent and is not granted, separated by spaces. */
  readonly withheldScope: string;
  /**
   * Why it is suspect: a `Doubt` of core/events, and behind a slash what narrows it, as in `signalled/sessions-revoked`. Of a grant
   * that is not suspect: why it was last.
   */
  readonly doubt: string | null;
  /** When the provider last called a refresh token of this grant dead. It stays when the person consents again. */
  readonly diedAt: number | null;
  /** That token was alive at this age, counted from its consent, milliseconds. */
  readonly diedAfter: number | null;
  /** That token was dead at this age. */
  readonly diedBefore: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The part of a grant that a committed exchange writes. */
export type TokenColumns = Pick<
  GrantRow,
  | "refreshSealed"
  | "refreshExpiresAt"
  | "consentExpiresAt"
  | "announceEndAt"
  | "refreshPrefixHash"
  | "refreshDigestHash"
  | "accessSealed"
  | "accessIssuedAt"
  | "accessExpiresAt"
  | "scope"
  | "lostScope"
>;

/** What an answer with a grant's access token needs of its row. Of the refresh token, only whether there is one. */
export interface TokenRow extends Pick<
  GrantRow,
  | "grantId"
  | "provider"
  | "issuer"
  | "clientId"
  | "state"
  | "generation"
  | "scope"
  | "accessSealed"
  | "accessIssuedAt"
  | "accessExpiresAt"
> {
  readonly isRefreshable: boolean;
}

/** The same of a grant that was found by a hash, which stands in clear: what proves whose grant it is. */
export interface FoundTokenRow extends TokenRow, Pick<GrantRow, "subjectHash" | "profileSealed"> {}
