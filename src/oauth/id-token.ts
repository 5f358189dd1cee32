import { createHash } from "node:crypto";
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { JWTHeaderParameters, JWTPayload, JWTVerifyGetKey } from "jose";
import { OnbehalfError } from "../core/errors.ts";
import { isSameServer, issuerHint, issuersFor, shownIssuer } from "../core/issuer.ts";
import type { Profile } from "../core/grant.ts";
import type { Provider } from "../providers/provider.ts";
import type { Secret } from "../core/secret.ts";
import { repeatsMember } from "./repeated-members.ts";
import { unverifiedClaims } from "./token-set.ts";

/** What an ID token is checked against. */
export interface IdTokenChecks {
  readonly provider: Provider;
  /** `aud` must name this client. */
  readonly clientId: string;
  /** JWS algorithms that are accepted. Default: those of the provider's record. */
  readonly algorithms?: readonly string[];
  /** Finds the provider's key that a token's header names. */
  readonly getKey: JWTVerifyGetKey;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /**
   * When the request for the token was sent, milliseconds since the epoch. Default: `now`. A token that is verified
   * later, because the keys could not be read before, had not expired when it came.
   */
  readonly receivedAt?: number | undefined;
  /** The nonce that the sign-in was started with. Absent: with none, so the token must have none. */
  readonly nonce?: string | undefined;
  /** Whether the token may have no nonce although {@link nonce} is given. */
  readonly isNonceOptional?: boolean | undefined;
  /** Whether the token may have a nonce that nobody could tell us. Only used where no {@link nonce} is given. */
  readonly isNonceUnknown?: boolean | undefined;
  /** Whether the code of this sign-in is another one than the `c_hash` of the token says. Default false. */
  readonly isOtherCode?: boolean | undefined;
  /** The access token of the same answer, compared with `at_hash`. Absent: not checked. */
  readonly accessToken?: Secret | undefined;
}

/** How far the clock of an issuer and that of this machine may differ. */
export const leewaySeconds = 60;
/** The longest life that an ID token may have, 90 days: most live for an hour, and the longest known for a month. */
const longestLifeSeconds = 7_776_000;
/** The last second of the year 9999. */
const latestTime = 253_402_300_799;

/**
 * Verifies an ID token and returns who signed in.
 *
 * @throws {OnbehalfError} `id_token_invalid`: `details.check` names the check that failed
 * @throws {OnbehalfError} `provider_unavailable`: the keys could not be fetched; nothing is known of the token
 * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
export async function verifyIdToken(idToken: Secret, checks: IdTokenChecks): Promise<Profile> {
  const { provider, clientId, now, receivedAt = now } = checks;
  const token = idToken.expose();
  if (!isStrictForm(token)) throw invalid("form");
  // Claims that are not verified yet may fill the pattern of an issuer: where they lie, the signature is wrong.
  const claimed = unverifiedClaims(idToken);
  let claims: JWTPayload;
  let header: JWTHeaderParameters;
  try {
    const verified = await jwtVerify(token, checks.getKey, {
      algorithms: [...(checks.algorithms ?? provider.idTokenAlgorithms)],
      issuer: claimed.iss === provider.issuer ? provider.issuer : issuersFor(provider, claimed),
      audience: clientId,
      currentDate: new Date(receivedAt),
      clockTolerance: leewaySeconds,
      requiredClaims: ["iss", "aud", "sub", "iat", "exp"],
    });
    claims = verified.payload;
    header = verified.protectedHeader;
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === "iss") {
      throw wrongIssuer(provider, error.payload["iss"]);
    }
    throw refusal(error);
  }
  assertKind(header, claims);
  const oddTime = unreasonableTime(claims, receivedAt);
  if (oddTime !== undefined) throw invalid(oddTime);
  if (typeof claims.sub !== "string" || claims.sub === "" || claims.sub.length > 255) throw invalid("sub");
  // The token was made after the request was sent, so the later of the two times counts.
  if ((claims.iat ?? 0) * 1000 > Math.max(now, receivedAt) + leewaySeconds * 1000) throw invalid("iat");
  const audiences = [claims.aud].flat();
  if (!audiences.every((each) => typeof each === "string")) throw invalid("aud");
  if (audiences.length > 1 && claims["azp"] === undefined) throw invalid("azp");
  if (!isAuthorizedParty(claims["azp"], provider, clientId)) throw invalid("azp");
  assertNonce(claims["nonce"], checks);
  if (provider.hostedDomain !== undefined && claims["hd"] !== provider.hostedDomain) throw invalid("hd");
  if (checks.accessToken !== undefined && claims["at_hash"] !== undefined) {
    if (claims["at_hash"] !== halfHash(checks.accessToken, header.alg)) throw invalid("at_hash");
  }
  if (checks.isOtherCode === true) throw invalid("c_hash");
  return profileOf(claims.sub, claims);
}

/**
 * Refuses what is signed with the same key and is no ID token: an access token, a logout token, a security event. And
 * headers that would have us read the token otherwise than everybody does.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8725#section-3.11
 * @see https://www.rfc-editor.org/rfc/rfc8417#section-4.5
 */
