import type { Rotation } from "../../src/refresh.ts";

/** A refresh token as the simulated provider knows it. */
interface Issued {
  readonly token: string;
  readonly child: string | undefined;
  readonly retiredAt: number | undefined;
}

/**
 * A provider that rotates as it is told: a used token lives on, lives for a while, or is dead at once. A dead one that
 * comes back takes its whole family with it.
 */
export class SimulatedProvider {
  readonly rotation: Rotation;
  readonly #tokens = new Map<string, Issued>();
  #count = 0;
  #familyDead = false;
  /** Times at which a token was presented that had been replaced before, without grace. */
  reuses = 0;

  constructor(rotation: Rotation) {
    this.rotation = rotation;
  }

  issue(): string {
    const token = `r${this.#count++}`;
    this.#tokens.set(token, { token, child: undefined, retiredAt: undefined });
    return token;
  }

  /** Whether a refresh with this token would work now. */
  isLive(token: string, now: number): boolean {
    const issued = this.#tokens.get(token);
    if (issued === undefined || this.#familyDead) return false;
    if (issued.retiredAt === undefined) return true;
    return typeof this.rotation === "object" && now - issued.retiredAt <= this.rotation.graceSeconds * 1000;
  }

  /** A refresh arrives. Returns the refresh token of the answer, or undefined for `invalid_grant`. */
  refresh(token: string, now: number): string | undefined {
    const issued = this.#tokens.get(token);
    if (issued === undefined || this.#familyDead) return undefined;
    if (this.rotation === "none") return token;
    if (issued.retiredAt === undefined) {
      const child = this.issue();
      this.#tokens.set(token, { token, child, retiredAt: now });
      return child;
    }
    // Within its grace a used token gives the same successor again.
    if (this.isLive(token, now)) return issued.child;
    this.reuses += 1;
    this.#familyDead = true;
    return undefined;
  }

  revokeAll(): void {
    this.#familyDead = true;
  }
}
