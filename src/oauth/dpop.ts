import { createHash, createPrivateKey, generateKeyPairSync, randomUUID } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { SignJWT, calculateJwkThumbprint } from "jose";
import type { JWK } from "jose";
import type { Secret } from "../core/secret.ts";
import { parseObject } from "./bounded-fetch.ts";
import type { HttpResult } from "./bounded-fetch.ts";

/**
 * A client's key, to which a provider binds the refresh tokens that it issues with a proof of it. Whoever steals such a
 * token cannot use it without the key.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9449
 */
export class DpopKey {
  /** RFC 7638. */
  readonly thumbprint: string;
  readonly #private: KeyObject;
  readonly #public: JWK;
  /** The provider's newest `DPoP-Nonce`. */
  #nonce: string | undefined;

  private constructor(privateKey: KeyObject, publicKey: JWK, thumbprint: string) {
    this.#private = privateKey;
    this.#public = publicKey;
    this.thumbprint = thumbprint;
  }

  /** A new key, as the text that is sealed into the store. */
  static generate(): string {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return JSON.stringify(privateKey.export({ format: "jwk" }));
  }

  /** @param text of {@link generate} */
  static async of(text: string): Promise<DpopKey> {
    const { d, kty, crv, x, y } = JSON.parse(text) as Required<Pick<JWK, "d" | "kty" | "crv" | "x" | "y">>;
    const shown: JWK = { kty, crv, x, y };
    const key = createPrivateKey({ key: { ...shown, d }, format: "jwk" });
    return new DpopKey(key, shown, await calculateJwkThumbprint(shown));
  }

  /**
   * Sends a token request with a proof, and once more where the provider asks for a nonce: it has then done nothing yet.
   * Both together take no longer than one may.
   *
   * @param jti names the proof. Default: a random one
   * @param send sends the request with this proof, and waits for so many milliseconds
   * @see https://www.rfc-editor.org/rfc/rfc9449#section-8
   */
  async send(
    { url, now, timeoutMs, jti }: ProofRequest,
    send: (proof: string, timeoutMs: number) => Promise<HttpResult>,
  ): Promise<HttpResult> {
    const begunAt = performance.now();
    const sentNonce = this.#nonce;
    const first = await send(await this.#proof(url, now, jti), timeoutMs);
    const leftMs = timeoutMs - (performance.now() - begunAt);
    this.#learnNonce(first);
    // Compared with what this request sent: another one may have learned the same nonce while it was under way.
    if (this.#nonce === sentNonce || !asksForNonce(first) || leftMs < 1) return first;
    const second = await send(await this.#proof(url, now, jti), leftMs);
    this.#learnNonce(second);
    return second;
  }

  /** @see https://www.rfc-editor.org/rfc/rfc9449#section-4.2 */
  #proof(url: string, now: number, jti: string = randomUUID()): Promise<string> {
    const { origin, pathname } = new URL(url);
    const nonce = this.#nonce === undefined ? {} : { nonce: this.#nonce };
    return new SignJWT({ htm: "POST", htu: origin + pathname, ...nonce })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: this.#public })
      .setJti(jti)
      .setIssuedAt(Math.floor(now / 1000))
      .sign(this.#private);
  }

  /** Remembers the nonce of an answer, if it has one. */
  #learnNonce(result: HttpResult): void {
    const nonce = result.kind === "silence" ? null : result.headers.get("dpop-nonce");
    if (nonce !== null && nonce !== "") this.#nonce = nonce;
  }
}

/** What a proof is for. */
export interface ProofRequest {
  /** The token endpoint. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timeoutMs: number;
  readonly jti?: string | undefined;
}

/** The `jti` of the proof at the exchange of a code, as Google wants it: it ties the proof to that code. */
export function jtiOf(code: Secret): string {
  return createHash("sha256").update(code.expose()).digest("base64url");
}

function asksForNonce(result: HttpResult): boolean {
  return (
    result.kind === "body" &&
    (result.status === 400 || result.status === 401) &&
    parseObject(result.text)?.["error"] === "use_dpop_nonce"
  );
}
