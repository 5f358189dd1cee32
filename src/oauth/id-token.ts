import { createHash } from "node:crypto";
import { decodeJwt, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { OnbehalfError } from "../core/errors.ts";
import type { Profile } from "../core/grant.ts";
import type { Provider } from "../providers/provider.ts";
import type { Secret } from "../core/secret.ts";

export interface IdTokenChecks {
  readonly provider: Provider;
  readonly clientId: string;
  readonly getKey: JWTVerifyGetKey;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The nonce that the sign-in was started with; checked where given. */
  readonly nonce?: string;
  /** The access token of the same answer, held against `at_hash`. */
  readonly accessToken?: Secret;
}

/** Clocks differ; a minute is the usual allowance. */
const leewaySeconds = 60;

/**
 * Verifies an ID token and returns who signed in.
 *
 * @throws {OnbehalfError} `id_token_invalid`: `details.check` names the check that failed
 * @throws {OnbehalfError} `provider_unavailable`: the keys could not be fetched; nothing is known about the token
 * @see OpenID Connect Core 1.0 section 3.1.3.7
 */
export async function verifyIdToken(idToken: Secret, checks: IdTokenChecks): Promise<Profile> {
  const { provider, clientId } = checks;
  const token = idToken.expose();
  assertStrictForm(token);
  let claims: JWTPayload;
  let alg: string;
  try {
    const verified = await jwtVerify(token, checks.getKey, {
      algorithms: [...provider.idTokenAlgorithms],
      issuer: [provider.issuer, ...(provider.alsoIssuedAs ?? [])],
      audience: clientId,
      currentDate: new Date(checks.now),
      clockTolerance: leewaySeconds,
      requiredClaims: ["iss", "aud", "sub", "iat", "exp"],
    });
    claims = verified.payload;
    alg = verified.protectedHeader.alg;
  } catch (error) {
    throw refusal(error);
  }
  if (typeof claims.sub !== "string" || claims.sub === "" || claims.sub.length > 255) throw invalid("sub");
  if ((claims.iat ?? 0) * 1000 > checks.now + leewaySeconds * 1000) throw invalid("iat");
  if (Array.isArray(claims.aud) && claims.aud.length > 1 && claims["azp"] === undefined) throw invalid("azp");
  if (!isAuthorizedParty(claims["azp"], provider, clientId)) throw invalid("azp");
  if (checks.nonce !== undefined && claims["nonce"] !== checks.nonce) throw invalid("nonce");
  if (provider.hostedDomain !== undefined && claims["hd"] !== provider.hostedDomain) throw invalid("hd");
  if (checks.accessToken !== undefined && claims["at_hash"] !== undefined) {
    if (claims["at_hash"] !== atHash(checks.accessToken, alg)) throw invalid("at_hash");
  }
  return profileOf(claims.sub, claims);
}

/**
 * Whom an ID token names that did not verify. Good for nothing but caution: it may be a lie.
 */
export function claimedSubject(idToken: Secret): string | undefined {
  try {
    const { sub } = decodeJwt(idToken.expose());
    return typeof sub === "string" && sub !== "" ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** OpenID Connect Core 1.0 section 3.1.3.6: the left half of the hash that the signature uses. */
function atHash(accessToken: Secret, alg: string): string {
  const hash = /512$|^EdDSA$|^Ed25519$/.test(alg) ? "sha512" : alg.endsWith("384") ? "sha384" : "sha256";
  const digest = createHash(hash).update(accessToken.expose()).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}

/** A code from a phone names the phone's client as `azp`: fine, where that client is known for one of our own. */
function isAuthorizedParty(azp: unknown, provider: Provider, clientId: string): boolean {
  if (azp === undefined || azp === clientId) return true;
  if (typeof azp !== "string") return false;
  if (provider.authorizedParties !== undefined) return provider.authorizedParties.includes(azp);
  const project = provider.clientProject?.exec(clientId)?.[1];
  return project !== undefined && provider.clientProject?.exec(azp)?.[1] === project;
}

/** Lenient decoders accept padding, white space and dangling bits, and so two spellings of one token. */
function assertStrictForm(token: string): void {
  const parts = token.split(".");
  const strict =
    parts.length === 3 && parts.every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
  if (!strict || parts[2] === "") throw invalid("form");
}

function refusal(error: unknown): unknown {
  if (error instanceof OnbehalfError) return error;
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
    return invalid(error.claim);
  if (error instanceof errors.JOSEAlgNotAllowed) return invalid("alg");
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return invalid("kid");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return invalid("signature");
  return invalid("form");
}

function invalid(check: string): OnbehalfError<"id_token_invalid"> {
  return new OnbehalfError("id_token_invalid", `the ID token failed the check of ${check}`, {
    hint: hints[check] ?? "start a new sign-in; if it happens again, look at the provider and at this machine's clock",
    details: { check },
  });
}

const hints: Readonly<Record<string, string>> = {
  aud: "the code was issued for another client: use the web client's id as serverClientId in the app",
  azp: "the code came through a client that is not known for one of yours: if it is, list it in authorizedParties",
};

const textClaims = ["email", "name", "picture", "given_name", "family_name", "locale", "hd"] as const;

function profileOf(sub: string, claims: JWTPayload): Profile {
  const profile: Profile = { sub };
  for (const claim of textClaims) {
    const value = claims[claim];
    if (typeof value === "string") profile[claim] = value;
  }
  const verified = claims["email_verified"];
  if (typeof verified === "boolean" || verified === "true" || verified === "false") {
    profile.email_verified = verified === true || verified === "true";
  }
  return profile;
}
