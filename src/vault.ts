import { keyClasses, readingClasses } from "./crypto/keyring.ts";
import { OnbehalfError } from "./core/errors.ts";
import type { Grant, GrantRef } from "./core/grant.ts";
import type { Protocol } from "./oauth/protocol.ts";
import type { Provider } from "./providers/provider.ts";
import { waitFor } from "./core/single-flight.ts";
import type { AccessToken } from "./vault/tokens/access-token.ts";
import { TokenSource } from "./vault/tokens/token-source.ts";
import type { GetAccessTokenOptions } from "./vault/tokens/token-source.ts";
import { callApi } from "./vault/tokens/api-call.ts";
import { Assertions } from "./vault/http/sign-in-assertion.ts";
import { authCodeHandler } from "./vault/http/authcode-handler.ts";
import type { AuthCodeHandler, AuthCodeHandlerOptions } from "./vault/http/authcode-handler.ts";
import { Periodic } from "./vault/periodic.ts";
import { Callers } from "./vault/http/callers.ts";
import { changePollMs, watchChanges } from "./vault/tokens/change-poll.ts";
import { codeRequest } from "./vault/keeper/codes/code-request.ts";
import type { ExchangeCodeOptions } from "./vault/keeper/codes/code-request.ts";
import type { VaultContext } from "./vault/context.ts";
import { newKeeper } from "./vault/keeper/open-keeper.ts";
import type { KeeperOptions } from "./vault/keeper/open-keeper.ts";
import type { Keeper } from "./vault/keeper/local-keeper.ts";
import { listGrants } from "./vault/grants/list-grants.ts";
import type { GrantPage, GrantQuery } from "./vault/grants/list-grants.ts";
import { closeContext, openContext } from "./vault/open/open-context.ts";
import type { CommonOptions } from "./vault/open/open-context.ts";
import { cacheKey, findGrant } from "./vault/grants/find-grant.ts";
import { grantOf } from "./vault/grants/sealed-grant.ts";

/** How often memory is looked through for tokens that should be refreshed ahead of their end, milliseconds. */
const refreshAheadEveryMs = 1_000;

export interface VaultOptions extends CommonOptions, KeeperOptions {
  /**
   * Who opens refresh tokens in this vault's stead, such as a keeper's client. Closed by whoever made it. Without one
   * the vault does it itself.
   */
  readonly keeper?: Keeper;
}

/**
 * Takes one-time codes in, keeps what people granted, and hands out valid access tokens for it.
 * Made by {@link openVault}.
 */
export class Vault {
  /** The programs that may use a service over this vault. */
  readonly callers: Callers;
  readonly #context: VaultContext;
  readonly #keeper: Keeper;
  readonly #closeKeeper: () => Promise<void>;
  readonly #access: TokenSource;
  readonly #assertions: Assertions;
  readonly #background: Periodic;
  readonly #endHints: () => void;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openVault}. */
  constructor(context: VaultContext, keeper: Keeper, closeKeeper: () => Promise<void>, lastChange: number) {
    this.#context = context;
    this.#keeper = keeper;
    this.#closeKeeper = closeKeeper;
    this.#access = new TokenSource(context, keeper);
    this.#assertions = new Assertions(context.keyring, context.clock);
    this.callers = new Callers(context.store, context.keyring, context.clock);
    this.#background = new Periodic((during, message) => context.emit({ type: "store_failed", during, message }));
    const look = this.#background.every("changes", changePollMs, watchChanges(context.store, this.#access, lastChange));
    // A hint only: it may be lost, and the poll above is what the documented bound rests on.
    this.#endHints = context.store.onChange?.(look) ?? ((): void => undefined);
    this.#background.every("refresh ahead", refreshAheadEveryMs, async () => this.#access.refreshAhead());
  }

