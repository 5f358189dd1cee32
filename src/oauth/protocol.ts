/**
 * oauth/ speaks the protocols of OAuth 2.0 and OpenID Connect with one provider: it sends requests, bounds and reads
 * the answers, and verifies ID tokens. What an answer means for a grant does not belong here (core/), nor does anything
 * that is kept: it knows no store.
 */
import type { Authorization } from "../core/authorization.ts";
import type { Clock } from "../core/clock.ts";
import { defined } from "../core/defined.ts";
import { isOnbehalfError } from "../core/errors.ts";
import { remainingMs } from "../core/recorded-time.ts";
import type { Profile } from "../core/grant.ts";
import type { Client, ClientAuthenticationMethod, Provider } from "../providers/provider.ts";
import { BoundToken } from "../core/secret.ts";
import type { Secret } from "../core/secret.ts";
import type { DpopKey } from "./dpop.ts";
import { SingleFlight } from "../core/single-flight.ts";
import type { ClientSource } from "./client-source.ts";
import { discover } from "./discovery.ts";
import { verifyIdToken } from "./id-token.ts";
import { identify } from "./identity.ts";
import type { SignInToIdentify } from "./identity.ts";
import type { IdTokenChecks } from "./id-token.ts";
import { Jwks } from "./jwks.ts";
import { recordedMetadata } from "./provider-metadata.ts";
import type { Metadata } from "./provider-metadata.ts";
import { requestRevocation } from "./revocation-endpoint.ts";
import type { RevocationResponse } from "./revocation-endpoint.ts";
import { requestCodeExchange, requestRefresh } from "./token-endpoint.ts";
import type { CodeToExchange, TokenResponse, TokenRequest } from "./token-endpoint.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";

/**
 * The requests of one client to one provider. A provider that does not answer, or that cannot be discovered just now,
 * is a result and no error. Each method throws `configuration_invalid` where the provider's discovery document is
 * wrong.
 */
export interface Protocol {
  readonly provider: Provider;
  readonly client: Client;
  /** How the client authenticates at the token endpoint. Undefined while the provider could not be discovered. */
  readonly authentication?: ClientAuthenticationMethod | undefined;
  /**
   * Makes sure that the client is known: where a record does not hold it, it is found out or registered now.
   *
   * @throws {OnbehalfError} `provider_unavailable`: that is not possible just now
   * @throws {OnbehalfError} `configuration_invalid`: what the server says of itself is wrong
   * @throws {OnbehalfError} `client_misconfigured`: no client is registered for us
   */
  ready?(): Promise<void>;
  /**
   * What an authorization request needs: the client is known then.
   *
   * @throws {OnbehalfError} as {@link ready}; also where the provider's discovery document cannot be read
   */
  authorization?(): Promise<Authorization>;
  /** Reads again which client is kept, where the record does not hold it. */
  look?(): Promise<void>;
  /**
   * Exchanges an authorization code.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   */
  exchangeCode(what: CodeToExchange): Promise<TokenResponse>;
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
   * @param more.nonce the nonce that the sign-in was started with; where absent, the token must have none
   * @param more.isNonceOptional whether the token may have none although one is given
   * @param more.isNonceUnknown whether the token may then have one all the same
   * @param more.isOtherCode whether `c_hash` is that of another code
   * @param more.accessToken the access token of the same answer; `at_hash` is not checked where absent
   * @param more.receivedAt when the request for the token was sent, milliseconds since the epoch; now by default. `exp`
   *   is held against that time
   * @throws {OnbehalfError} `id_token_invalid`: `details.check` names the check that failed
   * @throws {OnbehalfError} `provider_unavailable`: the endpoints or the keys could not be read; nothing is known of
   *   the token
   * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
   */
  verifyIdToken(idToken: Secret, more: IdTokenExpectations): Promise<Profile>;
  /**
   * Verifies an ID token with what is in memory, and asks nobody. Absent: it cannot be done.
   *
   * @returns undefined: that takes a look at the provider, or the token does not verify. {@link verifyIdToken} says which
   */
  verifyAtHand?(idToken: Secret, more: IdTokenExpectations): Promise<Profile | undefined>;
  /**
   * Finds out who has consented where no ID token says it: see `Provider.identity`.
   *
   * @returns undefined: that must be asked with another access token, which the refresh token of the answer can get
   * @throws {OnbehalfError} `code_rejected`: the provider names nobody, and will not
   * @throws {OnbehalfError} `provider_unavailable`: it does not say so just now
   */
  identify(signIn: SignInToIdentify): Promise<Profile | undefined>;
}

/** What is known of the sign-in that an ID token belongs to. */
export type IdTokenExpectations = Pick<
  IdTokenChecks,
  "nonce" | "isNonceOptional" | "isNonceUnknown" | "isOtherCode" | "accessToken" | "receivedAt"
>;

