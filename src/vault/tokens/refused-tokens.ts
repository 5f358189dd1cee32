import type { Clock } from "../../core/clock.ts";
import { remainingMs } from "../../core/recorded-time.ts";
import type { AccessToken } from "./token-cache.ts";

/** How long the first new token that is refused as well holds back the next refresh, milliseconds. It doubles each time. */
const firstDelayMs = 30_000;
const longestDelayMs = 3_600_000;
/** How long a new token must have been good for, milliseconds, to count as one that the API has taken. */
const provenMs = 600_000;
/** How many grants and hosts are remembered. Those that were refused longest ago are forgotten first. */
const limit = 10_000;

/** What comes in place of a token that an API has refused. */
export type Replacement =
  | { readonly kind: "token"; readonly token: AccessToken }
  /** The grant holds that token, and nothing to get another one with. */
  | { readonly kind: "none"; readonly token?: undefined }
  /** New tokens were refused as well. None is asked for before this time has passed, milliseconds. */
  | { readonly kind: "wait"; readonly waitMs: number; readonly token?: undefined };

interface Refused {
  /** Digest of the token that replaced a refused one. */
  readonly replacedBy: string;
  readonly replacedAt: number;
  /** How many replacements in a row were refused, too. */
  readonly failures: number;
  /** When the last of them was. */
  readonly refusedAt: number;
  /** Whether `replacedBy` is the last of them. */
  readonly isCounted: boolean;
}

/**
 * What is known of APIs that refuse tokens. A token that is refused is replaced by a refresh. An API that refuses the
 * new one as well, because the person may not use it or it is broken, would cost a refresh for each call: so each
 * further refresh for it waits, ever longer. That other calls to the same host succeed does not end the wait: the person
 * may have the one right and not the other. Kept in memory, for each grant and host.
 */
export class RefusedTokens {
  readonly #clock: Clock;
  readonly #refused = new Map<string, Refused>();
  /** Of each grant, the token that replaced a refused one last, whichever host had refused that. */
  readonly #newest = new Map<string, { readonly token: string; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A host has refused a token of a grant.
   *
   * @param token its digest
   * @returns how long no refresh may be made for this, milliseconds; 0: one may
   */
  refused(grantId: string, host: string, token: string): number {
    const key = keyOf(grantId, host);
    const known = this.#refused.get(key);
    const now = this.#clock.now();
    if (known === undefined) return this.#untilReplaceable(grantId, token, now);
    const delayMs = delayOf(known.failures);
    if (!known.isCounted && known.replacedBy === token) {
      // It was refused after it had been good for long: it has ended by itself, like any token.
      if (Math.abs(now - known.replacedAt) > Math.max(provenMs, 2 * delayMs)) {
        this.#refused.delete(key);
        return 0;
      }
      const failures = known.failures + 1;
      this.#refused.set(key, { ...known, failures, refusedAt: now, isCounted: true });
      return delayOf(failures);
    }
    return remainingMs(known.refusedAt + delayMs, known.refusedAt, now);
  }

  /**
   * A refused token was replaced.
   *
   * @param token the digest of the new one
   */
  replaced(grantId: string, host: string, token: string): void {
    const key = keyOf(grantId, host);
    const { failures = 0, refusedAt = 0 } = this.#refused.get(key) ?? {};
    this.#refused.delete(key);
    this.#refused.set(key, {
      replacedBy: token,
      replacedAt: this.#clock.now(),
      failures,
      refusedAt,
      isCounted: false,
    });
    this.#newest.delete(grantId);
    this.#newest.set(grantId, { token, at: this.#clock.now() });
    for (const each of [this.#refused, this.#newest]) {
      const [oldest] = each.keys();
      if (each.size > limit && oldest !== undefined) each.delete(oldest);
    }
  }

  /**
   * A token that has just replaced another one is no better replaced: the next host refuses it for another reason than its
   * age. Otherwise a person whom many hosts refuse would cost a refresh for each of them, as often as somebody calls all.
   */
  #untilReplaceable(grantId: string, token: string, now: number): number {
    const newest = this.#newest.get(grantId);
    return newest?.token === token ? remainingMs(newest.at + firstDelayMs, newest.at, now) : 0;
  }
}

function delayOf(failures: number): number {
  return failures === 0 ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1));
}

function keyOf(grantId: string, host: string): string {
  return `${grantId}\n${host}`;
}
