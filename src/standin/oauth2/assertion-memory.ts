import type { OwnClock } from "../clock.ts";

/** The client assertions that were accepted: each works once (RFC 7523 section 3). */
export class AssertionMemory {
  readonly #clock: OwnClock;
  readonly #accepted = new Map<string, number>();

  constructor(clock: OwnClock) {
    this.#clock = clock;
  }

  /**
   * Notes an assertion.
   *
   * @param until when it ends, milliseconds since the epoch
   * @returns false where the same client has used this `jti` before
   */
  accept(clientId: string, jti: string, until: number): boolean {
    const now = this.#clock.now();
    for (const [known, end] of this.#accepted) if (end <= now) this.#accepted.delete(known);
    const name = JSON.stringify([clientId, jti]);
    if (this.#accepted.has(name)) return false;
    this.#accepted.set(name, until);
    return true;
  }
}
