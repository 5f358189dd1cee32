/* How long the grants of one client live. Times are milliseconds since the epoch. */
import type { GrantRow } from "./grant-row.ts";

/** What is read of a grant to see how long it lives. */
export type LifeRow = Pick<
  GrantRow,
  | "grantId"
  | "scope"
  | "state"
  | "consentedAt"
  | "lastRefreshAt"
  | "accessIssuedAt"
  | "diedAt"
  | "diedAfter"
  | "diedBefore"
>;

export interface LifeStore {
  /** @returns grants of a client whose refresh token the provider has called dead at some time, those that died last first */
  deathsOf(clientId: string, limit: number): Promise<LifeRow[]>;
  /**
   * @param before only grants whose last consent was before this time
   * @returns grants of a client in any state, the newest consent first
   */
  consentsOf(clientId: string, before: number, limit: number): Promise<LifeRow[]>;
}
