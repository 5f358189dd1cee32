import type { MaybePromise } from "../core/maybe-promise.ts";
import type { FoundTokenRow, TokenRow } from "./grant-row.ts";

/**
 * Reads what an answer with an access token needs, and no more. Thousands of these may be read in a second: a store that
 * others share reads in one round trip what is asked for at the same moment, and one that reads in this thread answers at
 * once, so that nothing is made for anybody to wait on.
 */
export interface TokenStore {
  /** @returns undefined where there is no such grant */
  tokenById(grantId: string): MaybePromise<TokenRow | undefined>;
  /** @returns one person's grants to all clients, in no certain order */
  tokensBySubject(subjectHash: Uint8Array): MaybePromise<FoundTokenRow[]>;
  /** @returns the grants that are known by one of the app's own user ids, in no certain order */
  tokensByExternalId(externalHash: Uint8Array): MaybePromise<FoundTokenRow[]>;
}
