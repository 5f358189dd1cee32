import { OnbehalfError, isOnbehalfError } from "../errors.ts";
import { isUsable, scopesOf } from "../grant.ts";
import type { GrantRef, LapseReason } from "../grant.ts";
import { isFresh, refreshAheadAt } from "../refresh.ts";
import { SingleFlight, waitFor } from "../single-flight.ts";
import type { GrantRow } from "../store/store.ts";
import { AccessToken } from "./access-token.ts";
import { protocolOf } from "./context.ts";
import type { VaultContext } from "./context.ts";
import type { Exchanger, RefreshOutcome } from "./exchanger.ts";
import type { Urgency } from "./gate.ts";
import { idInKey, refKey, resolveGrant } from "./resolve.ts";
import { openAccessToken } from "./sealed-grant.ts";
import { clientMisconfigured, providerUnavailable } from "./provider-trouble.ts";

export interface GetAccessTokenOptions {
  /** How long the token must still live, seconds; 60 by default. One that lives shorter is refreshed first. */
  readonly minTtlSeconds?: number;
  /** Ends the wait; a refresh that is under way goes on, for whoever asks next. */
  readonly signal?: AbortSignal;
}

/** Tokens and references kept in memory; the oldest go first. */
const memoryLimit = 50_000;
/** Refreshes in a row that may turn out to be somebody else's before the caller is told to come back. */
const rounds = 5;

/** Which grant it is, and whose. */
type Identity = Pick<GrantRow, "grantId" | "provider" | "clientId" | "issuer">;

interface Remembered extends Identity {
  readonly token: AccessToken;
  readonly generation: number;
  readonly expiresAt: number;
  readonly refreshAt: number;
  /** Whether it was handed out since it came: only what is in use is refreshed ahead. */
  used: boolean;
}

/** Hands out valid access tokens: from memory, from the store, or by a refresh that all who wait share. */
export class Access {
  readonly #context: VaultContext;
  readonly #exchanger: Exchanger;
  readonly #flights = new SingleFlight<string, RefreshOutcome>();
  readonly #tokens = new Map<string, Remembered>();
  readonly #grantIds = new Map<string, string>();
  /** How often anything was forgotten. */
  #epoch = 0;
  /** The epoch in which the reading of a row began. */
  readonly #epochOf = new WeakMap<GrantRow, number>();

  constructor(context: VaultContext, exchanger: Exchanger) {
    this.#context = context;
    this.#exchanger = exchanger;
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
    return this.#known(refKey(ref), 0) ?? (await resolveGrant(this.#context, ref));
  }

  /**
   * Refreshes tokens that are in use, before they end and without anybody waiting for it. A failure is told by an
   * event, and comes round again.
   */
  refreshAhead(): void {
    const now = this.#context.clock.now();
    for (const known of this.#tokens.values()) {
      if (!known.used || known.refreshAt > now) continue;
      // One try for what memory holds now: a failed one is tried again when the token is next looked up.
      known.used = false;
      this.#refresh(known, "sweep").catch(() => undefined);
    }
  }

  async get(ref: GrantRef, { minTtlSeconds = 60, signal }: GetAccessTokenOptions): Promise<AccessToken> {
    const key = refKey(ref);
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
    if (current !== undefined && current.expose() !== refused.token) return this.#remember(refKey(row.grantId), row);
    if (row.refreshSealed === null) return this.#reauthorize(row, "no_refresh_token");
    const outcome = await waitFor(this.#refresh(row), signal);
    return this.#after(outcome, row, refKey(row.grantId), signal);
  }

  /** Forgets grants that have changed in the store. */
  forget(grantIds: readonly string[]): void {
    this.#epoch += 1;
    for (const grantId of grantIds) this.#tokens.delete(grantId);
    // A reference may now fit another grant, or several: all of them are looked up again.
    this.#grantIds.clear();
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
    if (last !== undefined) this.#keepUnlessStale(key, last, row);
    const outcome = await waitFor(this.#refresh(row), signal);
    return this.#after(outcome, row, key, signal);
  }

  #known(key: string, minTtlMs: number): Remembered | undefined {
    // A grant's own id leads to it whatever else has changed, also while nothing can be looked up.
    const known = this.#tokens.get(idInKey(key) ?? this.#grantIds.get(key) ?? "");
    return known !== undefined && isFresh(known.expiresAt, this.#context.clock.now(), minTtlMs) ? known : undefined;
  }

  async #read(ref: GrantRef): Promise<GrantRow> {
    const epoch = this.#epoch;
    const row = await resolveGrant(this.#context, ref);
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
      this.#keep(key, token, before);
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
    urgency: Urgency = "caller",
  ): Promise<RefreshOutcome> {
    // A caller does not join a sweep's flight: it would wait behind all other sweeps.
    return this.#flights.do(`${urgency} ${grantId}`, () => this.#exchanger.refresh(grantId, generation, urgency));
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
    this.#keepUnlessStale(key, token, row);
    return token;
  }

  /** What was read before a change that has been noticed since may be revoked: it is good for one answer, and no more. */
  #keepUnlessStale(key: string, token: AccessToken, row: GrantRow): void {
    if (this.#epochOf.get(row) === this.#epoch) this.#keep(key, token, row);
  }

  #keep(key: string, token: AccessToken, row: GrantRow): void {
    const { grantId, generation, provider, clientId, issuer, accessIssuedAt } = row;
    const expiresAt = token.expiresAt.getTime();
    const refreshAt = refreshAheadAt(accessIssuedAt ?? expiresAt, expiresAt, this.#context.random());
    const identity = { grantId, provider, clientId, issuer };
    remember(this.#tokens, grantId, { ...identity, token, generation, expiresAt, refreshAt, used: true });
    remember(this.#grantIds, key, grantId);
  }

  #assertUsable(row: GrantRow): void {
    if (isUsable(row.state)) return;
    // Known from now on: what memory still holds is dead, and must not be handed out until the change is noticed.
    this.#tokens.delete(row.grantId);
    this.#reauthorize(row, row.reason ?? "revoked");
  }

  #reauthorize(row: GrantRow, reason: LapseReason): never {
    const ended = Math.min(row.accessExpiresAt ?? row.stateSince, this.#context.clock.now());
    const since = new Date(reason === "no_refresh_token" ? ended : row.stateSince);
    throw new OnbehalfError(
      "reauthorization_required",
      `the person must consent again: ${explain[reason]}, since ${since.toISOString()}`,
      {
        hint:
          reason === "no_refresh_token"
            ? protocolOf(this.#context, row).provider.offlineHint
            : "let the person sign in again; no retry helps",
        details: { grantId: row.grantId, since, reason },
      },
    );
  }

  #unavailable(row: GrantRow, error: string, retryAfterMs: number): never {
    const { provider, issuer } = row;
    throw providerUnavailable(`${provider} gave no new token`, error, "the grant is as it was", {
      issuer,
      retryAfterMs,
    });
  }
}

const explain: Readonly<Record<LapseReason, string>> = {
  invalid_grant: "the provider says the refresh token was revoked or has expired",
  reauthentication_required: "the organisation's session policy asks for a new sign-in",
  admin_policy_enforced: "an administrator restricted what was granted",
  no_refresh_token: "there never was a refresh token, and the access token has ended",
  crash_ambiguous_rotation:
    "the provider replaced the refresh token, and the replacement was lost in a crash or on its way",
  revoked: "the grant was revoked here",
};

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= memoryLimit) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
