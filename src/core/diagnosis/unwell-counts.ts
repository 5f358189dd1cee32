/** How many grants are not well for which first cause: what somebody who looks after a store has to know of them. */
import type { GrantState } from "../grant-state.ts";
import { dayMs } from "./token-endings.ts";

/** How soon a consent must end, milliseconds: before that, nobody has to do anything. */
const soonMs = 7 * dayMs;
/** Grants that are not well for one cause. */
export interface UnwellCount {
  readonly provider: string;
  readonly state: GrantState;
  /** The first cause, by its word; the state, where there is none. */
  readonly reason: string;
  readonly grants: number;
}

/** What is known of a grant. `endsAt`: the day on which its consent ends, milliseconds since the epoch; null: none is known. */
export interface CountedCause {
  readonly provider: string;
  readonly state: GrantState;
  readonly reason?: string | undefined;
  readonly endsAt?: number | null | undefined;
}

/** Counts grants one after the other, and keeps none of them. */
export class UnwellCounts {
  readonly #counts = new Map<string, UnwellCount>();
  readonly #now: number;

  /** @param now milliseconds since the epoch */
  constructor(now: number) {
    this.#now = now;
  }

  add({ provider, state, reason, endsAt }: CountedCause): void {
    // What we have ended ourselves is as it should be.
    if (state === "revoked" || (state === "active" && reason === undefined)) return;
    if (reason === "consent_ends" && (endsAt ?? 0) - this.#now > soonMs) return;
    const why = reason ?? state;
    const key = `${provider} ${state} ${why}`;
    const grants = (this.#counts.get(key)?.grants ?? 0) + 1;
    this.#counts.set(key, { provider, state, reason: why, grants });
  }

  /** @returns the cause of most grants first */
  list(): UnwellCount[] {
    return [...this.#counts.values()].sort((one, other) => other.grants - one.grants);
  }
}
