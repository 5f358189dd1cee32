import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../core/secret.ts";

/**
 * The code challenge of a verifier, by the method S256.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7636#section-4.2
 */
export function challengeOf(verifier: Secret): string {
  return createHash("sha256").update(verifier.expose()).digest("base64url");
}

/** Whether a verifier is the one that a challenge was made of, compared in constant time. */
export function isVerifierOf(challenge: string, verifier: Secret): boolean {
  const [own, given] = [Buffer.from(challengeOf(verifier)), Buffer.from(challenge)];
  return own.length === given.length && timingSafeEqual(own, given);
}
