/**
 * tokens/ hands out valid access tokens: from memory, from the store, or by a refresh that all waiting callers share.
 * What opens or sends a refresh token does not belong here: this code asks the keeper for that.
 */
import { isOnbehalfError } from "../../core/errors.ts";
import type { ReadCounts } from "../../core/figures.ts";
import { isUsable } from "../../core/grant.ts";
import type { GrantRef } from "../../core/grant.ts";
import { isDueForLastLook } from "../../core/second-look.ts";
import type { Secret } from "../../core/secret.ts";
import { SharedReads, SingleFlight, once, waitFor } from "../../core/single-flight.ts";
import { tokenDigest } from "../../crypto/token-digest.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { currentPrincipal, isRegistered, protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { clientMisconfigured } from "../errors/client-misconfigured.ts";
import { providerUnavailable } from "../errors/provider-unavailable.ts";
import { findGrant, lookedUpBy } from "../grants/find-grant.ts";
import { openAccessToken } from "../grants/sealed-grant.ts";
import type { Keeper, Priority, RefreshOutcome, SeenGrant } from "../keeper/keeper.ts";
import {
  endOf,
  endedAtOnceMs,
  isFresh,
  isLiving,
  lifeOf,
  refreshAheadAt,
  servedLifeOf,
} from "../../core/token-life.ts";
import type { TokenLife } from "../../core/token-life.ts";
import { joined } from "./joined-refresh.ts";
import { reauthorize } from "./reauthorize.ts";
import { RefusedTokens } from "./refused-tokens.ts";
import type { Replacement } from "./refused-tokens.ts";
import { StoredTokens } from "./stored-tokens.ts";
import { assertTokenDigest } from "./token-options.ts";
import type { GetAccessTokenOptions } from "./token-options.ts";
import { AccessToken } from "./token-cache.ts";
import type { CachedToken, Identity, TokenCache } from "./token-cache.ts";
import { askedFor } from "./references.ts";

/** How many refreshes by other processes one call follows before it gives up with `provider_unavailable`. */
const followedRefreshes = 5;

/** A grant's row, and the version of the cache before it was read. */
interface ReadGrant {
  readonly row: GrantRow & Pick<SeenGrant, "isAccessRefused">;
  readonly version: number;
}

type KeptRow = Identity & Pick<GrantRow, "generation" | "scope">;

/** Gives valid access tokens of grants. */
export class TokenSource {
  readonly stored: StoredTokens;
  readonly reads: ReadCounts = { memory: 0, store: 0, refreshed: 0, proxied: 0 };
  readonly #context: VaultContext;
  readonly #keeper: Keeper;
  readonly #flights = new SingleFlight<string, RefreshOutcome>();
  readonly #reads = new SharedReads<string, ReadGrant>();
  readonly #readsAfter = new WeakMap<RefreshOutcome, Promise<ReadGrant>>();
  readonly cache: TokenCache;
  readonly #refused: RefusedTokens;

  /** @param cache shared with the code that changes grants, which invalidates it */
  constructor(context: VaultContext, keeper: Keeper, cache: TokenCache) {
    this.#context = context;
    this.#keeper = keeper;
    this.cache = cache;
    this.#refused = new RefusedTokens(context.clock);
    this.stored = new StoredTokens(context, cache, this.reads, (ref, { row, token, life }, version) =>
      this.#hold(ref, this.#tokenOf(row, token, endOf(life, context.clock.now()), life), row, life, version),
    );
  }

  /** The token for a reference, where the cache holds one that lives long enough. It reads nothing else. */
  peek(ref: GrantRef, minTtlMs: number): AccessToken | undefined {
    const held = this.held(ref, minTtlMs);
    if (held === undefined) return undefined;
    this.reads.memory += 1;
    return this.cache.tokenOf(held);
  }

  /** What {@link peek} gives, as the cache holds it. */
  held(ref: GrantRef, minTtlMs: number): CachedToken | undefined {
    const cached = this.#cached(ref, minTtlMs);
    if (cached === undefined) return undefined;
    cached.used = true;
    cached.isVisited = true;
    return cached;
  }

  /**
   * Which grant a reference means. Where the cache holds a token of it that lives, the store is not read.
   *
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`, `store_unavailable`
   */
  async identify(ref: GrantRef): Promise<Identity> {
    return this.#cached(ref, 0) ?? (await findGrant(this.#context, ref));
  }

