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
