import type { Secret } from "../../core/secret.ts";

/** An access token. `token` is a getter, so that neither logging nor serialising the object shows it. */
export class AccessToken {
  readonly grantId: string;
  /** When it expires. Undefined where the provider did not say: use it until an API refuses it. */
  readonly expiresAt: Date | undefined;
  /** What the token may be used for, in the provider's canonical names. */
  readonly scopes: readonly string[];
  readonly #token: Secret;

  /** @param expiresAt milliseconds since the epoch */
  constructor(grantId: string, token: Secret, expiresAt: number | undefined, scopes: readonly string[]) {
    this.grantId = grantId;
    this.#token = token;
    this.expiresAt = expiresAt === undefined ? undefined : new Date(expiresAt);
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