function assertKind(header: JWTHeaderParameters, claims: JWTPayload): void {
  const { typ } = header as Readonly<Record<string, unknown>>;
  if (typ !== undefined && !(typeof typ === "string" && /^(?:application\/)?jwt$/i.test(typ))) throw invalid("typ");
  if (claims["events"] !== undefined) throw invalid("events");
  if (header.crit !== undefined || Object.hasOwn(header, "b64")) throw invalid("form");
}

/**
 * The claim of a token whose times no honest provider writes, whatever our clock says; undefined where they are in
 * order. A token that never ends, once it is known to somebody, would be good for ever. Seconds may have a fraction.
 *
 * @param receivedAt milliseconds since the epoch
 * @param longestSeconds the longest life that a token of its kind may have
 * @see https://www.rfc-editor.org/rfc/rfc7519#section-2
 */
export function unreasonableTime(
  claims: JWTPayload,
  receivedAt: number,
  longestSeconds: number = longestLifeSeconds,
): "iat" | "exp" | "nbf" | undefined {
  const isTime = (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= latestTime;
  for (const claim of ["iat", "exp", "nbf"] as const) {
    if (claims[claim] !== undefined && !isTime(claims[claim])) return claim;
  }
  const { iat = 0, exp = 0, nbf = iat } = claims;
  if (exp <= iat - leewaySeconds) return "exp";
  if (exp - iat > longestSeconds) return iat * 1000 < receivedAt - longestSeconds * 1000 ? "iat" : "exp";
  return iat - nbf > longestSeconds ? "nbf" : undefined;
}

/**
 * Compares the nonce of a token with that of the sign-in. A token with a nonce belongs to whoever has chosen it. Where
 * nobody names it, the code may have been taken out of that person's sign-in and put into another one. Null and an
 * empty text are how some providers write that there is none.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#NonceNotes
 */
function assertNonce(theirs: unknown, { nonce, isNonceOptional, isNonceUnknown }: IdTokenChecks): void {
  const hasNone = theirs === undefined || theirs === null || theirs === "";
  if (nonce !== undefined) {
    if (theirs !== nonce && !(hasNone && isNonceOptional === true)) throw invalid("nonce");
  } else if (isNonceUnknown !== true && !hasNone) {
    throw new OnbehalfError("id_token_invalid", "the ID token has a nonce, and the request names none", {
      hint: unnamedNonce,
      details: { check: "nonce" },
    });
  }
}

/** Whom an ID token names that did not verify. It may be a lie: use it to be more careful, and for nothing else. */
export function claimedSubject(idToken: Secret): string | undefined {
  const { sub } = unverifiedClaims(idToken);
  return typeof sub === "string" && sub !== "" ? sub : undefined;
}

/**
 * Whether an ID token names the provider's own server by a name that we were not told: that of a tenant, or one with
 * another slash at the end. Then our settings are wrong, and not the sign-in.
 */
export function namesOurServerOtherwise(idToken: Secret, provider: Provider): boolean {
  const claims = unverifiedClaims(idToken);
  return isSameServer(provider.issuer, claims["iss"]) && !issuersFor(provider, claims).includes(String(claims["iss"]));
}

/**
 * How far the provider's clock is ahead of ours, milliseconds, where that may be why an ID token was not in time:
 * negative where it is behind. Undefined where our clock is right: the answer's `Date` says so, or the token was issued
 * when it came and is wrong in itself. The token's signature must have been verified.
 *
 * @param times.receivedAt when the request for the token was sent by our clock, milliseconds since the epoch
 * @param times.answeredAt what time it was by the answer's `Date`, milliseconds since the epoch. Absent: it did not say
 */
export function clockDifferenceMs(
  idToken: Secret,
  { receivedAt, answeredAt }: { readonly receivedAt: number; readonly answeredAt?: number | undefined },
): number | undefined {
  const leewayMs = leewaySeconds * 1000;
  const isNow = (at: number): boolean => Math.abs(at - receivedAt) <= leewayMs;
  const claims = unverifiedClaims(idToken);
  const { iat, exp } = claims;
  if (iat === undefined || exp === undefined || unreasonableTime(claims, receivedAt) !== undefined) return undefined;
  const [issuedAt, endsAt] = [Math.round(iat * 1000), Math.round(exp * 1000)];
  if (endsAt <= issuedAt || isNow(issuedAt)) return undefined;
  if (answeredAt === undefined) return issuedAt - receivedAt;
  if (isNow(answeredAt)) return undefined;
  // A proxy's clock may be wrong as well. The provider's own is the one by which the token was in time.
  const fits = issuedAt <= answeredAt + leewayMs && endsAt > answeredAt - leewayMs;
  return (fits ? answeredAt : issuedAt) - receivedAt;
}

/**
 * Whether the `c_hash` of an ID token is that of another code than the one that was exchanged for it. Nothing of the
 * token is verified yet. A token without one names no code.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken
 */
export function namesOtherCode(idToken: Secret, code: Secret): boolean {
  const cHash = unverifiedClaims(idToken)["c_hash"];
  return cHash !== undefined && cHash !== halfHash(code, unverifiedAlgorithm(idToken));
}

function unverifiedAlgorithm(idToken: Secret): string {
  try {
    return String(decodeProtectedHeader(idToken.expose()).alg);
  } catch {
    return "";
  }
}

/**
 * The left half of the hash that the signature uses: `at_hash` of an access token, `c_hash` of a code.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken
 */
function halfHash(value: Secret, alg: string): string {
  const hash = /512$|^EdDSA$|^Ed25519$/.test(alg) ? "sha512" : alg.endsWith("384") ? "sha384" : "sha256";
  const digest = createHash(hash).update(value.expose()).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}

/**
 * Whether `azp` may stand there. After a sign-in on a phone it names the phone's client; that is accepted where the
 * client is known to be one of our own.
 */
function isAuthorizedParty(azp: unknown, provider: Provider, clientId: string): boolean {
  if (azp === undefined || azp === clientId) return true;
  if (typeof azp !== "string") return false;
  if (provider.authorizedParties !== undefined) return provider.authorizedParties.includes(azp);
  const project = provider.clientProject?.exec(clientId)?.[1];
  return project !== undefined && provider.clientProject?.exec(azp)?.[1] === project;
}

/**
 * Whether a signed JWT is written without padding, white space and left-over bits: lenient decoders accept them, so that one
 * token could be written in several ways. And without members that come twice: of two programs that read such a token, each
 * may believe another one.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7519#section-4
 */
export function isStrictForm(token: string): boolean {
  const parts = token.split(".");
  const strict =
    parts.length === 3 && parts.every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
  return strict && parts[2] !== "" && !parts.slice(0, 2).some(hasMemberTwice);
}

/** Whether an object of a part's JSON has a member twice. What is no JSON is refused elsewhere. */
function hasMemberTwice(part: string): boolean {
  const text = Buffer.from(part, "base64url").toString();
  try {
    // Written again, a token as most providers write it is what it was. Then no member can have come twice.
    if (JSON.stringify(JSON.parse(text)) === text) return false;
  } catch (error) {
    // Any other error is the stack's, which ends before JSON that is nested very deeply: such a token is looked through.
    if (error instanceof SyntaxError) return false;
  }
  return repeatsMember(text);
}

function wrongIssuer(provider: Provider, theirs: unknown): OnbehalfError<"id_token_invalid"> {
  const { name, issuer } = provider;
  return new OnbehalfError(
    "id_token_invalid",
    `the ID token failed the check of iss: it names ${shownIssuer(theirs)}, and ${name} is set to ${shownIssuer(issuer)}`,
    { hint: isSameServer(issuer, theirs) ? issuerHint(provider, theirs) : startAnew, details: { check: "iss" } },
  );
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
    hint: hints[check] ?? startAnew,
    details: { check },
  });
}

const startAnew = "start a new sign-in; if it fails again, check this machine's clock and the provider's settings";

const unnamedNonce =
  "send the nonce that the app started the sign-in with, as nonce. If it sent none, the code is from another sign-in: " +
  "start a new one. If its sign-in library makes one and does not tell it, list that source in unknownNonces of the provider";

const hints: Readonly<Record<string, string>> = {
  aud: "the code was issued for another client: use the web client's id as serverClientId in the app",
  typ: "the provider sent another kind of token where an ID token belongs: look at its settings for this client",
  azp: "the code came through a client that is not known to be yours: if it is yours, list it in authorizedParties",
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
