import { decodeJwt, errors, jwtVerify } from "jose";
import type { JWTHeaderParameters, JWTPayload, JWTVerifyGetKey } from "jose";
import { isOnbehalfError } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import { externalIdIn } from "../core/trusted-issuer.ts";
import type { TrustedIssuer } from "../core/trusted-issuer.ts";
import { isStrictForm, leewaySeconds, unreasonableTime } from "./id-token.ts";

/** Signatures that anybody can verify and only the issuer can make: with a shared secret, we could. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
/** Whoever has a token gets the person's access tokens with it, so it may live for a day at most. Most live for an hour. */
const longestLifeSeconds = 86_400;
/** Longer ones take long to read, and no issuer makes them. */
const longestToken = 16_384;

/** Who a token is about, or the check that it failed: a claim's name, `signature`, `alg`, `kid`, `typ` or `form`. */
export type SubjectTokenResult = { readonly externalId: string } | { readonly flaw: string };

/**
 * Verifies a JWT about one of the app's own users.
 *
 * @param trusted finds an issuer's entry and keys; undefined for one that nobody trusts
 * @param now milliseconds since the epoch
 * @throws {OnbehalfError} `provider_unavailable`: the issuer's keys could not be fetched; nothing is known of the token
 * @see https://www.rfc-editor.org/rfc/rfc8725
 */
export async function verifySubjectToken(
  subjectToken: Secret,
  trusted: (issuer: string) => { readonly issuer: TrustedIssuer; readonly getKey: JWTVerifyGetKey } | undefined,
  now: number,
): Promise<SubjectTokenResult> {
  const token = subjectToken.expose();
  const claimed = token.length > longestToken || !isStrictForm(token) ? undefined : unverified(token);
  if (claimed === undefined) return { flaw: "form" };
  // Not verified yet: it only chooses whose keys must verify it.
  const known = typeof claimed.iss === "string" ? trusted(claimed.iss) : undefined;
  if (known === undefined) return { flaw: "iss" };
  const { issuer, audience } = known.issuer;
  try {
    const { payload, protectedHeader } = await jwtVerify(token, known.getKey, {
      algorithms,
      issuer,
      audience: typeof audience === "string" ? audience : [...audience],
      currentDate: new Date(now),
      clockTolerance: leewaySeconds,
      requiredClaims: ["iss", "aud", "exp"],
    });
    const flaw = oddKind(protectedHeader, payload) ?? oddTime(payload, now);
    if (flaw !== undefined) return { flaw };
    const externalId = externalIdIn(payload, known.issuer);
    return externalId === undefined ? { flaw: known.issuer.externalIdClaim ?? "sub" } : { externalId };
  } catch (error) {
    if (isOnbehalfError(error)) throw error;
    return { flaw: flawOf(error) };
  }
}

function unverified(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/**
 * What is signed with the same key and says nothing of who is here: a logout token, a security event, a proof of a key.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8725#section-3.11
 */
function oddKind(header: JWTHeaderParameters, claims: JWTPayload): string | undefined {
  const { typ } = header as Readonly<Record<string, unknown>>;
  if (typ !== undefined && !(typeof typ === "string" && /^(?:application\/)?(?:at\+)?jwt$/i.test(typ))) return "typ";
  if (claims["events"] !== undefined) return "events";
  // Bound to a key that only its holder has, and whoever sends it here proves nothing of it.
  if (claims["cnf"] !== undefined) return "cnf";
  return header.crit !== undefined || Object.hasOwn(header, "b64") ? "form" : undefined;
}

/** A claim of a time that cannot be; without `iat`, the life of a token counts from now on. */
function oddTime(claims: JWTPayload, now: number): string | undefined {
  const seconds = now / 1000;
  const odd = unreasonableTime({ ...claims, iat: claims.iat ?? seconds }, now, longestLifeSeconds);
  if (odd !== undefined) return odd;
  return (claims.iat ?? 0) > seconds + leewaySeconds ? "iat" : undefined;
}

function flawOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) return error.claim;
  if (error instanceof errors.JOSEAlgNotAllowed) return "alg";
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return "kid";
  return error instanceof errors.JWSSignatureVerificationFailed ? "signature" : "form";
}
