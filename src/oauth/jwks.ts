import { errors } from "jose";
import type { JWTVerifyGetKey } from "jose";
import type { Clock } from "../core/clock.ts";
import { OnbehalfError } from "../core/errors.ts";
import { remainingMs } from "../core/recorded-time.ts";
import { SingleFlight } from "../core/single-flight.ts";
import { boundedRequest } from "./bounded-fetch.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";
import { usableKeys } from "./usable-keys.ts";

/**
 * An unknown `kid` causes one fetch within this time at most, milliseconds. Otherwise a flood of forged tokens would
 * make us flood the provider.
 */
const refetchEveryMs = 30_000;
const defaultLifeMs = 300_000;
const longestLifeMs = 86_400_000;

/**
 * A provider's published keys, kept as long as `Cache-Control` says. While the provider is down, keys that are older
 * than that are still used: they are the right ones unless the provider has rotated, and then verifying merely fails.
 *
 * An unknown `kid` counts against a token only where the keys were read after the token came. Where the keys cannot be
 * read or used, that is not the token's fault: the error is `provider_unavailable`, and nothing is known of the token.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7517#section-5
 */
export class Jwks {
  readonly #uri: string;
  readonly #issuer: string;
  readonly #http: BoundedFetch;
  readonly #clock: Clock;
  readonly #flight = new SingleFlight<"fetch", boolean>();
  #keys: ReturnType<typeof usableKeys>;
  #freshUntil = 0;
  /** When `#freshUntil` was set. */
  #freshSince = 0;
  #refetchAt = 0;

  constructor(uri: string, issuer: string, http: BoundedFetch, clock: Clock) {
    this.#uri = uri;
    this.#issuer = issuer;
    this.#http = http;
    this.#clock = clock;
  }

  /**
   * For jose's `jwtVerify`: finds the key that a token's header names.
   *
   * @throws jose's errors, where the keys are known and none of them, or more than one, fits the token
   * @throws {OnbehalfError} `provider_unavailable`: the keys cannot be read or used just now
   */
  readonly getKey: JWTVerifyGetKey = async (header, token) => {
    const read = !this.#isFresh() && (await this.#fetch());
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (read || !(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await this.#refetch();
    return this.#find(header, token);
  };

  /**
   * The same among the keys that are in memory: nothing is fetched.
   *
   * @throws {OnbehalfError} `provider_unavailable`: they are older than they may be, or there are none yet
   */
  readonly getKeyAtHand: JWTVerifyGetKey = async (header, token) => {
    if (!this.#isFresh()) throw this.#unavailable("are not at hand");
    return this.#find(header, token);
  };

  #isFresh(): boolean {
    const now = this.#clock.now();
    const [since, until] = [this.#freshSince, this.#freshUntil];
    // Outside of the time that they were read for, the clock may have been wrong.
    return (since <= now && now < until) || remainingMs(until, since, now) > 0;
  }

  async #find(...args: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    if (this.#keys === undefined) throw this.#unavailable("cannot be fetched");
    try {
      return await this.#keys(...args);
    } catch (error) {
      const aboutTheToken =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
      throw aboutTheToken ? error : this.#unavailable("cannot be used");
    }
  }

  /** Reads the keys again for a `kid` that is not among them: the provider may have rotated. */
  async #refetch(): Promise<void> {
    const waitMs = remainingMs(this.#refetchAt, this.#refetchAt - refetchEveryMs, this.#clock.now());
    if (waitMs > 0 && this.#flight.size === 0) throw this.#unavailable("are not fetched again yet", waitMs);
    this.#refetchAt = this.#clock.now() + refetchEveryMs;
    if (!(await this.#fetch())) throw this.#unavailable("cannot be fetched");
  }

  /** Reads the keys, or waits for a caller that is reading them. Returns whether they were read. */
  #fetch(): Promise<boolean> {
    return this.#flight.do("fetch", async () => {
      const result = await boundedRequest(this.#http, (signal) =>
        this.#http.fetch(this.#uri, { signal, redirect: "error", headers: { accept: "application/json" } }),
      );
      const keys = result.kind === "body" && result.status === 200 ? usableKeys(result.text) : undefined;
      if (keys === undefined || result.kind !== "body") {
        // Use the keys at hand for a moment more: otherwise every sign-in would wait for a timeout.
        this.#refetchAt = this.#clock.now() + refetchEveryMs;
        if (this.#keys !== undefined) this.#useUntil(this.#refetchAt);
        return false;
      }
      this.#keys = keys;
      this.#useUntil(this.#clock.now() + lifeMs(result.headers.get("cache-control")));
      return true;
    });
  }

  #useUntil(at: number): void {
    this.#freshUntil = at;
    this.#freshSince = this.#clock.now();
  }

  #unavailable(what: string, retryAfterMs = 5_000): OnbehalfError<"provider_unavailable"> {
    return new OnbehalfError("provider_unavailable", `the keys of ${this.#issuer} ${what}`, {
      hint: "try again shortly; nothing was lost",
      details: { issuer: this.#issuer, retryAfterMs },
    });
  }
}

/** How long the keys are kept: at least 30 seconds, because `max-age=0` would make every sign-in fetch them. */
function lifeMs(cacheControl: string | null): number {
  const seconds = /(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl ?? "")?.[1];
  const ms = seconds === undefined ? defaultLifeMs : Number(seconds) * 1000;
  return Math.min(Math.max(ms, refetchEveryMs), longestLifeMs);
}
