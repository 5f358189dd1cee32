import { createECDH, createPrivateKey, randomUUID } from "node:crypto";
import { SignJWT, calculateJwkThumbprint } from "jose";
import type { JSONWebKeySet, JWK } from "jose";
import { assertFits, filledText, required, text } from "../../core/argument-checks.ts";
import type { Clock } from "../../core/clock.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { Grant } from "../../core/grant.ts";

const lifeSeconds = 300;

/**
 * Signs JWTs that say who signed in. The app's backend verifies one and starts a session, without having to trust what
 * the phone says. The key pair is derived from a data key, so every process of a store signs with the same one. Where
 * that data key is replaced, the new key pair is published before it signs, and the old one for a day after.
 */
export class Assertions {
  readonly #clock: Clock;
  readonly #keyring: Sealer;
  readonly #derived = new Map<number, JWK>();

  constructor(keyring: Sealer, clock: Clock) {
    this.#clock = clock;
    this.#keyring = keyring;
  }

  /**
   * Signs a JWT that says who signed in; it expires after 300 seconds.
   *
   * @param issuer `iss` and `aud`: the public URL of the server that signs
   * @param nonce the one that the sign-in was started with
   * @see https://www.rfc-editor.org/rfc/rfc7519
   */
  async sign(grant: Grant, issuer: string, nonce?: string): Promise<string> {
    assertFits("grant", grant, aGrant);
    assertFits("issuer", issuer, required(filledText));
    assertFits("nonce", nonce, text);
    const now = Math.floor(this.#clock.now() / 1000);
    const { email, email_verified: emailVerified } = grant.profile;
    const [key = {}] = this.#keys();
    return new SignJWT({
      grant_id: grant.grantId,
      idp: grant.issuer,
      ...(email === undefined ? {} : { email }),
      ...(emailVerified === undefined ? {} : { email_verified: emailVerified }),
      ...(nonce === undefined ? {} : { nonce }),
    })
      .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: await calculateJwkThumbprint(key) })
      .setIssuer(issuer)
      .setAudience(issuer)
      .setSubject(grant.subject)
      .setIssuedAt(now)
      .setExpirationTime(now + lifeSeconds)
      .setJti(randomUUID())
      .sign(createPrivateKey({ key, format: "jwk" }));
  }

  /**
   * The public keys, the one that signs now first, for `/.well-known/jwks.json`.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7517#section-5
   */
  async jwks(): Promise<JSONWebKeySet> {
    return {
      keys: await Promise.all(
        this.#keys().map(async ({ d: _private, ...key }) => {
          return Object.assign(key, { alg: "ES256", use: "sig", kid: await calculateJwkThumbprint(key) });
        }),
      ),
    };
  }

  /** The key pairs that verify, the one that signs first. */
  #keys(): JWK[] {
    return this.#keyring.versions("assertion").map((keyId) => {
      const key = this.#derived.get(keyId) ?? deriveKey(this.#keyring, keyId);
      this.#derived.set(keyId, key);
      return key;
    });
  }
}

const aGrant = required({
  fits: (value) => typeof value === "object" && value !== null && "grantId" in value && "profile" in value,
  must: "a grant, as exchangeCode returns it",
});

function deriveKey(keyring: Sealer, keyId: number): JWK {
  const ecdh = createECDH("prime256v1");
  // A seed that is not below the curve's order cannot be a key. That happens once in four billion times; then the next
  // seed is used.
  for (let attempt = 0; ; attempt++) {
    try {
      ecdh.setPrivateKey(keyring.seed("assertion", `es256/${attempt}`, keyId));
      break;
    } catch (error) {
      if (attempt > 8) throw error;
    }
  }
  const point = ecdh.getPublicKey();
  return {
    kty: "EC",
    crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33, 65).toString("base64url"),
    d: Buffer.concat([Buffer.alloc(32), ecdh.getPrivateKey()])
      .subarray(-32)
      .toString("base64url"),
  };
}
