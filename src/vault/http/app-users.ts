import type { Clock } from "../../core/clock.ts";
import type { Secret } from "../../core/secret.ts";
import type { TrustedIssuer } from "../../core/trusted-issuer.ts";
import { boundedFetchDefaults } from "../../oauth/bounded-fetch.ts";
import { Jwks } from "../../oauth/jwks.ts";
import { verifySubjectToken } from "../../oauth/subject-token.ts";
import type { SubjectTokenResult } from "../../oauth/subject-token.ts";

export type { SubjectTokenResult } from "../../oauth/subject-token.ts";

/** How long the keys of an issuer may take to come, milliseconds: a client waits for them. */
const keysWithinMs = 10_000;

/** Who the app's own users are, by the JWTs of the issuers that the app trusts. */
export class AppUsers {
  readonly #clock: Clock;
  readonly #issuers: ReadonlyMap<string, { readonly issuer: TrustedIssuer; readonly getKey: Jwks["getKey"] }>;

  constructor(issuers: readonly TrustedIssuer[], send: typeof fetch, clock: Clock) {
    this.#clock = clock;
    const http = { ...boundedFetchDefaults, fetch: send, timeoutMs: keysWithinMs };
    this.#issuers = new Map(
      issuers.map((issuer) => [
        issuer.issuer,
        { issuer, getKey: new Jwks(issuer.jwksUri, issuer.issuer, http, clock).getKey },
      ]),
    );
  }

  /** Whether any issuer is trusted. */
  get isKnown(): boolean {
    return this.#issuers.size > 0;
  }

  /**
   * The app's own user that a JWT is about, or the check that it failed.
   *
   * @throws {OnbehalfError} `provider_unavailable`: the issuer's keys could not be fetched; nothing is known of the token
   */
  verify(subjectToken: Secret): Promise<SubjectTokenResult> {
    return verifySubjectToken(subjectToken, (issuer) => this.#issuers.get(issuer), this.#clock.now());
  }
}
