/**
 * The vault: what the library does, verb by verb. Each verb names the part that does it; what a verb does in detail
 * does not belong here.
 */
import type { Clock } from "./core/clock.ts";
import { invalidRequest } from "./core/errors.ts";
import type { Grant, GrantRef } from "./core/grant.ts";
import { waitFor } from "./core/single-flight.ts";
import { keyClasses, readingClasses } from "./crypto/keyring.ts";
import type { Protocol } from "./oauth/protocol.ts";
import type { Provider } from "./providers/provider.ts";
import { tellError } from "./vault/background-errors.ts";
import type { VaultContext } from "./vault/context.ts";
import { findGrant } from "./vault/grants/find-grant.ts";
import { listGrants } from "./vault/grants/list-grants.ts";
import type { GrantPage, GrantQuery } from "./vault/grants/list-grants.ts";
import { grantOf } from "./vault/grants/sealed-grant.ts";
import { siblingsOf } from "./vault/grants/siblings-of.ts";
import { authCodeHandler } from "./vault/http/authcode-handler.ts";
import type { AuthCodeHandler, AuthCodeHandlerOptions } from "./vault/http/authcode-handler.ts";
import { Callers } from "./vault/http/callers.ts";
import { Assertions } from "./vault/http/sign-in-assertion.ts";
import type { ExchangeCodeOptions } from "./vault/keeper/codes/code-request.ts";
import type { Keeper } from "./vault/keeper/keeper.ts";
import { keeperOver } from "./vault/keeper/open-keeper.ts";
import type { KeeperOptions } from "./vault/keeper/open-keeper.ts";
import { closeContext, openContext } from "./vault/open/open-context.ts";
import type { CommonOptions } from "./vault/open/open-context.ts";
import { Periodic } from "./vault/periodic.ts";
import type { AccessToken } from "./vault/tokens/access-token.ts";
import { callApi } from "./vault/tokens/api-call.ts";
import { changePoll, changePollMs } from "./vault/tokens/change-poll.ts";
import { exchangeCode, revoke } from "./vault/tokens/keeper-calls.ts";
import { TokenCache, cacheKey } from "./vault/tokens/token-cache.ts";
import { TokenSource } from "./vault/tokens/token-source.ts";
import type { GetAccessTokenOptions } from "./vault/tokens/token-source.ts";

/** How often memory is looked through for tokens that should be refreshed ahead of their end, milliseconds. */
const refreshAheadEveryMs = 1_000;

export interface VaultOptions extends CommonOptions, KeeperOptions {
  /**
   * A keeper that opens refresh tokens in this vault's stead, such as one in another process. Whoever made it closes
   * it. Default: this process is its own keeper.
   */
  readonly keeper?: Keeper;
}

/** A verb's own option: ends the wait. Work that others depend on goes on. */
interface Abortable {
  readonly signal?: AbortSignal;
}

/**
 * Takes one-time codes in, keeps what people granted, and hands out valid access tokens for it.
 * Made by {@link openVault}.
 *
 * Where the keeper runs in another process, every verb that asks it may also throw `keeper_unavailable`: no grant
 * changed, and the same call may be made again.
 */
export class Vault {
  /** The programs that may use a service over this vault. */
  readonly callers: Callers;
  /** What the vault goes by; a server over it must not go by another. */
  readonly clock: Clock;
  readonly #context: VaultContext;
  readonly #keeper: Keeper;
  readonly #closeKeeper: () => Promise<void>;
  readonly #cache = new TokenCache();
  readonly #tokens: TokenSource;
  readonly #assertions: Assertions;
  readonly #periodic: Periodic;
  readonly #endHints: () => void;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openVault}. */
  constructor(context: VaultContext, keeper: Keeper, closeKeeper: () => Promise<void>, lastChange: number) {
    const { store, keyring, clock } = context;
    this.#context = context;
    this.#keeper = keeper;
    this.#closeKeeper = closeKeeper;
    this.#tokens = new TokenSource(context, keeper, this.#cache);
    this.#assertions = new Assertions(keyring, clock);
    this.callers = new Callers(store, keyring, clock);
    this.clock = clock;
    this.#periodic = new Periodic((error, task) => tellError(context, error, task));
    const look = this.#periodic.every("changes", changePollMs, changePoll(store, this.#cache, lastChange));
    // A hint only: it may be lost, and the poll above is what the documented bound rests on.
    this.#endHints = store.onChange?.(look) ?? ((): void => undefined);
    this.#periodic.every("refresh ahead", refreshAheadEveryMs, async () => this.#tokens.refreshAhead());
  }

