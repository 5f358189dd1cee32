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

/** What one client says to one provider. Each verb throws only where {@link discover} does, unless it says more. */
export interface Protocol {
  readonly provider: Provider;
  readonly client: Client;
  /** RFC 6749 section 4.1.3. */
  exchangeCode(what: Parameters<typeof requestCodeExchange>[1]): Promise<TokenResponse>;
  /** RFC 6749 section 6. */
  refresh(refreshToken: Secret): Promise<TokenResponse>;
  /** RFC 7009. */
  revoke(token: Secret): Promise<RevocationResponse>;
  /** OpenID Connect Core 1.0 section 3.1.3.7. Throws as {@link verifyIdToken} does. */
  verifyIdToken(idToken: Secret, more: { nonce?: string; accessToken?: Secret }): Promise<Profile>;
}

/** The protocol over HTTP. It knows no store, and keeps nothing but endpoints and public keys. */
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

  /** Known endpoints, or discovered ones, read once. Throws as {@link discover} does. */
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

  /** Asks the token endpoint. Where it cannot be found just now, that is silence, and nothing was sent. */
  async #ask(ask: (request: TokenRequest) => Promise<TokenResponse>): Promise<TokenResponse> {
    const request = await this.#requestIfFound();
    return request === undefined ? { kind: "silence", sent: false, error: "discovery_failed" } : ask(request);
  }

  /** What a request is made of; undefined where the endpoints cannot be found just now. */
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
