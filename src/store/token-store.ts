import type { GrantRow } from "./grant-row.ts";

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

/**
 * Reads what an answer with an access token needs, and no more. Thousands of these may be read in a second: a store that
 * others share reads in one round trip what is asked for at the same moment.
 */
export interface TokenStore {
  /** @returns undefined where there is no such grant */
  tokenById(grantId: string): Promise<TokenRow | undefined>;
  /** @returns one person's grants to all clients, in no certain order */
  tokensBySubject(subjectHash: Uint8Array): Promise<FoundTokenRow[]>;
  /** @returns the grants that are known by one of the app's own user ids, in no certain order */
  tokensByExternalId(externalHash: Uint8Array): Promise<FoundTokenRow[]>;
}
