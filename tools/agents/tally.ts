/** What the stand-in's log says of one client: exchanges, what made them due, and used tokens. Pure. */
import type { LogEntry } from "../../src/standin/index.ts";

export interface Tally {
  readonly exchanges: number;
  /** Exchanges of a token of which 30 % or less was left. */
  readonly expiries: number;
  /** Exchanges of a token that had more left: another process had the one before, and was killed with it. */
  readonly early: number;
  /** Used refresh tokens that were sent again. */
  readonly reused: number;
  /** Grants that ended by that. */
  readonly ended: number;
}

/**
 * @param entries of the whole run, oldest first
 * @param ttlSeconds how long an access token lives
 */
export function tallyOf(entries: readonly LogEntry[], clientId: string, ttlSeconds: number): Tally {
  const own = entries.filter((entry) => entry.client_id === clientId);
  const last = new Map<string, number>();
  const ended = new Set<string>();
  const tally = { exchanges: 0, expiries: 0, early: 0, reused: 0 };
  for (const { outcome, at, grant = "", family = 0 } of own) {
    const now = Date.parse(at);
    if (outcome === "exchanged") last.set(grant, now);
    else if (outcome === "refreshed") {
      tally.exchanges += 1;
      // A tenth less than 70 %: the stand-in notes when it has answered, and the vault counts from when it asked.
      if (now - (last.get(grant) ?? 0) >= ttlSeconds * 600) tally.expiries += 1;
      else tally.early += 1;
      last.set(grant, now);
    } else if (outcome === "reused_token") {
      tally.reused += 1;
      ended.add(`${grant} ${family}`);
    }
  }
  return { ...tally, ended: ended.size };
}