  /**
   * Exchanges a one-time authorization code and keeps the grant.
   * A later code of the same subject usually brings no refresh token; the stored one is then kept. The same code
   * within a minute gives the same result.
   *
   * @returns the grant; `offline` is false where no refresh token is held
   * @throws {OnbehalfError} `invalid_request`: the options contradict each other; the code was not spent
   * @throws {OnbehalfError} `code_rejected`: used, expired, or another client's
   * @throws {OnbehalfError} `id_token_invalid`: nothing is handed out, and what was issued is revoked
   * @throws {OnbehalfError} `client_misconfigured`, `provider_unavailable`, `store_unavailable`: nothing was lost, the
   *   same code may be sent again
   * @see RFC 6749 section 4.1.3; OpenID Connect Core 1.0 section 3.1.3.7
   */
  async exchangeCode(options: ExchangeCodeOptions): Promise<Grant> {
    const { provider } = this.#protocol(options.provider);
    const request = codeRequest(options, provider);
    options.signal?.throwIfAborted();
    return this.#during(async () => {
      const grantId = await waitFor(this.#keeper.exchangeCode(provider.name, request), options.signal);
      this.#access.invalidate([grantId]);
      return this.grant({ grantId });
    });
  }

  /**
   * A valid access token: from memory where one lives long enough, else by a refresh that all who wait share.
   *
   * @returns a token that lives `minTtlSeconds` or, where the provider gives none that long, its newest one
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`
   * @throws {OnbehalfError} `reauthorization_required`: details say why and since when
   * @throws {OnbehalfError} `client_misconfigured`, `provider_unavailable`, `store_unavailable`: the grant is as it was
   * @throws {OnbehalfError} `grant_unreadable`
   * @see RFC 6749 section 6
   */
  async getAccessToken(ref: GrantRef, options: GetAccessTokenOptions = {}): Promise<AccessToken> {
    return this.#during(() => this.#access.get(ref, options));
  }

  /** The token that {@link getAccessToken} would give at once, from memory; undefined where it would have to look. */
  peekAccessToken(ref: GrantRef, minTtlSeconds = 60): AccessToken | undefined {
    return this.#access.peek(cacheKey(ref), minTtlSeconds * 1000);
  }

  /**
   * Calls an API on the person's behalf: `fetch`, with the token added. A 401 is answered by one refresh and one
   * repeat where the body can be sent twice. Redirects are returned, not followed.
   *
   * @returns the API's answer as it came
   * @throws {OnbehalfError} `host_not_allowed`: the provider record does not list the host
   * @throws {OnbehalfError} as {@link getAccessToken}
   */
  async fetch(ref: GrantRef, input: string | URL, init?: RequestInit): Promise<Response> {
    return this.#during(() => callApi(this.#context, this.#access, ref, input, init));
  }

  /**
   * Revokes a grant at the provider and ends it. Nothing is handed out from the first moment on.
   * At Google this ends every grant of the same person with any client of the same project.
   *
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`
   * @throws {OnbehalfError} `provider_unavailable`: not confirmed yet; it is tried again in the background
   * @throws {OnbehalfError} `store_unavailable`, `client_misconfigured`
   * @see RFC 7009
   */
  async revoke(ref: GrantRef | Grant, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Grant> {
    return this.#during(async () => {
      const { grantId, subjectHash } = await findGrant(
        this.#context,
        typeof ref === "object" && "grantId" in ref ? ref.grantId : ref,
      );
      this.#access.invalidate([grantId]);
      // Others of the same person may end with it, and are not to be served from memory until that is looked at.
      const all = (await this.#context.store.grantsBySubject(subjectHash)).map((row) => row.grantId);
      await waitFor(this.#keeper.revoke(grantId), signal).finally(() => this.#access.invalidate(all));
      return this.grant({ grantId });
    });
  }

  /**
   * One grant as it stands, without its tokens.
   *
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`, `store_unavailable`, `grant_unreadable`
   */
  async grant(ref: GrantRef, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Grant> {
    return grantOf(this.#context.keyring, await waitFor(findGrant(this.#context, ref), signal));
  }

  /**
   * A page of grants, without their tokens. One that does not open is left out, and told as an event.
   *
   * @throws {OnbehalfError} `invalid_request`: the cursor or the limit is none, or a subject could be of several
   *   providers; `store_unavailable`
   */
  async grants(query: GrantQuery = {}, { signal }: { readonly signal?: AbortSignal } = {}): Promise<GrantPage> {
    // A subject is somebody at one issuer: the same characters name somebody else at another.
    const issuer = query.subject === undefined ? undefined : this.#protocol(query.provider).provider.issuer;
    return listGrants(this.#context, query, issuer, signal);
  }

  /** The `POST /authcode` handler for an app's own server; see {@link AuthCodeHandlerOptions}. */
  authCodeHandler(options?: AuthCodeHandlerOptions): AuthCodeHandler {
    return authCodeHandler(this, options);
  }

  /**
   * A short-lived JWT that says who signed in, for the app's backend to verify with {@link jwks}.
   *
   * @param issuer `iss` and `aud`: the public URL of the server that asserts
   */
  async signInAssertion(grant: Grant, issuer: string, nonce?: string): Promise<string> {
    return this.#assertions.sign(grant, issuer, nonce);
  }

  /** The public keys of {@link signInAssertion} (RFC 7517). */
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

  /** Whether the store answers. Throws `store_unavailable` where it does not. */
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
    await this.#background.stop();
    await Promise.allSettled(this.#underWay);
    await this.#access.settled();
    await this.#closeKeeper();
    await closeContext(this.#context);
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
    throw new OnbehalfError(
      "invalid_request",
      name === undefined ? "there are several providers" : "no such provider",
      {
        hint: `name one as provider: ${[...protocols.keys()].join(", ")}`,
        details: { parameter: "provider" },
      },
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
  const { keeper: keeper } = options;
  const context = await openContext(options, keeper === undefined ? keyClasses : readingClasses);
  try {
    const lastChange = await context.store.latestChange();
    if (keeper !== undefined) return new Vault(context, keeper, async () => undefined, lastChange);
    const own = newKeeper(context, options);
    return new Vault(context, own, () => own.close(), lastChange);
  } catch (error) {
    await closeContext(context);
    throw error;
  }
}
