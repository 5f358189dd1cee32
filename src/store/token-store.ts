import type { FoundTokenRow, TokenRow } from "./grant-row.ts";

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
