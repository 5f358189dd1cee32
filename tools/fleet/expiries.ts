/** How often tokens must be refreshed that are all in use. */
import { refreshAheadAt } from "../../src/core/token-life.ts";
import { tokenLifeMs } from "./model.ts";

/** Refreshes a second of so many grants that are used around the clock. */
export function expiries(grants: number): number {
  const life = { issuedAt: 0, expiresAt: tokenLifeMs, isRefreshable: true };
  return (grants * 1_000) / refreshAheadAt(life, 0.5);
}