/** How much of an exchange's time reading the discovery document may take. */
const documentShare = 1 / 3;
/** How long a discovery document is used before it is read again, milliseconds. */
const documentLifeMs = 86_400_000;
/** How long it is used after it could not be read again, milliseconds. */
const secondTryMs = 600_000;
/** How often a provider that seems to have moved makes us read its document again, milliseconds. */
const movedEveryMs = 60_000;

/** The protocol over HTTP. It keeps nothing but endpoints and public keys. */
export class HttpProtocol implements Protocol {
  readonly #record: Provider;
  readonly #given: Client;
  #source: ClientSource | undefined;
  readonly #http: BoundedFetch;
  readonly #clock: Clock;
  readonly #flight = new SingleFlight<"discovery", Metadata>();
  #metadata: Metadata | undefined;
  /** When the document was read last, and from when on it is read again. Milliseconds since the epoch. */
  #readAt = 0;
  #freshUntil = Infinity;
  /** The client's key, where it has one. `lost`: it had one, which does not open. */
  #dpop: DpopKey | "lost" | undefined;
  #jwks: { readonly uri: string; readonly keys: Jwks } | undefined;

  constructor(provider: Provider, client: Client, http: BoundedFetch, clock: Clock) {
    this.#record = provider;
    this.#given = client;
    this.#http = http;
    this.#clock = clock;
    if (provider.endpoints !== "discover") {
      this.#metadata = recordedMetadata(provider, client, provider.endpoints);
    }
  }

  get provider(): Provider {
    return this.#source?.provider ?? this.#record;
  }

  get client(): Client {
    return this.#source?.client ?? this.#given;
  }

  /** Says where the client comes from that the record does not hold. */
  useSource(source: ClientSource): void {
    this.#source = source;
    source.onChange = () => {
      this.#metadata = undefined;
    };
  }

  async ready(): Promise<void> {
    if (this.#source !== undefined) await this.metadata();
  }

  async authorization(): Promise<Authorization> {
    const { endpoints, issuer = this.provider.issuer, sendsIssuer, scopes, ...found } = await this.metadata();
    const { client, server, resource } = this.provider;
    return {
      endpoint: endpoints.authorizationEndpoint,
      clientId: this.client.clientId,
      issuer,
      sendsIssuer: sendsIssuer ?? false,
      offersOfflineAccess: found.offersOfflineAccess ?? false,
      ...defined({ scopes, resource: server === undefined ? undefined : resource }),
      ...(client !== "none" && "register" in client ? { redirectUri: client.register.redirectUri } : {}),
    };
  }

  async look(): Promise<void> {
    await this.#source?.look();
  }

  /** Gives this client its key. Only a keeper has it. */
  useDpop(key: DpopKey | "lost"): void {
    this.#dpop = key;
  }

  get authentication(): ClientAuthenticationMethod | undefined {
    return this.#metadata?.authentication;
  }

  /**
   * How the provider is spoken with. What must be discovered is read once a day, and when the provider seems to have
   * moved. While it cannot be read again, or is wrong, what was read before is used. Throws as {@link discover} does.
   */
  async metadata(): Promise<Metadata> {
    const known = this.#metadata;
    if (known === undefined) return this.#discover();
    if (this.#isFresh()) return known;
    try {
      return await this.#discover();
    } catch (error) {
      if (!isOnbehalfError(error)) throw error;
      this.#freshUntil = this.#clock.now() + secondTryMs;
      return known;
    }
  }

  #isFresh(): boolean {
    if (this.#metadata === undefined) return false;
    // What the provider's record says does not age.
    return this.#freshUntil === Infinity || remainingMs(this.#freshUntil, this.#readAt, this.#clock.now()) > 0;
  }

  #discover(): Promise<Metadata> {
    return this.#flight.do("discovery", async () => {
      const http = { ...this.#http, timeoutMs: this.#http.timeoutMs * documentShare };
      const found = await (this.#source?.metadata(http) ?? discover(this.provider, this.client, http));
      this.#metadata = found;
      this.#readAt = this.#clock.now();
      this.#freshUntil = this.#readAt + documentLifeMs;
      return found;
    });
  }

  /** The provider seems to have moved: makes the next use read its document again, at most once a minute. */
  #mayHaveMoved(): void {
    if (this.provider.endpoints !== "discover") return;
    this.#freshUntil = Math.min(this.#freshUntil, this.#readAt + movedEveryMs);
  }

  async exchangeCode(what: CodeToExchange): Promise<TokenResponse> {
    if (this.provider.dpop !== true) return this.#ask((request) => requestCodeExchange(request, what));
    const dpop = this.#dpop;
    // Without the key the refresh token would come unbound, and nobody would know.
    if (dpop === undefined || dpop === "lost") return keyLost;
    return this.#ask((request) => requestCodeExchange({ ...request, dpop }, what));
  }