  /**
   * Begins to refresh tokens that are in use and will expire soon, in the background. An event tells of a failure. The
   * next attempt comes when a caller asks for the token.
   */
  refreshAhead(): void {
    const { clock, onFault } = this.#context;
    const now = clock.now();
    for (const cached of this.cache.all()) {
      if (!cached.used || cached.refreshAt > now) continue;
      // Try once for each token that the cache holds. After a failure, it is tried again once a caller has asked for
      // it.
      cached.used = false;
      this.#refresh(cached, "background").catch((error: unknown) => {
        if (!isOnbehalfError(error)) onFault(error, "refresh ahead");
      });
    }
  }

  /** See `Vault.getAccessToken`. */
  async get(ref: GrantRef, { minTtlSeconds = 60, refused, signal }: GetAccessTokenOptions = {}): Promise<AccessToken> {
    const minTtlMs = minTtlSeconds * 1000;
    if (refused !== undefined) return this.#getAnother(ref, minTtlMs, refused.toLowerCase(), signal);
    if (this.cache.rest.isResting) await this.cache.rest.awake();
    const cached = this.peek(ref, minTtlMs);
    if (cached !== undefined) return cached;
    signal?.throwIfAborted();
    try {
      const stored = this.cache.find(ref) === undefined ? await this.stored.find(ref, minTtlMs) : undefined;
      return stored ?? (await this.#obtain(ref, minTtlMs, signal));
    } catch (error) {
      // While our store or keeper is down, a token that still lives is better than an error. The end of a grant is
      // never hidden in this way.
      const ours = isOnbehalfError(error, "store_unavailable") || isOnbehalfError(error, "keeper_unavailable");
      const last = ours ? this.peek(ref, 0) : undefined;
      if (last !== undefined) return last;
      throw error;
    }
  }

  /**
   * Another token than the one that an API has just refused. One refresh replaces it, however many calls were refused
   * with it. While the provider fails, it may be the same one.
   *
   * @param host who refused it; empty where that is not known
   */
  async replace(refused: AccessToken, host: string, signal?: AbortSignal): Promise<Replacement> {
    const read = await this.#read({ grantId: refused.grantId });
    const { row } = read;
    const { grantId } = row;
    if (this.#isOver(row)) return reauthorize(this.#context, row, row.reason ?? "revoked");
    const current = openAccessToken(this.#context.keyring, row);
    if (current !== undefined && current.expose() !== refused.token) {
      return { kind: "token", token: await this.#handOut(grantId, read) };
    }
    if (row.refreshSealed === null) return { kind: "none" };
    const waitMs = this.#refused.refused(grantId, host, tokenDigest(refused.token));
    if (waitMs > 0) return { kind: "wait", waitMs };
    const token = await this.#refreshed(grantId, { ...read, row: { ...row, isAccessRefused: true } }, signal);
    if (token.token !== refused.token) this.#refused.replaced(grantId, host, tokenDigest(token.token));
    return { kind: "token", token };
  }

  /**
   * A host has refused a token that was refreshed for it a moment ago.
   *
   * @returns how long no other is refreshed for it, milliseconds; 0: one may be
   */
  refusedAgain({ grantId, token }: AccessToken, host: string): number {
    return this.#refused.refused(grantId, host, tokenDigest(token));
  }

  /**
   * Ends a token that an API has refused and nothing can replace: it is handed out no more.
   *
   * @throws {OnbehalfError} `reauthorization_required`, unless the grant holds another token by now
   */
  async end(refused: AccessToken): Promise<AccessToken> {
    const { keyring, store, clock } = this.#context;
    const { row } = await this.#read({ grantId: refused.grantId });
    if (row.accessSealed !== null && openAccessToken(keyring, row)?.expose() === refused.token) {
      await store.endAccessToken(row.grantId, row.accessSealed, clock.now());
      this.cache.invalidate([row.grantId]);
    }
    return this.#obtain(row.grantId, 0);
  }

  /**
   * Asks the provider whether a grant's refresh token still works: by the refresh that all who wait for one share, whatever
   * token is held. As where a caller waits without a token, a refusal gets its second look before this ends.
   *
   * @returns how that ended, and the grant's row as it is then
   */
  async renew(grantId: string): Promise<{ readonly outcome: RefreshOutcome; readonly row: GrantRow }> {
    const read = await this.#read({ grantId });
    const outcome = await this.#refresh({ ...read.row, isAccessRefused: true });
    if (outcome.kind === "refreshed") {
      const life = { issuedAt: outcome.issuedAt, expiresAt: outcome.expiresAt, isRefreshable: true };
      if (isLiving(life, this.#context.clock.now())) this.#received(grantId, read, outcome, life);
    }
    const { row } = await this.#read({ grantId });
    if (!isUsable(row.state)) this.cache.drop(grantId);
    return { outcome, row };
  }

  /** A token other than the refused one; that one must not be returned, not even while the provider fails. */
  async #getAnother(
    ref: GrantRef,
    minTtlMs: number,
    refused: string,
    signal: AbortSignal | undefined,
  ): Promise<AccessToken> {
    assertTokenDigest(refused);
    signal?.throwIfAborted();
    const token = await this.#obtain(ref, minTtlMs, signal);
    if (tokenDigest(token.token) !== refused) return token;
    const replacement = await this.replace(token, "", signal);
    const next = replacement.kind === "none" ? await this.end(token) : replacement.token;
    if (next !== undefined && tokenDigest(next.token) !== refused) return next;
    const row = await findGrant(this.#context, { grantId: token.grantId });
    if (replacement.kind === "wait") return this.#unavailable(row, "tokens_refused", replacement.waitMs);
    return this.#unavailable(row, row.lastError ?? "no_new_token", 1_000);
  }

  /** Resolves when the refreshes under way have ended. */
  settled(): Promise<void> {
    return this.#flights.settled();
  }

  async #obtain(ref: GrantRef, minTtlMs: number, signal?: AbortSignal): Promise<AccessToken> {
    const read = await this.#reads.do(JSON.stringify(ref), () => this.#read(ref));
    const { row, version } = read;
    if (this.#isOver(row)) return reauthorize(this.#context, row, row.reason ?? "revoked");
    protocolOf(this.#context, row);
    // It has lapsed, and is due for its last look: only a new token proves that it lives.
    if (!isUsable(row.state)) return this.#refreshed(ref, read, signal);
    if (this.#isFresh(row, minTtlMs)) return this.#handOut(ref, read);
    const living = this.#living(row);
    if (row.refreshSealed === null) return living ?? reauthorize(this.#context, row, "no_refresh_token");
    if (living !== undefined) this.#keep(ref, living, row, version);
    const waitMs = this.#endedAtOnceMs(row);
    if (waitMs > 0) return this.#unavailable(row, "tokens_end_at_once", waitMs);
    return this.#refreshed(ref, read, signal);
  }

  /** Refreshes until there is a token, or throws why there is none. */
  async #refreshed(ref: GrantRef, read: ReadGrant, signal?: AbortSignal): Promise<AccessToken> {
    for (let followed = 0; ;) {
      const outcome = await waitFor(this.#refresh(read.row), signal);
      if (outcome.kind === "unavailable" || outcome.kind === "misconfigured") return this.#failed(read.row, outcome);
      if (outcome.kind === "refreshed") {
        const life = { issuedAt: outcome.issuedAt, expiresAt: outcome.expiresAt, isRefreshable: true };
        const now = this.#context.clock.now();
        if (life.expiresAt === null || life.expiresAt > now) return this.#received(ref, read, outcome, life);
        const waitMs = endedAtOnceMs(life, now);
        if (waitMs > 0) return this.#unavailable(read.row, "tokens_end_at_once", waitMs);
      }
      // Another process was first, or the grant has ended, or the new token has expired already: the row says which. It is
      // read once for all who waited for that refresh, and not before it was over.
      const { grantId } = read.row;
      read = await once(this.#readsAfter, outcome, () => this.#read({ grantId }));
      const { row } = read;
      if (this.#isOver(row)) return reauthorize(this.#context, row, row.reason ?? "revoked");
      // Also where it lives for a shorter time than asked: the provider gives no better one.
      if (isUsable(row.state) && this.#isFresh(row, 0)) return this.#handOut(ref, read);
      if (row.refreshSealed === null) return reauthorize(this.#context, row, "no_refresh_token");
      followed += 1;
      if (followed === followedRefreshes) return this.#unavailable(row, "tokens_end_at_once", 1_000);
    }
  }

  #refresh(seen: SeenGrant, priority: Priority = "interactive"): Promise<RefreshOutcome> {
    let isMine = false;
    // A caller does not join background work: it would wait behind all other background work.
    const flight = this.#flights.do(`${priority} ${seen.grantId}`, () => {
      isMine = true;
      const { grantId, provider, clientId, issuer, generation } = seen;
      const { retryAt, lookAt, accessExpiresAt, isAccessRefused, lastError, lastErrorAt } = seen;
      const timing = { retryAt, lookAt, accessExpiresAt, isAccessRefused, lastError, lastErrorAt };
      const principal = currentPrincipal();
      return this.#keeper.refresh({ grantId, provider, clientId, issuer, generation, ...timing, principal }, priority);
    });
    return isMine ? flight : joined(this.#context, seen, flight);
  }

  /** A token that the keeper has just received. */
  #received(
    ref: GrantRef,
    { row, version }: ReadGrant,
    { accessToken, scope, isStored }: RefreshOutcome & { kind: "refreshed" },
    life: TokenLife,
  ): AccessToken {
    this.reads.refreshed += 1;
    // Somebody else who waited for the same refresh has it already.
    const kept = isStored ? this.#cached(ref, 0) : undefined;
    if (kept?.generation === row.generation + 1) return kept.token;
    const next = { ...row, generation: row.generation + 1 };
    const token = this.#tokenOf({ ...next, scope }, accessToken, endOf(life, this.#context.clock.now()), life);
    // Where the store could not take the token, it is kept whatever else has changed, and however full memory is: otherwise
    // the next caller would have the old refresh token sent again.
    return this.#hold(ref, token, next, life, isStored ? version : this.cache.version, !isStored);
  }

  /**
   * The provider or our configuration is at fault. The stored token is returned where it still lives; otherwise the
   * error says that the grant is as it was.
   */
  #failed(
    row: GrantRow,
    outcome: RefreshOutcome & { kind: "unavailable" | "misconfigured" },
  ): AccessToken | Promise<never> {
    if (!isUsable(row.state)) return reauthorize(this.#context, row, row.reason ?? "revoked");
    const living = this.#living(row);
    if (living !== undefined) return living;
    if (outcome.kind === "misconfigured") {
      const protocol = protocolOf(this.#context, row);
      const { authentication } = protocol;
      throw clientMisconfigured({ ...row, authentication, isRegistered: isRegistered(protocol) }, outcome.error);
    }
    return this.#unavailable(row, outcome.error, outcome.retryAfterMs);
  }

  #cached(ref: GrantRef, minTtlMs: number): CachedToken | undefined {
    const cached = this.cache.find(ref);
    return cached !== undefined && isFresh(cached.life, this.#context.clock.now(), minTtlMs) ? cached : undefined;
  }

  async #read(ref: GrantRef): Promise<ReadGrant> {
    const { version } = this.cache;
    return { row: await findGrant(this.#context, ref), version };
  }

  #isFresh(row: GrantRow, minTtlMs: number): boolean {
    const life = servedLifeOf(row, this.#context.clock.now());
    return life !== undefined && isFresh(life, this.#context.clock.now(), minTtlMs);
  }

  /** The stored token, where it has not expired. */
  #living(row: GrantRow): AccessToken | undefined {
    const now = this.#context.clock.now();
    const life = servedLifeOf(row, now);
    if (life === undefined || !isLiving(life, now)) return undefined;
    const token = openAccessToken(this.#context.keyring, row);
    return token === undefined ? undefined : this.#tokenOf(row, token, endOf(life, now), life);
  }

  #tokenOf(row: KeptRow, token: Secret, end: number | undefined, life: TokenLife): AccessToken {
    const { grantId, provider, generation, scope } = row;
    const issue = { provider, generation, issuedAt: life.issuedAt };
    return new AccessToken(grantId, token, end, this.cache.scopes(scope), issue);
  }

  #endedAtOnceMs(row: GrantRow): number {
    const life = lifeOf(row);
    // A suspect grant's token counts as ended so that the provider is asked.
    return life === undefined || row.state !== "active" ? 0 : endedAtOnceMs(life, this.#context.clock.now());
  }

  #handOut(ref: GrantRef, { row, version }: ReadGrant): AccessToken | Promise<never> {
    const token = this.#living(row);
    if (token === undefined) return reauthorize(this.#context, row, "no_refresh_token");
    this.#keep(ref, token, row, version);
    this.reads.store += 1;
    return token;
  }

  #keep(ref: GrantRef, token: AccessToken, row: GrantRow, version: number): void {
    const life = lifeOf(row);
    if (life !== undefined) this.#hold(ref, token, row, life, version);
  }

  #hold(ref: GrantRef, token: AccessToken, row: KeptRow, life: TokenLife, version: number, must = false): AccessToken {
    const { grantId, generation, provider, clientId, issuer } = row;
    const refreshAt = refreshAheadAt(life, this.#context.random());
    const identity = { grantId, provider, clientId, issuer };
    const kept = { ...identity, token, generation, life, refreshAt, used: true };
    // By a grant's own id, nothing is looked up.
    const isId = typeof ref === "string" || "grantId" in ref;
    const asked = isId ? undefined : askedFor(ref);
    const by = asked === undefined ? undefined : lookedUpBy(this.#context, asked, issuer);
    this.cache.keep(ref, kept, version, by, must);
    return token;
  }

  /** Whether the grant is over, so that nobody is asked for a token of it. */
  #isOver(row: GrantRow): boolean {
    if (isUsable(row.state) || isDueForLastLook(row, this.#context.clock.now())) return false;
    // The token that the cache still holds is dead. Drop it now: the change poll would let it be handed out until then.
    this.cache.drop(row.grantId);
    return true;
  }

  #unavailable({ provider, issuer }: GrantRow, error: string, retryAfterMs: number): never {
    throw providerUnavailable(`${provider} gave no new token`, error, "the grant is as it was", {
      issuer,
      retryAfterMs,
    });
  }
}
