/**
 * The stand-in's signing keys, and the two forms in which it publishes them: a JWKS and X.509 certificates.
 * What the signed tokens say is not decided here.
 */

import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { BadInput } from "../input-checks.ts";

/** One signing key. The private part never leaves this process. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly createdAt: number;
}

function newSigningKey(now: number, given?: KeyObject): SigningKey {
  const { privateKey } =
    given === undefined ? generateKeyPairSync("rsa", { modulusLength: 2_048 }) : { privateKey: given };
  const publicKey = createPublicKey(privateKey);
  return { kid: randomBytes(20).toString("hex"), privateKey, publicKey, createdAt: now };
}

/** A key that no ring publishes: what it signs is not the stand-in's. */
export function somebodysKey(now: number): SigningKey {
  return newSigningKey(now);
}

/**
 * The key that signs, and the one before it, which stays published for those who hold its tokens. The first is made when
 * it is first needed: making one takes longer than all the rest of a start, and many tests never look at a signature.
 */
export class KeyRing {
  readonly #now: () => number;
  readonly #given: KeyObject | undefined;
  #keys: SigningKey[] = [];

  /**
   * @param given the first key, where the caller has one
   * @throws {BadInput} when it is no private RSA key: a signature made with it would be refused for the wrong reason.
   */
  constructor(now: () => number, given?: KeyObject) {
    if (given !== undefined && (given.type !== "private" || given.asymmetricKeyType !== "rsa")) {
      throw new BadInput("signingKey must be a private RSA key");
    }
    this.#now = now;
    this.#given = given;
  }

  get current(): SigningKey {
    const [current] = this.#keys;
    if (current !== undefined) return current;
    const first = newSigningKey(this.#now(), this.#given);
    this.#keys = [first];
    return first;
  }

  published(): readonly SigningKey[] {
    return [this.current, ...this.#keys.slice(1)];
  }

  /** A new key signs from now on. `keepOld: false` unpublishes the others at once, as after a leak. */
  rotate(keepOld = true): SigningKey {
    const old = this.current;
    const next = newSigningKey(this.#now());
    this.#keys = keepOld ? [next, old] : [next];
    return next;
  }

  jwks(): { keys: Record<string, unknown>[] } {
    const keys = this.published().map(({ kid, publicKey }) => {
      const { n, e, kty } = publicKey.export({ format: "jwk" });
      return { kty, use: "sig", alg: "RS256", kid, n, e };
    });
    return { keys };
  }
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

export interface JwtHeader {
  alg: string;
  kid?: string;
  typ?: string;
}

/** RFC 7515, compact. `signer` turns the signing input into signature bytes. */
export function compact(header: JwtHeader, payload: unknown, signer: (input: string) => Buffer): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signer(input).toString("base64url")}`;
}

export function rs256(key: SigningKey): (input: string) => Buffer {
  return (input) => sign("sha256", Buffer.from(input), key.privateKey);
}

/** OpenID Connect Core 1.0 section 3.1.3.6: the left half of the hash of the access token. */
export function halfHash(value: string): string {
  return createHash("sha256").update(value).digest().subarray(0, 16).toString("base64url");
}
