/**
 * Access tokens that the service gave, by the reference that they were asked for with, and how long each is handed out. Who asks
 * for the next one, and when, does not belong here.
 */
import type { AccessToken } from "../vault/tokens/token-cache.ts";
import { isFresh, isLiving } from "../core/token-life.ts";
import type { TokenLife } from "../core/token-life.ts";
import type { Moment, Stopwatch } from "./elapsed.ts";

/** A token as it came. Durations are from the moment at which it was asked for, milliseconds. */
export interface KeptToken {
  readonly token: AccessToken;
  readonly askedAt: Moment;
  /** Undefined: nobody knows when it ends. */
  readonly endsAfterMs: number | undefined;
  /** When the next one is asked for in the background. Moves where that brought no other. */
  askAgainAfterMs: number;
  /** When it must be asked for whatever its life. */
  readonly staleAfterMs: number;
  /** Whether it was handed out since the last time something had to go. */
  used: boolean;
}

/** How many kept tokens in use are passed over to find one that is not. */
const passedOver = 8;

/** How many grants are remembered as forgotten, for requests that were under way at the time. */
const forgottenLimit = 10_000;

/** Tokens by reference; bounded. */
export class KeptTokens {
  readonly #stopwatch: Stopwatch;
  readonly #limit: number;
  readonly #tokens = new Map<string, KeptToken>();
  readonly #keys = new Map<string, Set<string>>();
  readonly #forgotten = new Map<string, number>();
  /** Of what was forgotten up to this version, nothing is known any more. */
  #floor = 0;
  #version = 0;

  constructor(stopwatch: Stopwatch, limit: number) {
    this.#stopwatch = stopwatch;
    this.#limit = limit;
  }

  /** Read it before a token is asked for, and pass it to {@link keep}. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** A token that is handed out as it is. */
  fresh(key: string, minTtlMs: number): KeptToken | undefined {
    const kept = this.#tokens.get(key);
    if (kept === undefined) return undefined;
    const age = this.#stopwatch.since(kept.askedAt);
    if (age >= kept.staleAfterMs || !isFresh(lifeOf(kept), age, minTtlMs)) return undefined;
    kept.used = true;
    return kept;
  }

  /** A token that has not ended. */
  living(key: string): KeptToken | undefined {
    const kept = this.#tokens.get(key);
    return kept !== undefined && isLiving(lifeOf(kept), this.#stopwatch.since(kept.askedAt)) ? kept : undefined;
  }

  /**
   * Keeps a token, unless its grant was forgotten since `version`, or a newer one is kept: answers may overtake each other.
   *
   * @param version what {@link version} was before it was asked for
   */
  keep(key: string, kept: KeptToken, version: number): void {
    const { grantId, issue } = kept.token;
    if (version < this.#floor || (this.#forgotten.get(grantId) ?? 0) > version) return;
    const before = this.living(key)?.token;
    if (before?.grantId === grantId && before.issue.generation > issue.generation) return;
    this.#drop(key);
    this.#tokens.set(key, kept);
    let keys = this.#keys.get(grantId);
    if (keys === undefined) this.#keys.set(grantId, (keys = new Set()));
    keys.add(key);
    if (this.#tokens.size > this.#limit) this.#dropOldest();
  }

  /** Forgets what a reference meant. */
  forget(key: string): void {
    const kept = this.#tokens.get(key);
    if (kept !== undefined) this.forgetGrant(kept.token.grantId);
  }

  /** Forgets a grant's tokens, by whatever reference they were asked for, and those that are on their way. */
  forgetGrant(grantId: string): void {
    this.#version += 1;
    this.#forgotten.delete(grantId);
    this.#forgotten.set(grantId, this.#version);
    const [oldest] = this.#forgotten;
    if (this.#forgotten.size > forgottenLimit && oldest !== undefined) {
      this.#forgotten.delete(oldest[0]);
      this.#floor = oldest[1];
    }
    for (const key of this.#keys.get(grantId) ?? []) this.#drop(key);
  }

  /** Forgets everything, and all that is on its way. */
  clear(): void {
    this.#version += 1;
    this.#floor = this.#version;
    this.#tokens.clear();
    this.#keys.clear();
  }

  #drop(key: string): void {
    const kept = this.#tokens.get(key);
    if (kept === undefined) return;
    this.#tokens.delete(key);
    const keys = this.#keys.get(kept.token.grantId);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(kept.token.grantId);
  }

  #dropOldest(): void {
    for (let tries = 0; ; tries += 1) {
      const [oldest] = this.#tokens;
      if (oldest === undefined) return;
      const [key, kept] = oldest;
      if (!kept.used || tries === passedOver) return this.#drop(key);
      kept.used = false;
      this.#tokens.delete(key);
      this.#tokens.set(key, kept);
    }
  }
}

/** Its life on a time line that begins when it was asked for. */
function lifeOf({ endsAfterMs }: KeptToken): TokenLife {
  // Where nobody knows its end, the service says when to ask again.
  return { issuedAt: 0, expiresAt: endsAfterMs ?? null, isRefreshable: false };
}