  async refresh(refreshToken: Secret): Promise<TokenResponse> {
    const bound = refreshToken instanceof BoundToken;
    const dpop = this.#dpop === "lost" ? undefined : this.#dpop;
    // With another key the provider would refuse the token, perhaps in the words of one that is dead.
    if (bound && dpop?.thumbprint !== refreshToken.boundTo) return keyLost;
    if (dpop === undefined || !(bound || this.provider.dpop === true)) {
      return this.#ask((request) => requestRefresh(request, refreshToken));
    }
    return this.#ask((request) => requestRefresh({ ...request, dpop }, refreshToken));
  }

  async revoke(token: Secret): Promise<RevocationResponse> {
    const request = await this.#requestIfFound(({ revocationAuthentication }) => revocationAuthentication);
    return request === undefined ? { kind: "failed", error: "discovery_failed" } : requestRevocation(request, token);
  }

  async verifyIdToken(idToken: Secret, more: IdTokenExpectations): Promise<Profile> {
    const metadata = await this.metadata();
    const { jwksUri: uri } = metadata.endpoints;
    if (uri === undefined) throw new TypeError("a record without jwksUri was not checked when the vault was opened");
    if (this.#jwks?.uri !== uri) {
      this.#jwks = { uri, keys: new Jwks(uri, this.provider.issuer, this.#http, this.#clock) };
    }
    try {
      return await this.#verify(idToken, more, metadata, this.#jwks.keys.getKey);
    } catch (error) {
      if (isOnbehalfError(error, "provider_unavailable")) this.#mayHaveMoved();
      throw error;
    }
  }

  async verifyAtHand(idToken: Secret, more: IdTokenExpectations): Promise<Profile | undefined> {
    const [metadata, jwks] = [this.#metadata, this.#jwks];
    if (metadata === undefined || jwks === undefined || !this.#isFresh()) return undefined;
    if (jwks.uri !== metadata.endpoints.jwksUri) return undefined;
    try {
      return await this.#verify(idToken, more, metadata, jwks.keys.getKeyAtHand);
    } catch {
      // What is wrong with it is found, told and acted upon once its answer is in the journal.
      return undefined;
    }
  }

  #verify(
    idToken: Secret,
    more: IdTokenExpectations,
    { idTokenAlgorithms, issuer = this.provider.issuer }: Metadata,
    getKey: Jwks["getKey"],
  ): Promise<Profile> {
    return verifyIdToken(idToken, {
      // First: what else stands there must not take the place of what is known here.
      ...more,
      // That of an MCP server's record is the server's own.
      provider: this.#source === undefined ? this.provider : { ...this.provider, issuer },
      clientId: this.client.clientId,
      algorithms: idTokenAlgorithms,
      getKey,
      now: this.#clock.now(),
    });
  }

  identify(signIn: SignInToIdentify): Promise<Profile | undefined> {
    return identify(this.provider, signIn, { http: this.#http, now: this.#clock.now() });
  }

  /** Calls the token endpoint. Where it cannot be discovered just now, the result is silence: nothing was sent. */
  async #ask(ask: (request: TokenRequest) => Promise<TokenResponse>): Promise<TokenResponse> {
    const request = await this.#requestIfFound(({ authentication }) => authentication);
    if (request === undefined) return { kind: "silence", sent: false, error: "discovery_failed" };
    const response = await ask(request);
    if (looksMoved(response)) this.#mayHaveMoved();
    if (response.kind === "oauth-error" && response.error === "invalid_client") await this.#source?.refused();
    return response;
  }

  /** What a request needs; undefined where the provider cannot be discovered just now. */
  async #requestIfFound(
    authenticationOf: (metadata: Metadata) => ClientAuthenticationMethod,
  ): Promise<TokenRequest | undefined> {
    try {
      return await this.#request(authenticationOf);
    } catch (error) {
      if (isOnbehalfError(error, "provider_unavailable")) return undefined;
      throw error;
    }
  }

  async #request(authenticationOf: (metadata: Metadata) => ClientAuthenticationMethod): Promise<TokenRequest> {
    const readsDocument = !this.#isFresh();
    const metadata = await this.metadata();
    const { timeoutMs } = this.#http;
    // Reading the document has taken a third of the time at most. Other processes believe that an exchange is over when
    // the whole time is, so the request gets what is left.
    const left = readsDocument ? timeoutMs - timeoutMs * documentShare : timeoutMs;
    return {
      provider: this.provider,
      client: this.client,
      endpoints: metadata.endpoints,
      authentication: authenticationOf(metadata),
      http: { ...this.#http, timeoutMs: left },
      now: this.#clock.now(),
    };
  }
}

/** Nothing was sent: the key that the request needs is lost. */
const keyLost = { kind: "oauth-error", status: 400, error: "dpop_key_lost" } as const;

/** Whether nobody is at the token endpoint's address any more, or somebody who knows no token endpoint there. */
function looksMoved(response: TokenResponse): boolean {
  if (response.kind === "silence") return !response.sent;
  return response.kind === "unusable" && [301, 302, 307, 308, 404, 405, 410].includes(response.status);
}
