/**
 * Access tokens of a service's grants: from memory while they are good, asked for in the background before they end, and by one
 * request that all who wait share.
 */
import type { Clock } from "../core/clock.ts";
import { invalidRequest, isOnbehalfError } from "../core/errors.ts";
import type { OnbehalfError } from "../core/errors.ts";
import { scopesOf } from "../core/grant.ts";
import type { GrantRef } from "../core/grant.ts";
import { Secret } from "../core/secret.ts";
import { SingleFlight, waitFor } from "../core/single-flight.ts";
import { unknownEndAgeMs } from "../core/token-life.ts";
import type { GetAccessTokenOptions } from "../index.ts";
import { cacheKey } from "../vault/tokens/references.ts";
import { AccessToken } from "../vault/tokens/token-cache.ts";
import type { Moment, Stopwatch } from "./elapsed.ts";
import type { KeptToken, KeptTokens } from "./kept-tokens.ts";
import { Members, Misread } from "./members.ts";
import type { Answered } from "./members.ts";
import { grantPath } from "./paths.ts";
import { didNotAnswer } from "./service-line.ts";
import type { ServiceLine } from "./service-line.ts";

/** How long a caller that could be given a living token waits for one that lives as long as it asked, milliseconds. */
const livingWaitMs = 3_000;
/** How long the service is left alone in the background after it did not answer, milliseconds. */
const leftAloneMs = 1_000;
/** How soon a token is asked for again in the background where that brought the same one, milliseconds, and at most. */
const sameAgainMs = { least: 1_000, most: 60_000 };
/** What the service takes at most, seconds. */
const longestMinTtlSeconds = 86_400;

/** How requests for tokens are sent. */
export interface TokenLimits {
  readonly timeoutMs: number;
  readonly patienceMs: number;
  readonly maxAgeMs: number;
}

/** Gives access tokens of a service's grants. */
export class RemoteTokens {
  readonly #line: ServiceLine;
  readonly #kept: KeptTokens;
  readonly #clock: Clock;
  readonly #stopwatch: Stopwatch;
  readonly #limits: TokenLimits;
  readonly #flights = new SingleFlight<string, AccessToken>();
  /** When the service last failed to answer. */
  #failedAt: Moment | undefined;

  constructor(line: ServiceLine, kept: KeptTokens, clock: Clock, stopwatch: Stopwatch, limits: TokenLimits) {
    this.#line = line;
    this.#kept = kept;
    this.#clock = clock;
    this.#stopwatch = stopwatch;
    this.#limits = limits;
  }

