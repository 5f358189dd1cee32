import { createHash, generateKeyPair, type KeyObject, randomBytes, sign } from "node:crypto";
import { promisify } from "node:util";

/** One signing key. The private part is made at start and never leaves this process. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly createdAt: number;
}

const generate = promisify(generateKeyPair);

export async function newSigningKey(now: number): Promise<SigningKey> {
  const { privateKey, publicKey } = await generate("rsa", { modulusLength: 2_048 });
  return { kid: randomBytes(20).toString("hex"), privateKey, publicKey, createdAt: now };
}

/** The key that signs, and the one before it, which stays published for those who hold its tokens. */
export class KeyRing {
  readonly #keys: SigningKey[];

  constructor(first: SigningKey) {
    this.#keys = [first];
  }

  get current(): SigningKey {
    const [current] = this.#keys;
    if (current === undefined) throw new Error("the key ring is empty");
    return current;
  }

  published(): readonly SigningKey[] {
    return this.#keys;
  }

  /** A new key signs from now on. `keepOld: false` unpublishes the others at once, as after a leak. */
  rotate(next: SigningKey, keepOld = true): void {
    this.#keys.unshift(next);
    this.#keys.length = keepOld ? 2 : 1;
  }

  jwks(): { keys: Record<string, unknown>[] } {
    const keys = this.#keys.map(({ kid, publicKey }) => {
      const { n, e, kty } = publicKey.export({ format: "jwk" });
      return { kty, use: "sig", alg: "RS256", kid, n, e };
    });
    return { keys };
  }
}

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");

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
export const halfHash = (value: string): string =>
  createHash("sha256").update(value).digest().subarray(0, 16).toString("base64url");
