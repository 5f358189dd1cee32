/** DPoP at the token endpoint (RFC 9449), as Google does it: a refresh token is bound to a key, and access tokens are not. */
import { createHash, createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readJwt } from "../../http/jwt.ts";
import type { Incoming } from "../../http/messages.ts";
import { freshSeconds } from "../state/dpop-memory.ts";
import type { GoogleState } from "../state/google-state.ts";
import { OAuthRefusal } from "../../http/oauth-form.ts";

/**
 * Checks the proof of a token request.
 *
 * @param code of an exchange: at Google `jti` is then the base64url of its SHA-256
 * @returns the thumbprint of the key that signed; undefined where the request has no proof
 * @throws {OAuthRefusal} `invalid_dpop_proof`, `use_dpop_nonce`
 * @see https://www.rfc-editor.org/rfc/rfc9449#section-4.3
 */
export function proofOf(state: GoogleState, request: Incoming, code?: string): string | undefined {
  const text = request.headers["dpop"];
  if (text === undefined) return undefined;
  // Node joins headers that come twice with a comma, which no proof contains.
  const proof = typeof text === "string" ? readJwt(text) : undefined;
  if (proof === undefined) throw refused("The DPoP header is not one JWT.");
  const { header, claims } = proof;
  if (header["typ"] !== "dpop+jwt") throw refused("typ must be dpop+jwt.");
  if (header["alg"] !== "ES256") throw refused("alg must be ES256.");
  const key = keyIn(header["jwk"]);
  if (key === undefined) throw refused("jwk must be a public key on P-256.");
  if (!verify("sha256", Buffer.from(proof.signed), { key: key.object, dsaEncoding: "ieee-p1363" }, proof.signature)) {
    throw refused("The signature is wrong.");
  }
  if (claims["htm"] !== request.method) throw refused(`htm must be ${request.method}.`);
  if (claims["htu"] !== state.url + request.path) throw refused("htu must be the address of this endpoint.");
  const { iat, jti } = claims;
  const now = state.clock.now() / 1_000;
  if (typeof iat !== "number" || Math.abs(now - iat) > freshSeconds)
    throw refused("iat must be the time of the request.");
  if (typeof jti !== "string" || jti === "") throw refused("jti is missing.");
  if (code !== undefined && jti !== createHash("sha256").update(code).digest("base64url")) {
    throw refused("jti must be the hash of the code.");
  }
  const life = state.settings.dpopNonceSeconds;
  if (life !== null && claims["nonce"] !== state.dpop.nonce(life)) {
    const refusal = new OAuthRefusal(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.");
    refusal.headers = { "dpop-nonce": state.dpop.nonce(life) };
    throw refusal;
  }
  const isNew = state.dpop.accept(key.thumbprint, jti);
  // A code works once, whatever its proof. An exchange that was refused for its redirect_uri may come again.
  if (!isNew && code === undefined) throw refused("jti was used before.", "reused_proof");
  return key.thumbprint;
}

/** Refuses a refresh token that is bound to another key than the one that signed the proof, or to one without a proof. */
export function assertBound(bound: string | undefined, thumbprint: string | undefined): void {
  if (bound === undefined || bound === thumbprint) return;
  throw thumbprint === undefined
    ? refused("The refresh token is bound to a key, and the request has no proof.", "unproved_token")
    : refused("The refresh token is bound to another key.", "other_key");
}

function refused(description: string, outcome = "invalid_dpop_proof"): OAuthRefusal {
  return new OAuthRefusal(400, "invalid_dpop_proof", description, {}, { outcome });
}

/** The public key of a proof, with its thumbprint (RFC 7638). */
function keyIn(jwk: unknown): { readonly object: KeyObject; readonly thumbprint: string } | undefined {
  if (typeof jwk !== "object" || jwk === null || "d" in jwk || "k" in jwk) return undefined;
  const { kty, crv, x, y } = jwk as Readonly<Record<string, unknown>>;
  if (kty !== "EC" || crv !== "P-256" || typeof x !== "string" || typeof y !== "string") return undefined;
  try {
    const object = createPublicKey({ key: { kty, crv, x, y }, format: "jwk" });
    const thumbprint = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
    return { object, thumbprint };
  } catch {
    return undefined;
  }
}
