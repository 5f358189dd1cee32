import { createLocalJWKSet, errors } from "jose";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { Clock } from "../core/clock.ts";
import { OnbehalfError } from "../core/errors.ts";
import { SingleFlight } from "../core/single-flight.ts";
import { parseObject, boundedRequest } from "./bounded-fetch.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";

/** An unknown `kid` may cause a fetch this often at most: a flood of forged tokens must not become our flood. */
const refetchEveryMs = 30_000;
const defaultLifeMs = 300_000;
const longestLifeMs = 86_400_000;

/**
 * A provider's published keys, kept as long as `Cache-Control` says.
 * While the provider is down, keys that are past their time go on being used: they verified yesterday's tokens, and a
 * rotated key would merely fail.
 *
 * An unknown `kid` counts against a token only where the keys were read after the token came. Whatever keeps us from
 * reading them, or from making sense of them, is no fault of the token's: `provider_unavailable`, nothing is known.
 *
 * @see RFC 7517 section 5
 */
export class Jwks {
  readonly #uri: string;
  readonly #issuer: string;
  readonly #http: BoundedFetch;
  readonly #clock: Clock;
  readonly #flight = new SingleFlight<"fetch", boolean>();
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #freshUntil = 0;
  #refetchAt = 0;

  constructor(uri: string, issuer: string, http: BoundedFetch, clock: Clock) {
    this.#uri = uri;
    this.#issuer = issuer;
    this.#http = http;
    this.#clock = clock;
  }

  /** For jose's `jwtVerify`: finds the key that a token's header names. */
  readonly getKey: JWTVerifyGetKey = async (header, token) => {
    const read = this.#clock.now() >= this.#freshUntil && (await this.#fetch());
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (read || !(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await this.#refetch();
    return this.#find(header, token);
  };

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
    const waitMs = this.#refetchAt - this.#clock.now();
    if (waitMs > 0 && this.#flight.size === 0) throw this.#unavailable("are not asked for again yet", waitMs);
    this.#refetchAt = this.#clock.now() + refetchEveryMs;
    if (!(await this.#fetch())) throw this.#unavailable("cannot be fetched");
  }

  /** Reads the keys, or waits for whoever does; whether there are new ones. */
  #fetch(): Promise<boolean> {
    return this.#flight.do("fetch", async () => {
      const result = await boundedRequest(this.#http, (signal) =>
        this.#http.fetch(this.#uri, { signal, redirect: "error", headers: { accept: "application/json" } }),
      );
      const keys = result.kind === "body" && result.status === 200 ? keySetOf(result.text) : undefined;
      if (keys === undefined || result.kind !== "body") {
        // Waiting out a timeout for every sign-in would stop them all; the keys at hand are good for a moment more.
        this.#refetchAt = this.#clock.now() + refetchEveryMs;
        if (this.#keys !== undefined) this.#freshUntil = Math.max(this.#freshUntil, this.#refetchAt);
        return false;
      }
      this.#keys = keys;
      this.#freshUntil = this.#clock.now() + lifeMs(result.headers.get("cache-control"));
      return true;
    });
  }

  #unavailable(what: string, retryAfterMs = 5_000): OnbehalfError<"provider_unavailable"> {
    return new OnbehalfError("provider_unavailable", `the keys of ${this.#issuer} ${what}`, {
      hint: "nothing was lost; try again shortly",
      details: { issuer: this.#issuer, retryAfterMs },
    });
  }
}

/** Undefined for what is no key set, and for an empty one: an outage, for no provider signs without a key. */
function keySetOf(text: string): ReturnType<typeof createLocalJWKSet> | undefined {
  const body = parseObject(text);
  if (!Array.isArray(body?.["keys"]) || body["keys"].length === 0) return undefined;
  try {
    return createLocalJWKSet(body as unknown as JSONWebKeySet);
  } catch {
    return undefined;
  }
}

/** Never less than a refetch may follow another: `max-age=0` would make every sign-in a fetch. */
function lifeMs(cacheControl: string | null): number {
  const seconds = /(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl ?? "")?.[1];
  const ms = seconds === undefined ? defaultLifeMs : Number(seconds) * 1000;
  return Math.min(Math.max(ms, refetchEveryMs), longestLifeMs);
}
