import type { Rotation } from "../../src/core/refresh.ts";

/** A refresh token as the simulated provider knows it. */
interface Issued {
  readonly token: string;
  /** The first token of its family. */
  readonly root: string;
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
  readonly #deadFamilies = new Set<string>();
  /** Times at which a token was presented that had been replaced before, without grace. */
  reuses = 0;

  constructor(rotation: Rotation) {
    this.rotation = rotation;
  }

  /** The first token of a new family, or the next one of an old. */
  issue(root?: string): string {
    const token = `r${this.#count++}`;
    this.#tokens.set(token, { token, root: root ?? token, child: undefined, retiredAt: undefined });
    return token;
  }

  familyOf(token: string): string | undefined {
    return this.#tokens.get(token)?.root;
  }

  /** Whether a refresh with this token would work now. */
  isLive(token: string, now: number): boolean {
    const issued = this.#tokens.get(token);
    if (issued === undefined || this.#deadFamilies.has(issued.root)) return false;
    if (issued.retiredAt === undefined) return true;
    return typeof this.rotation === "object" && now - issued.retiredAt <= this.rotation.graceSeconds * 1000;
  }

  /** A refresh arrives. Returns the refresh token of the answer, or undefined for `invalid_grant`. */
  refresh(token: string, now: number): string | undefined {
    const issued = this.#tokens.get(token);
    if (issued === undefined || this.#deadFamilies.has(issued.root)) return undefined;
    if (this.rotation === "none") return token;
    if (issued.retiredAt === undefined) {
      const child = this.issue(issued.root);
      this.#tokens.set(token, { ...issued, child, retiredAt: now });
      return child;
    }
    // Within its grace a used token gives the same successor again.
    if (this.isLive(token, now)) return issued.child;
    this.reuses += 1;
    this.#deadFamilies.add(issued.root);
    return undefined;
  }

  /** A revocation arrives. A used token is an unknown one: it ends nothing, and its sender is none the wiser. */
  revoke(token: string, now: number): void {
    const root = this.familyOf(token);
    if (root !== undefined && this.isLive(token, now)) this.#deadFamilies.add(root);
  }

  revokeAll(): void {
    for (const { root } of this.#tokens.values()) this.#deadFamilies.add(root);
  }
}