  /** The token that {@link get} would give from memory. It waits for nothing. */
  peek(ref: GrantRef, minTtlSeconds: number = 60): AccessToken | undefined {
    const key = cacheKey(ref);
    const kept = this.#kept.fresh(key, minTtlSeconds * 1_000);
    if (kept === undefined) return undefined;
    if (this.#stopwatch.since(kept.askedAt) >= kept.askAgainAfterMs) this.#askAhead(ref, key, kept, minTtlSeconds);
    return kept.token;
  }

  /** See `RemoteVault.getAccessToken`. */
  async get(ref: GrantRef, options: GetAccessTokenOptions = {}): Promise<AccessToken> {
    const { minTtlSeconds = 60, refused, signal } = options;
    if (refused !== undefined) return this.#getAnother(ref, refused.toLowerCase(), minTtlSeconds, signal);
    const known = this.peek(ref, minTtlSeconds);
    if (known !== undefined) return known;
    signal?.throwIfAborted();
    const key = cacheKey(ref);
    if (this.#kept.living(key) !== undefined) return this.#getLonger(ref, key, minTtlSeconds, signal);
    return waitFor(this.#ask(ref, key, { minTtlSeconds }, this.#limits.patienceMs), signal);
  }

  /** A token that lives for a shorter time than was asked is better than an error, and than a long wait. */
  async #getLonger(
    ref: GrantRef,
    key: string,
    minTtlSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<AccessToken> {
    const asked = this.#isLeftAlone ? undefined : this.#ask(ref, key, { minTtlSeconds }, 0);
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error("a living token is there")), livingWaitMs);
    try {
      const longer = asked === undefined ? undefined : await waitFor(waitFor(asked, limit.signal), signal);
      if (longer !== undefined) return longer;
    } catch (error) {
      signal?.throwIfAborted();
      if (isOnbehalfError(error) && !isFault(error)) throw error;
      // It hangs: the next reader shall not wait as long.
      if (limit.signal.aborted) this.#failedAt = this.#stopwatch.now();
    } finally {
      clearTimeout(timer);
    }
    // It may have ended, or been replaced, meanwhile.
    const living = this.#kept.living(key)?.token;
    if (living !== undefined) return living;
    return waitFor(this.#ask(ref, key, { minTtlSeconds }, this.#limits.patienceMs), signal);
  }

  /** A token other than the one that an API has refused. */
  async #getAnother(
    ref: GrantRef,
    refused: string,
    minTtlSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<AccessToken> {
    if (!/^[\da-f]{64}$/.test(refused)) {
      throw invalidRequest(
        "refused must be the SHA-256 of a token, in hex",
        "give the 64 hex digits of the SHA-256 of the token that the API refused",
        "refused",
      );
    }
    signal?.throwIfAborted();
    const key = cacheKey(ref);
    const kept = await this.#keptUnless(key, refused);
    // Somebody else was refused with the same one, and has the next.
    if (kept !== undefined && this.#kept.fresh(key, minTtlSeconds * 1_000) === kept) return kept.token;
    const next = await waitFor(this.#ask(ref, key, { minTtlSeconds, refused }, this.#limits.patienceMs), signal);
    if ((await digestOf(next.token)) !== refused) return next;
    this.#kept.forgetGrant(next.grantId);
    throw didNotAnswer("it gave the token again that was refused", 0);
  }

  /** The token that is kept now, where it is another one; the refused one is forgotten. */
  async #keptUnless(key: string, refused: string): Promise<KeptToken | undefined> {
    for (;;) {
      const kept = this.#kept.living(key);
      if (kept === undefined) return undefined;
      const digest = await digestOf(kept.token.token);
      // Another one has come meanwhile: it must not be forgotten in the place of the refused one.
      if (this.#kept.living(key) !== kept) continue;
      if (digest !== refused) return kept;
      this.#kept.forgetGrant(kept.token.grantId);
      return undefined;
    }
  }

  /** Forgets a grant's tokens: they have ended. */
  forgetGrant(grantId: string): void {
    this.#kept.forgetGrant(grantId);
  }

  /** Forgets everything. */
  forgetAll(): void {
    this.#kept.clear();
  }

  /** Forgets what a reference meant. */
  forget(ref: GrantRef): void {
    this.#kept.forget(cacheKey(ref));
  }

  get #isLeftAlone(): boolean {
    return this.#failedAt !== undefined && this.#stopwatch.since(this.#failedAt) < leftAloneMs;
  }

  /** Asks for the next token in the background, once at a time. */
  #askAhead(ref: GrantRef, key: string, kept: KeptToken, minTtlSeconds: number): void {
    if (this.#isLeftAlone) return;
    const age = this.#stopwatch.since(kept.askedAt);
    const leftMs = (kept.endsAfterMs ?? age + sameAgainMs.most) - age;
    kept.askAgainAfterMs = age + Math.min(sameAgainMs.most, Math.max(sameAgainMs.least, leftMs / 8));
    const work = this.#ask(ref, key, { minTtlSeconds }, 0);
    // Why it failed is said to whoever asks next, if it still fails then.
    void work.catch(() => undefined);
  }

  #ask(
    ref: GrantRef,
    key: string,
    { minTtlSeconds, refused }: { readonly minTtlSeconds: number; readonly refused?: string },
    patienceMs: number,
  ): Promise<AccessToken> {
    const min = Math.min(longestMinTtlSeconds, Math.ceil(minTtlSeconds));
    const flight = `${patienceMs} ${min} ${refused ?? ""}\n${key}`;
    return this.#flights.do(flight, async () => {
      const { version } = this.#kept;
      const query = { min_ttl_seconds: min === 60 ? undefined : String(min), refused };
      const request = { method: "GET", path: grantPath(ref, "/token", query) } as const;
      try {
        const sending = { timeoutMs: this.#limits.timeoutMs, patienceMs };
        const kept = await this.#line.ask(request, (answer) => this.#keptOf(answer, ref), sending);
        this.#failedAt = undefined;
        this.#keep(key, kept, version);
        return kept.token;
      } catch (error) {
        if (!isOnbehalfError(error)) throw error;
        if (error.code === "service_unavailable") this.#failedAt = this.#stopwatch.now();
        // The service's word about the grant, or about us, ends what was kept.
        if (!isFault(error)) this.#kept.forget(key);
        throw error;
      }
    });
  }

  #keep(key: string, kept: KeptToken, version: number): void {
    const before = this.#kept.living(key);
    // The same token again: the next one is not there yet. To ask at once would be to ask in a circle.
    if (before?.token.token === kept.token.token) kept.askAgainAfterMs = this.#notBefore(before, kept);
    this.#kept.keep(key, kept, version);
  }

