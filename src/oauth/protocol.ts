import type { Clock } from "../core/clock.ts";
import { isOnbehalfError } from "../core/errors.ts";
import type { Profile } from "../core/grant.ts";
import type { Client, Endpoints, Provider } from "../providers/provider.ts";
import type { Secret } from "../core/secret.ts";
import { SingleFlight } from "../core/single-flight.ts";
import { discover } from "./discovery.ts";
import { verifyIdToken } from "./id-token.ts";
import { Jwks } from "./jwks.ts";
import { requestRevocation } from "./revocation.ts";
import type { RevocationReply } from "./revocation.ts";
import { requestCodeExchange, requestRefresh } from "./token-endpoint.ts";
import type { TokenReply, TokenRequest } from "./token-endpoint.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";

/** What one client says to one provider. Each verb throws only where {@link discover} does, unless it says more. */
export interface Protocol {
  readonly provider: Provider;
  readonly client: Client;
  /** RFC 6749 section 4.1.3. */
  exchangeCode(what: Parameters<typeof requestCodeExchange>[1]): Promise<TokenReply>;
  /** RFC 6749 section 6. */
  refresh(refreshToken: Secret): Promise<TokenReply>;
  /** RFC 7009. */
  revoke(token: Secret): Promise<RevocationReply>;
  /** OpenID Connect Core 1.0 section 3.1.3.7. Throws as {@link verifyIdToken} does. */
  verifyIdToken(idToken: Secret, more: { nonce?: string; accessToken?: Secret }): Promise<Profile>;
}

/** The protocol over HTTP. It knows no store, and keeps nothing but endpoints and public keys. */
export class HttpProtocol implements Protocol {
  readonly provider: Provider;
  readonly client: Client;
  readonly #wire: BoundedFetch;
  readonly #clock: Clock;
  readonly #flight = new SingleFlight<"discovery", Endpoints>();
  #endpoints: Endpoints | undefined;
  #jwks: Jwks | undefined;

  constructor(provider: Provider, client: Client, wire: BoundedFetch, clock: Clock) {
    this.provider = provider;
    this.client = client;
    this.#wire = wire;
    this.#clock = clock;
  }

  /** Known endpoints, or discovered ones, read once. Throws as {@link discover} does. */
  async endpoints(): Promise<Endpoints> {
    if (this.provider.endpoints !== "discover") return this.provider.endpoints;
    this.#endpoints ??= await this.#flight.do("discovery", () => discover(this.provider, this.#wire));
    return this.#endpoints;
  }

  async exchangeCode(what: Parameters<typeof requestCodeExchange>[1]): Promise<TokenReply> {
    return this.#ask((request) => requestCodeExchange(request, what));
  }

  async refresh(refreshToken: Secret): Promise<TokenReply> {
    return this.#ask((request) => requestRefresh(request, refreshToken));
  }

  async revoke(token: Secret): Promise<RevocationReply> {
    const request = await this.#requestIfFound();
    return request === undefined ? { kind: "failed", why: "discovery_failed" } : requestRevocation(request, token);
  }

  async verifyIdToken(idToken: Secret, more: { nonce?: string; accessToken?: Secret }): Promise<Profile> {
    const { jwksUri } = await this.endpoints();
    this.#jwks ??= new Jwks(jwksUri, this.provider.issuer, this.#wire, this.#clock);
    return verifyIdToken(idToken, {
      provider: this.provider,
      clientId: this.client.clientId,
      getKey: this.#jwks.getKey,
      now: this.#clock.now(),
      ...more,
    });
  }

  /** Asks the token endpoint. Where it cannot be found just now, that is silence, and nothing was sent. */
  async #ask(ask: (request: TokenRequest) => Promise<TokenReply>): Promise<TokenReply> {
    const request = await this.#requestIfFound();
    return request === undefined ? { answer: { kind: "silence", sent: false, why: "discovery_failed" } } : ask(request);
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
      wire: this.#wire,
      now: this.#clock.now(),
    };
  }
}
