import type { GrantRow } from "./store.ts";

/** What stands in every new grant's row, besides who consented to what: nothing has happened to it yet. */
export type NewGrant = Pick<
  GrantRow,
  | "state"
  | "reason"
  | "stateSince"
  | "generation"
  | "lastRefreshAt"
  | "lastError"
  | "lastErrorAt"
  | "failures"
  | "retryAt"
  | "createdAt"
  | "updatedAt"
>;

/** @param now milliseconds since the epoch */
export function newGrant(now: number): NewGrant {
  return {
    state: "active",
    reason: null,
    stateSince: now,
    generation: 1,
    lastRefreshAt: null,
    lastError: null,
    lastErrorAt: null,
    failures: 0,
    retryAt: null,
    createdAt: now,
    updatedAt: now,
  };
}