  #notBefore(before: KeptToken, kept: KeptToken): number {
    const waitMs = before.askAgainAfterMs - this.#stopwatch.since(before.askedAt);
    return Math.max(kept.askAgainAfterMs, this.#stopwatch.since(kept.askedAt) + Math.max(0, waitMs));
  }

  /** @throws {Misread} it is no token of this grant */
  #keptOf({ body, headers, sent }: Answered, ref: GrantRef): KeptToken {
    const members = new Members(body);
    if (members.text("token_type").toLowerCase() !== "bearer") throw new Misread("its token is of an unknown type");
    const grantId = members.text("grant_id");
    const meant = typeof ref === "string" ? ref : "grantId" in ref ? ref.grantId : undefined;
    const provider = members.text("provider");
    const named = typeof ref === "object" && !("grantId" in ref) ? ref.provider : undefined;
    if ((meant ?? grantId) !== grantId || (named ?? provider) !== provider) {
      throw new Misread("its answer is about another grant than the one that was asked for");
    }
    const token = members.text("access_token");
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Misread("its token cannot be sent");
    const secondsLeft = members.numberOr("expires_in");
    const endsAfterMs = secondsLeft === undefined ? undefined : Math.max(0, secondsLeft * 1_000);
    const now = this.#clock.now();
    const issue = { provider, generation: members.number("generation"), issuedAt: sent.at };
    // By the clock of this machine, which may differ from the service's.
    const expiresAt = endsAfterMs === undefined ? undefined : sent.at + endsAfterMs;
    return {
      token: new AccessToken(grantId, new Secret(token), expiresAt, scopesOf(members.text("scope")), issue),
      askedAt: sent,
      endsAfterMs,
      askAgainAfterMs: askAgainAfterMs(members, endsAfterMs, headers, now),
      staleAfterMs: this.#limits.maxAgeMs,
      used: true,
    };
  }
}

/**
 * How long after its request a token is asked for again. The service names a time by its own clock, and only its distance from
 * another time of the same clock means anything here.
 */
function askAgainAfterMs(members: Members, endsAfterMs: number | undefined, headers: Headers, now: number): number {
  const at = members.timeOr("refresh_at")?.getTime();
  const endsAt = members.numberOr("expires_at");
  if (endsAfterMs === undefined) {
    const theirs = Date.parse(headers.get("date") ?? "");
    const afterMs = at === undefined ? unknownEndAgeMs : at - (Number.isNaN(theirs) ? now : theirs);
    return Math.min(unknownEndAgeMs, Math.max(0, afterMs));
  }
  const leftThenMs = at === undefined || endsAt === undefined ? endsAfterMs * 0.15 : endsAt * 1_000 - at;
  return Math.min(endsAfterMs, Math.max(0, endsAfterMs - leftThenMs));
}

/** Whether an error is about the moment and not about the grant, the caller or the request: then a living token is still good. */
function isFault({ status }: OnbehalfError): boolean {
  return status >= 500;
}

/** The SHA-256 of a token, in hex: by it a refused one is named. */
export async function digestOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
