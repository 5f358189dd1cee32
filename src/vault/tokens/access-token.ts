import type { Secret } from "../../core/secret.ts";

/**
 * A token that may be used now. `token` is a getter: neither logging nor serialising the object shows it.
 */
export class AccessToken {
  readonly grantId: string;
  readonly expiresAt: Date;
  /** What it was granted for, in the provider's canonical names. */
  readonly scopes: readonly string[];
  readonly #token: Secret;

  constructor(grantId: string, token: Secret, expiresAt: number, scopes: readonly string[]) {
    this.grantId = grantId;
    this.#token = token;
    this.expiresAt = new Date(expiresAt);
    this.scopes = scopes;
  }

  /** The bearer token itself (RFC 6750). */
  get token(): string {
    return this.#token.expose();
  }
}

/** Whether a token with this end is good for `minTtlMs` more. */
export function isFresh(expiresAt: number | undefined, now: number, minTtlMs: number): boolean {
  return expiresAt !== undefined && expiresAt - now >= minTtlMs && expiresAt > now;
}

/**
 * When to refresh in the background: at 70 to 85 % of the token's life, spread per grant.
 *
 * @param random in [0, 1), fixed per grant and generation
 * @returns milliseconds since the epoch
 */
export function refreshAheadAt(issuedAt: number, expiresAt: number, random: number): number {
  return issuedAt + Math.floor((expiresAt - issuedAt) * (0.7 + 0.15 * random));
}
