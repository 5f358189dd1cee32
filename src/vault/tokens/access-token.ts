import type { Secret } from "../../core/secret.ts";

/** An access token. `token` is a getter, so that neither logging nor serialising the object shows it. */
export class AccessToken {
  readonly grantId: string;
  readonly expiresAt: Date;
  /** What the token may be used for, in the provider's canonical names. */
  readonly scopes: readonly string[];
  readonly #token: Secret;

  constructor(grantId: string, token: Secret, expiresAt: number, scopes: readonly string[]) {
    this.grantId = grantId;
    this.#token = token;
    this.expiresAt = new Date(expiresAt);
    this.scopes = scopes;
  }

  /**
   * The token itself, for `Authorization: Bearer …`.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
   */
  get token(): string {
    return this.#token.expose();
  }
}

/**
 * Whether a token lives for `minTtlMs` more.
 *
 * @param expiresAt milliseconds since the epoch; undefined: there is no token
 * @param now milliseconds since the epoch
 */
export function isFresh(expiresAt: number | undefined, now: number, minTtlMs: number): boolean {
  return expiresAt !== undefined && expiresAt - now >= minTtlMs && expiresAt > now;
}

/**
 * When to refresh a token in the background: at 70 to 85 % of its life, so that tokens that came together are not
 * refreshed together.
 *
 * @param random in [0, 1): where in that range
 * @returns milliseconds since the epoch
 */
export function refreshAheadAt(issuedAt: number, expiresAt: number, random: number): number {
  return issuedAt + Math.floor((expiresAt - issuedAt) * (0.7 + 0.15 * random));
}
