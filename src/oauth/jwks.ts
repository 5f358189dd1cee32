import { createLocalJWKSet, errors } from "jose";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { Clock } from "../clock.ts";
import { OnbehalfError } from "../errors.ts";
import { SingleFlight } from "../single-flight.ts";
import { parseObject, receive } from "./wire.ts";
import type { Wire } from "./wire.ts";

/** An unknown `kid` may cause a fetch this often at most: a flood of forged tokens must not become our flood. */
const refetchEveryMs = 30_000;
const defaultLifeMs = 300_000;
const longestLifeMs = 86_400_000;

/**
 * A provider's published keys, kept as long as `Cache-Control` says.
 * While the provider is down, keys that are past their time go on being used: they verified yesterday's tokens, and a
 * rotated key would merely fail.
 *
 * @see RFC 7517 section 5
 */
export class Jwks {
  readonly #uri: string;
  readonly #issuer: string;
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #flight = new SingleFlight<"fetch", void>();
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #freshUntil = 0;
  #fetchedAt = Number.NEGATIVE_INFINITY;

  constructor(uri: string, issuer: string, wire: Wire, clock: Clock) {
    this.#uri = uri;
    this.#issuer = issuer;
    this.#wire = wire;
    this.#clock = clock;
  }

  /** For jose's `jwtVerify`: finds the key that a token's header names. */
  readonly getKey: JWTVerifyGetKey = async (header, token) => {
    if (this.#clock.now() >= this.#freshUntil) await this.#fetch();
    try {
      return await this.#resolve(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (this.#clock.now() - this.#fetchedAt < refetchEveryMs) throw error;
      await this.#fetch();
      return await this.#resolve(header, token);
    }
  };

  #resolve(...args: Parameters<JWTVerifyGetKey>): ReturnType<JWTVerifyGetKey> {
    if (this.#keys === undefined) {
      throw new OnbehalfError("provider_unavailable", `the keys of ${this.#issuer} cannot be fetched`, {
        hint: "nothing was lost; try again shortly",
        details: { issuer: this.#issuer, retryAfterMs: 5_000 },
      });
    }
    return this.#keys(...args);
  }

  #fetch(): Promise<void> {
    return this.#flight.do("fetch", async () => {
      const received = await receive(this.#wire, (signal) =>
        this.#wire.fetch(this.#uri, { signal, redirect: "error", headers: { accept: "application/json" } }),
      );
      const keys = received.kind === "body" && received.status === 200 ? keySetOf(received.text) : undefined;
      if (keys === undefined || received.kind !== "body") {
        // Waiting out a timeout for every sign-in would stop them all; the keys at hand are good for a moment more.
        if (this.#keys !== undefined) this.#freshUntil = this.#clock.now() + refetchEveryMs;
        return;
      }
      this.#keys = createLocalJWKSet(keys);
      this.#fetchedAt = this.#clock.now();
      this.#freshUntil = this.#fetchedAt + lifeMs(received.headers.get("cache-control"));
    });
  }
}

function keySetOf(text: string): JSONWebKeySet | undefined {
  const body = parseObject(text);
  return Array.isArray(body?.["keys"]) ? (body as unknown as JSONWebKeySet) : undefined;
}

function lifeMs(cacheControl: string | null): number {
  const seconds = /(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl ?? "")?.[1];
  return seconds === undefined ? defaultLifeMs : Math.min(Number(seconds) * 1000, longestLifeMs);
}
