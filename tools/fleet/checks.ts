/** What must never happen, checked at each step of a run. */
import type { Grants } from "./grants.ts";
import { noAttempt } from "./grants.ts";

/** How many violations are kept word for word. */
const kept = 20;

export class Checks {
  readonly #now: () => number;
  readonly violations: string[] = [];
  #count = 0;
  readonly #lost = new Set<number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many violations there were. */
  get count(): number {
    return this.#count;
  }

  /** How many grants are lost: their newest refresh token is in nobody's hands. */
  get lostGrants(): number {
    return this.#lost.size;
  }

  that(holds: boolean, what: () => string): void {
    if (holds) return;
    this.#count += 1;
    if (this.violations.length < kept) this.violations.push(`at ${(this.#now() / 1_000).toFixed(3)} s: ${what()}`);
  }

  lost(grant: number, why: string): void {
    this.#lost.add(grant);
    this.that(false, () => `grant ${grant} is lost: ${why}`);
  }

  /** At the end, of every grant that nobody is refreshing just then: the database holds each grant's newest refresh token, on it or beside it, and nothing is left half done. */
  atEnd(grants: Grants, late: ReadonlyMap<number, number>, isWorkedOn: (attempt: number) => boolean): void {
    for (let grant = 0; grant < grants.count; grant += 1) {
      const attempt = grants.attempt[grant] ?? noAttempt;
      if (attempt !== noAttempt && isWorkedOn(attempt)) continue;
      const newest = grants.newest[grant] ?? 0;
      const stored = Math.max(grants.stored[grant] ?? 0, late.get(grant) ?? 0);
      if (stored !== newest) this.lost(grant, `token ${stored} is stored, ${newest} is the newest`);
      this.that(attempt === noAttempt, () => `grant ${grant} has an attempt that nobody works on`);
    }
  }
}
