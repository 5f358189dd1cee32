import { isOnbehalfError } from "../../core/errors.ts";
import { isUsable, scopesOf } from "../../core/grant.ts";
import type { GrantRef, LapseReason } from "../../core/grant.ts";
import { isFresh, refreshAheadAt } from "../../core/refresh.ts";
import { SingleFlight, waitFor } from "../../core/single-flight.ts";
import type { GrantChange, GrantRow } from "../../store/store.ts";
import { AccessToken } from "./access-token.ts";
import { protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";
import type { Keeper, RefreshOutcome } from "../keeper/local-keeper.ts";
import type { Priority } from "../keeper/gate/gate.ts";
import { reauthorizationRequired } from "../errors/reauthorization-required.ts";
import { cacheKey, findGrant } from "../grants/find-grant.ts";
import { openAccessToken } from "../grants/sealed-grant.ts";
import { TokenCache } from "./token-cache.ts";
import type { Identity, CachedToken } from "./token-cache.ts";
import { clientMisconfigured, providerUnavailable } from "../errors/provider-errors.ts";

export interface GetAccessTokenOptions {
  /** How long the token must still live, seconds; 60 by default. One that lives shorter is refreshed first. */
  readonly minTtlSeconds?: number;
  /** Ends the wait; a refresh that is under way goes on, for whoever asks next. */
  readonly signal?: AbortSignal;
}

/** Refreshes in a row that may turn out to be somebody else's before the caller is told to come back. */
const rounds = 5;

/** Hands out valid access tokens: from memory, from the store, or by a refresh that all who wait share. */
export class TokenSource {
  readonly #context: VaultContext;
  readonly #keeper: Keeper;
  readonly #flights = new SingleFlight<string, RefreshOutcome>();
  readonly #memory = new TokenCache();
  /** Memory's epoch when the reading of a row began. */
  readonly #epochOf = new WeakMap<GrantRow, number>();

  constructor(context: VaultContext, keeper: Keeper) {
    this.#context = context;
    this.#keeper = keeper;
  }

  /** The token for a reference, if memory holds one that lives long enough. Touches nothing else. */
  peek(key: string, minTtlMs: number): AccessToken | undefined {
    const known = this.#known(key, minTtlMs);
    if (known === undefined) return undefined;
    known.used = true;
    return known.token;
  }

  /** Which grant a reference means: from memory where its token lives there, so that a call needs no store. */
  async identify(ref: GrantRef): Promise<Identity> {
    return this.#known(cacheKey(ref), 0) ?? (await findGrant(this.#context, ref));
  }

  /**
   * Refreshes tokens that are in use, before they end and without anybody waiting for it. A failure is told by an
   * event, and comes round again.
   */
  refreshAhead(): void {
    const now = this.#context.clock.now();
    for (const known of this.#memory.all()) {
      if (!known.used || known.refreshAt > now) continue;
      // One try for what memory holds now: a failed one is tried again when the token is next looked up.
      known.used = false;
      this.#refresh(known, "background").catch(() => undefined);
    }
  }

  async get(ref: GrantRef, { minTtlSeconds = 60, signal }: GetAccessTokenOptions): Promise<AccessToken> {
    const key = cacheKey(ref);
    const minTtlMs = minTtlSeconds * 1000;
    const known = this.peek(key, minTtlMs);
    if (known !== undefined) return known;
    signal?.throwIfAborted();
    try {
      return await this.#obtain(ref, key, minTtlMs, signal);
    } catch (error) {
      // Our own parts are down: a token that still lives is better than none. A grant's own end is not papered over.
      const ours = isOnbehalfError(error, "store_unavailable") || isOnbehalfError(error, "keeper_unavailable");
      const last = ours ? this.peek(key, 0) : undefined;
      if (last !== undefined) return last;
      throw error;
    }
  }

  /**
   * A token other than the one that an API has just refused. However many calls were refused with it, one refresh
   * replaces it.
   */
  async replace(refused: AccessToken, signal?: AbortSignal): Promise<AccessToken> {
    const row = await this.#read({ grantId: refused.grantId });
    this.#assertUsable(row);
    const current = openAccessToken(this.#context.keyring, row);
    if (current !== undefined && current.expose() !== refused.token) return this.#remember(cacheKey(row.grantId), row);
    if (row.refreshSealed === null) return this.#reauthorize(row, "no_refresh_token");
    const outcome = await waitFor(this.#refresh(row), signal);
    return this.#after(outcome, row, cacheKey(row.grantId), signal);
  }

  /** Forgets grants that were changed here. */
  invalidate(grantIds: readonly string[]): void {
    this.#memory.invalidate(grantIds);
  }

  /** Forgets grants that were changed in the store, by whomever. */
  apply(changes: readonly GrantChange[]): void {
    this.#memory.apply(changes);
  }

  /** Resolves when the refreshes under way have ended. */
  settled(): Promise<void> {
    return this.#flights.settled();
  }

  async #obtain(ref: GrantRef, key: string, minTtlMs: number, signal?: AbortSignal): Promise<AccessToken> {
    const row = await this.#read(ref);
    this.#assertUsable(row);
    if (isFresh(row.accessExpiresAt ?? undefined, this.#context.clock.now(), minTtlMs)) return this.#remember(key, row);
    const last = this.#last(row);
    if (row.refreshSealed === null) return last ?? this.#reauthorize(row, "no_refresh_token");
    if (last !== undefined) this.#keep(key, last, row);
    const outcome = await waitFor(this.#refresh(row), signal);
    return this.#after(outcome, row, key, signal);
  }

  #known(key: string, minTtlMs: number): CachedToken | undefined {
    const known = this.#memory.find(key);
    return known !== undefined && isFresh(known.expiresAt, this.#context.clock.now(), minTtlMs) ? known : undefined;
  }

  async #read(ref: GrantRef): Promise<GrantRow> {
    const { version: epoch } = this.#memory;
    const row = await findGrant(this.#context, ref);
    this.#epochOf.set(row, epoch);
    return row;
  }

  /** Turns a refresh's end into a token, or into the error that says why there is none. */
  async #after(
    outcome: RefreshOutcome,
    before: GrantRow,
    key: string,
    signal: AbortSignal | undefined,
    round = 1,
  ): Promise<AccessToken> {
    if (outcome.kind === "held-in-memory") {
      const { grantId, scope } = before;
      const token = new AccessToken(grantId, outcome.accessToken, outcome.expiresAt, scopesOf(scope));
      // Served from memory until the store has it: others who ask meanwhile must not spend the old token again.
      this.#keep(key, token, before, this.#memory.version);
      return token;
    }
    if (outcome.kind === "newer" || outcome.kind === "ended") {
      const row = await this.#read({ grantId: before.grantId });
      this.#assertUsable(row);
      // Even one that lives shorter than asked: the provider gives no better.
      if (isFresh(row.accessExpiresAt ?? undefined, this.#context.clock.now(), 0)) return this.#remember(key, row);
      if (row.refreshSealed === null) return this.#reauthorize(row, "no_refresh_token");
      if (round < rounds) {
        return this.#after(await waitFor(this.#refresh(row), signal), row, key, signal, round + 1);
      }
      return this.#unavailable(row, "tokens_end_at_once", 1_000);
    }
    // The provider or our configuration is at fault: what still lives is served, and nothing is blamed on the grant.
    const last = this.#last(before);
    if (last !== undefined) return last;
    if (outcome.kind === "misconfigured") throw clientMisconfigured(before, outcome.error);
    return this.#unavailable(before, outcome.error, outcome.retryAfterMs);
  }

  #refresh(
    { grantId, generation }: Pick<GrantRow, "grantId" | "generation">,
    priority: Priority = "interactive",
  ): Promise<RefreshOutcome> {
    // A caller does not join a sweep's flight: it would wait behind all other sweeps.
    return this.#flights.do(`${priority} ${grantId}`, () => this.#keeper.refresh(grantId, generation, priority));
  }

  /** The stored token, if it lives at all. */
  #last(row: GrantRow): AccessToken | undefined {
    if (!isFresh(row.accessExpiresAt ?? undefined, this.#context.clock.now(), 0)) return undefined;
    const token = openAccessToken(this.#context.keyring, row);
    if (token === undefined || row.accessExpiresAt === null) return undefined;
    return new AccessToken(row.grantId, token, row.accessExpiresAt, scopesOf(row.scope));
  }

  #remember(key: string, row: GrantRow): AccessToken {
    const token = this.#last(row);
    if (token === undefined) return this.#reauthorize(row, "no_refresh_token");
    this.#keep(key, token, row);
    return token;
  }

  #keep(key: string, token: AccessToken, row: GrantRow, epoch: number = this.#epochOf.get(row) ?? -1): void {
    const { grantId, generation, provider, clientId, issuer, accessIssuedAt } = row;
    const expiresAt = token.expiresAt.getTime();
    const refreshAt = refreshAheadAt(accessIssuedAt ?? expiresAt, expiresAt, this.#context.random());
    const identity = { grantId, provider, clientId, issuer };
    this.#memory.keep(key, { ...identity, token, generation, expiresAt, refreshAt, used: true }, epoch);
  }

  #assertUsable(row: GrantRow): void {
    if (isUsable(row.state)) return;
    // Known from now on: what memory still holds is dead, and must not be handed out until the change is noticed.
    this.#memory.drop(row.grantId);
    this.#reauthorize(row, row.reason ?? "revoked");
  }

  #reauthorize(row: GrantRow, reason: LapseReason): never {
    const ended = Math.min(row.accessExpiresAt ?? row.stateSince, this.#context.clock.now());
    if (reason !== "no_refresh_token") {
      throw reauthorizationRequired(row.grantId, reason, new Date(row.stateSince));
    }
    const { offlineHint } = protocolOf(this.#context, row).provider;
    throw reauthorizationRequired(row.grantId, reason, new Date(ended), offlineHint);
  }

  #unavailable(row: GrantRow, error: string, retryAfterMs: number): never {
    const { provider, issuer } = row;
    throw providerUnavailable(`${provider} gave no new token`, error, "the grant is as it was", {
      issuer,
      retryAfterMs,
    });
  }
}