  /**
   * Exchanges a one-time authorization code and keeps the grant.
   * A later code of the same subject usually brings no refresh token; the stored one is then kept. The same code
   * within 60 seconds gives the same result.
   *
   * @returns the grant; `offline` is false where no refresh token is held
   * @throws {OnbehalfError} `invalid_request`: the options contradict each other; the code was not used
   * @throws {OnbehalfError} `code_rejected`: used, expired, or another client's
   * @throws {OnbehalfError} `id_token_invalid`: nothing is handed out, and what was issued is revoked
   * @throws {OnbehalfError} `client_misconfigured`, `provider_unavailable`, `store_unavailable`, `keeper_unavailable`:
   *   nothing was lost, the same code may be sent again
   * @throws {OnbehalfError} `grant_unreadable`: the row of this person's grant was damaged
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
   */
  async exchangeCode(options: ExchangeCodeOptions): Promise<Grant> {
    return this.#during(async () => exchangeCode(this.#calls, this.providerOf(options.provider), options));
  }

  /**
   * A valid access token: from memory where one lives long enough, else by a refresh that all who wait share.
   *
   * @returns a token that lives `minTtlSeconds` or, where the provider gives none that long, its newest one
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`
   * @throws {OnbehalfError} `reauthorization_required`: details say why and since when
   * @throws {OnbehalfError} `client_misconfigured`, `provider_unavailable`, `store_unavailable`, `keeper_unavailable`:
   *   the grant is as it was
   * @throws {OnbehalfError} `grant_unreadable`: a sealed value of the grant was damaged
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  async getAccessToken(ref: GrantRef, options: GetAccessTokenOptions = {}): Promise<AccessToken> {
    return this.#during(() => this.#tokens.get(ref, options));
  }

  /**
   * The token that {@link getAccessToken} would give at once, from memory; undefined where it would have to look.
   *
   * @param minTtlSeconds how long the token must still live, seconds; 60 by default
   */
  peekAccessToken(ref: GrantRef, minTtlSeconds = 60): AccessToken | undefined {
    return this.#tokens.peek(cacheKey(ref), minTtlSeconds * 1000);
  }

  /**
   * Calls an API on the person's behalf: `fetch`, with the token added. A 401 is answered by one refresh and one
   * repeat where the body can be sent twice. Redirects are returned, not followed.
   *
   * @returns the API's answer as it came
   * @throws {OnbehalfError} `host_not_allowed`: the provider record does not list the host
   * @throws {OnbehalfError} what {@link getAccessToken} throws
   * @throws what `fetch` throws where the API does not answer
   * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
   */
  async fetch(ref: GrantRef, input: string | URL, init?: RequestInit): Promise<Response> {
    return this.#during(() => callApi(this.#context, this.#tokens, ref, input, init));
  }

  /**
   * Revokes a grant at the provider and ends it. Nothing is handed out from the first moment on.
   * At Google this ends every grant of the same person with any client of the same project; see {@link siblings}.
   *
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`
   * @throws {OnbehalfError} `provider_unavailable`: not confirmed yet; it is tried again in the background
   * @throws {OnbehalfError} `store_unavailable`, `keeper_unavailable`, `client_misconfigured`, `grant_unreadable`
   * @see https://www.rfc-editor.org/rfc/rfc7009
   */
  async revoke(ref: GrantRef | Grant, { signal }: Abortable = {}): Promise<Grant> {
    return this.#during(() => revoke(this.#calls, ref, signal));
  }

