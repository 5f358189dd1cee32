import type { OwnClock } from "../../clock.ts";
import { newAccessToken } from "./opaque-values.ts";

/** How far a proof's `iat` may be from now, seconds. */
export const freshSeconds = 60;

/** The proofs that were accepted, and the nonce that is asked for now. */
export class DpopMemory {
  readonly #clock: OwnClock;
  readonly #accepted = new Map<string, number>();
  #nonce: { readonly value: string; readonly until: number } | undefined;

  constructor(clock: OwnClock) {
    this.#clock = clock;
  }

  /** The nonce that a proof must have now. Each lives for so long. */
  nonce(lifeSeconds: number): string {
    const now = this.#clock.now();
    if (this.#nonce === undefined || this.#nonce.until <= now) {
      this.#nonce = { value: newAccessToken().slice(5, 37), until: now + lifeSeconds * 1_000 };
    }
    return this.#nonce.value;
  }

  /** Notes a proof; false where one with the same `jti` of the same key was accepted before. */
  accept(thumbprint: string, jti: string): boolean {
    const now = this.#clock.now();
    for (const [known, until] of this.#accepted) if (until <= now) this.#accepted.delete(known);
    const name = `${thumbprint} ${jti}`;
    if (this.#accepted.has(name)) return false;
    this.#accepted.set(name, now + 2 * freshSeconds * 1_000);
    return true;
  }
}
