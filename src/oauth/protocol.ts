/**
 * oauth/ speaks the protocols of OAuth 2.0 and OpenID Connect with one provider: it sends requests, bounds and reads
 * the answers, and verifies ID tokens. What an answer means for a grant does not belong here (core/), nor does anything
 * that is kept: it knows no store.
 */
import type { Clock } from "../core/clock.ts";
import { isOnbehalfError } from "../core/errors.ts";
import type { Profile } from "../core/grant.ts";
import type { Client, Endpoints, Provider } from "../providers/provider.ts";
import type { Secret } from "../core/secret.ts";
import { SingleFlight } from "../core/single-flight.ts";
import { discover } from "./discovery.ts";
import { verifyIdToken } from "./id-token.ts";
import { Jwks } from "./jwks.ts";
import { requestRevocation } from "./revocation-endpoint.ts";
import type { RevocationResponse } from "./revocation-endpoint.ts";
import { requestCodeExchange, requestRefresh } from "./token-endpoint.ts";
import type { TokenResponse, TokenRequest } from "./token-endpoint.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";

/**
 * The requests of one client to one provider. A provider that does not answer, or that cannot be discovered just now,
 * is a result and no error. Each method throws `configuration_invalid` where the provider's discovery document is
 * wrong.
 */
export interface Protocol {
  readonly provider: Provider;
  readonly client: Client;
  /**
   * Exchanges an authorization code.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   */
  exchangeCode(what: Parameters<typeof requestCodeExchange>[1]): Promise<TokenResponse>;
  /**
   * Asks for a new access token.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  refresh(refreshToken: Secret): Promise<TokenResponse>;
  /**
   * Revokes a token.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7009#section-2
   */
  revoke(token: Secret): Promise<RevocationResponse>;
  /**
   * Verifies an ID token and returns who signed in.
   *
   * @param more.nonce the nonce that the sign-in was started with; not checked where absent
   * @param more.accessToken the access token of the same answer; `at_hash` is not checked where absent
   * @throws {OnbehalfError} `id_token_invalid`: `details.check` names the check that failed
   * @throws {OnbehalfError} `provider_unavailable`: the endpoints or the keys could not be read; nothing is known of
   *   the token
   * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
   */
  verifyIdToken(idToken: Secret, more: { nonce?: string; accessToken?: Secret }): Promise<Profile>;
}

/** The protocol over HTTP. It keeps nothing but endpoints and public keys. */
export class HttpProtocol implements Protocol {
  readonly provider: Provider;
  readonly client: Client;
  readonly #http: BoundedFetch;
  readonly #clock: Clock;
  readonly #flight = new SingleFlight<"discovery", Endpoints>();
  #endpoints: Endpoints | undefined;
  #jwks: Jwks | undefined;

  constructor(provider: Provider, client: Client, http: BoundedFetch, clock: Clock) {
    this.provider = provider;
    this.client = client;
    this.#http = http;
    this.#clock = clock;
  }

  /** The provider's endpoints. Those that must be discovered are read once. Throws as {@link discover} does. */
  async endpoints(): Promise<Endpoints> {
    if (this.provider.endpoints !== "discover") return this.provider.endpoints;
    this.#endpoints ??= await this.#flight.do("discovery", () => discover(this.provider, this.#http));
    return this.#endpoints;
  }

  async exchangeCode(what: Parameters<typeof requestCodeExchange>[1]): Promise<TokenResponse> {
    return this.#ask((request) => requestCodeExchange(request, what));
  }

  async refresh(refreshToken: Secret): Promise<TokenResponse> {
    return this.#ask((request) => requestRefresh(request, refreshToken));
  }

  async revoke(token: Secret): Promise<RevocationResponse> {
    const request = await this.#requestIfFound();
    return request === undefined ? { kind: "failed", error: "discovery_failed" } : requestRevocation(request, token);
  }

  async verifyIdToken(idToken: Secret, more: { nonce?: string; accessToken?: Secret }): Promise<Profile> {
    const { jwksUri } = await this.endpoints();
    this.#jwks ??= new Jwks(jwksUri, this.provider.issuer, this.#http, this.#clock);
    return verifyIdToken(idToken, {
      provider: this.provider,
      clientId: this.client.clientId,
      getKey: this.#jwks.getKey,
      now: this.#clock.now(),
      ...more,
    });
  }

  /** Calls the token endpoint. Where it cannot be discovered just now, the result is silence: nothing was sent. */
  async #ask(ask: (request: TokenRequest) => Promise<TokenResponse>): Promise<TokenResponse> {
    const request = await this.#requestIfFound();
    return request === undefined ? { kind: "silence", sent: false, error: "discovery_failed" } : ask(request);
  }

  /** What a request needs; undefined where the endpoints cannot be discovered just now. */
  async #requestIfFound(): Promise<TokenRequest | undefined> {
    try {
      return await this.#request();
    } catch (error) {
      if (isOnbehalfError(error, "provider_unavailable")) return undefined;
      throw error;
    }
  }

  async #request(): Promise<TokenRequest> {
    return {
      provider: this.provider,
      client: this.client,
      endpoints: await this.endpoints(),
      http: this.#http,
      now: this.#clock.now(),
    };
  }
}
