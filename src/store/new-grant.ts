import type { GrantRow } from "./store.ts";

/** The part of a row that is the same in every new grant: nothing has happened to it yet. */
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
