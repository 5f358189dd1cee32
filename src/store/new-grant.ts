import type { GrantRow } from "./grant-row.ts";

/**
 * The part of a row that is the same in every new grant: nothing has happened to it yet. Its times (`stateSince`,
 * `createdAt`, `updatedAt`) are all the time at which it is made.
 */
export const newGrant: Pick<
  GrantRow,
  | "state"
  | "reason"
  | "generation"
  | "lastRefreshAt"
  | "lastError"
  | "lastErrorAt"
  | "lastErrorSays"
  | "failures"
  | "retryAt"
  | "lookAt"
  | "consentedAt"
  | "withheldScope"
  | "doubt"
  | "diedAt"
  | "diedAfter"
  | "diedBefore"
> = {
  state: "active",
  reason: null,
  generation: 1,
  lastRefreshAt: null,
  lastError: null,
  lastErrorAt: null,
  lastErrorSays: null,
  failures: 0,
  retryAt: null,
  lookAt: null,
  consentedAt: null,
  withheldScope: "",
  doubt: null,
  diedAt: null,
  diedAfter: null,
  diedBefore: null,
};