  /**
   * One grant as it stands, without its tokens.
   *
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`, `store_unavailable`, `grant_unreadable`
   */
  async grant(ref: GrantRef, { signal }: Abortable = {}): Promise<Grant> {
    return grantOf(this.#context.keyring, await waitFor(findGrant(this.#context, ref), signal));
  }

  /**
   * A page of grants, without their tokens. One that does not open is left out, and told as an event.
   *
   * @throws {OnbehalfError} `invalid_request`: state, cursor or limit is none, or a subject could be of several providers
   * @throws {OnbehalfError} `store_unavailable`
   */
  async grants(query: GrantQuery = {}, { signal }: Abortable = {}): Promise<GrantPage> {
    // A subject is somebody at one issuer: the same characters name somebody else at another.
    const issuer = query.subject === undefined ? undefined : this.providerOf(query.provider).issuer;
    return listGrants(this.#context, query, issuer, signal);
  }

  /**
   * The other usable grants that {@link revoke} would end as well: at Google, those of the same person with any client
   * of the same project. Nothing is changed.
   *
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`, `store_unavailable`, `grant_unreadable`
   */
  async siblings(ref: GrantRef, { signal }: Abortable = {}): Promise<Grant[]> {
    const row = await waitFor(findGrant(this.#context, ref), signal);
    const rows = await siblingsOf(this.#context.store, this.providerOf(row.provider), row);
    return rows.map((sibling) => grantOf(this.#context.keyring, sibling));
  }

  /** The `POST /authcode` handler for an app's own server; see {@link AuthCodeHandlerOptions}. It answers every error. */
  authCodeHandler(options?: AuthCodeHandlerOptions): AuthCodeHandler {
    return authCodeHandler(this, options);
  }

  /**
   * A JWT that says for 300 seconds who signed in, for the app's backend to verify with {@link jwks}.
   *
   * @param issuer `iss` and `aud`: the public URL of the server that asserts
   * @see https://www.rfc-editor.org/rfc/rfc7519
   */
  async signInAssertion(grant: Grant, issuer: string, nonce?: string): Promise<string> {
    return this.#assertions.sign(grant, issuer, nonce);
  }

  /**
   * The public keys of {@link signInAssertion}.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7517
   */
  async jwks(): ReturnType<Assertions["jwks"]> {
    return this.#assertions.jwks();
  }

  /**
   * The record of a provider by its name, or of the only one.
   *
   * @throws {OnbehalfError} `invalid_request`: unknown, or several and none was named
   */
  providerOf(name?: string): Provider {
    return this.#protocol(name).provider;
  }

  /** The records of all providers, with the client id that each is used with. */
  get providers(): readonly { readonly provider: Provider; readonly clientId: string }[] {
    return [...this.#context.protocols.values()].map(({ provider, client }) => ({
      provider,
      clientId: client.clientId,
    }));
  }

  /**
   * Whether the store answers.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async ping(): Promise<void> {
    await this.#context.store.ping();
  }

  /** Finishes what is under way, then closes the store. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#endHints();
    await this.#periodic.stop();
    await Promise.allSettled(this.#underWay);
    await this.#tokens.settled();
    await this.#closeKeeper();
    await closeContext(this.#context);
  }

  get #calls(): Parameters<typeof exchangeCode>[0] {
    return { context: this.#context, keeper: this.#keeper, cache: this.#cache };
  }

  /** Work that was asked for before the vault is closed is finished first. */
  async #during<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  #protocol(name?: string): Protocol {
    const { protocols } = this.#context;
    const [only] = protocols.values();
    const protocol = name === undefined && protocols.size === 1 ? only : protocols.get(name ?? "");
    if (protocol !== undefined) return protocol;
    throw invalidRequest(
      name === undefined ? "there are several providers, and none was named" : "there is no provider of this name",
      `name one as provider: ${[...protocols.keys()].join(", ")}`,
      "provider",
    );
  }
}

/**
 * Opens a vault: reads the client, reaches the store, unlocks the keyring, and finishes what a crash left half done.
 *
 * @throws {OnbehalfError} `configuration_invalid`: no provider, two of one name, or a client that cannot work
 * @throws {OnbehalfError} `key_invalid`: the store was sealed with another key; nothing was touched
 * @throws {OnbehalfError} `store_unavailable`, `store_unusable`
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const { keeper } = options;
  const context = await openContext(options, keeper === undefined ? keyClasses : readingClasses);
  try {
    const lastChange = await context.store.latestChange();
    if (keeper !== undefined) return new Vault(context, keeper, async () => undefined, lastChange);
    const own = keeperOver(context, options);
    return new Vault(context, own, () => own.close(), lastChange);
  } catch (error) {
    await closeContext(context);
    throw error;
  }
}
