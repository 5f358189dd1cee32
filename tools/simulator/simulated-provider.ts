/** The provider of a schedule: issues refresh tokens, replaces them as its rotation says, and ends reused families. */
import type { Rotation } from "../../src/core/refresh.ts";

/** A refresh token as the simulated provider knows it. */
interface Issued {
  readonly token: string;
  /** The first token of its family: all tokens that came from one consent. */
  readonly root: string;
  /** The token that replaced it. */
  readonly successor: string | undefined;
  readonly replacedAt: number | undefined;
}

/**
 * A used token goes on working, works for a grace period, or is dead at once, as the rotation says. A dead token that is
 * presented again ends its whole family.
 */
export class SimulatedProvider {
  readonly rotation: Rotation;
  readonly #tokens = new Map<string, Issued>();
  #count = 0;
  readonly #deadFamilies = new Set<string>();

  constructor(rotation: Rotation) {
    this.rotation = rotation;
  }

  /** The first token of a new family, or the next token of the family `root`. */
  issue(root?: string): string {
    const token = `r${this.#count++}`;
    this.#tokens.set(token, { token, root: root ?? token, successor: undefined, replacedAt: undefined });
    return token;
  }

  familyOf(token: string): string | undefined {
    return this.#tokens.get(token)?.root;
  }

  /** Whether a refresh with this token would work now. */
  isLive(token: string, now: number): boolean {
    const issued = this.#tokens.get(token);
    if (issued === undefined || this.#deadFamilies.has(issued.root)) return false;
    if (issued.replacedAt === undefined) return true;
    return typeof this.rotation === "object" && now - issued.replacedAt <= this.rotation.graceSeconds * 1000;
  }

  /** A refresh arrives. Returns the refresh token of the answer, or undefined for `invalid_grant`. */
  refresh(token: string, now: number): string | undefined {
    const issued = this.#tokens.get(token);
    if (issued === undefined || this.#deadFamilies.has(issued.root)) return undefined;
    if (this.rotation === "none") return token;
    if (issued.replacedAt === undefined) {
      const successor = this.issue(issued.root);
      this.#tokens.set(token, { ...issued, successor, replacedAt: now });
      return successor;
    }
    // Within its grace period a used token gives the same successor again.
    if (this.isLive(token, now)) return issued.successor;
    this.#deadFamilies.add(issued.root);
    return undefined;
  }

  /** A revocation arrives. A used token is an unknown one: it ends nothing, and its sender is not told so. */
  revoke(token: string, now: number): void {
    const root = this.familyOf(token);
    if (root !== undefined && this.isLive(token, now)) this.#deadFamilies.add(root);
  }

  revokeAll(): void {
    for (const { root } of this.#tokens.values()) this.#deadFamilies.add(root);
  }
}
