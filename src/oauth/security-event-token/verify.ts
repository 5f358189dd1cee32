/**
 * security-event-token/ reads and verifies Security Event Tokens. What one does to a grant does not belong here
 * (vault/signals/), nor where one comes from over HTTP (vault/http/).
 */
import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from "jose";
import type { JWTPayload, JWTVerifyGetKey, ProtectedHeaderParameters } from "jose";
import { isOnbehalfError } from "../../core/errors.ts";
import { futureLeewayMs, oldestSignalMs } from "../../core/signal-times.ts";
import { isStrictForm } from "../id-token.ts";
import { readEvents } from "./read-events.ts";
import type { SecurityEvent } from "./read-events.ts";

/** Whose events are believed, and about what. */
export interface Transmitter {
  /** `iss` of its tokens, character by character. */
  readonly issuer: string;
  /** Finds the key that a token's header names. */
  readonly getKey: JWTVerifyGetKey;
  /** JWS algorithms that are accepted. */
  readonly algorithms: readonly string[];
  /** Whether `typ` may be left out, or be `JWT`, as Google's may. */
  readonly isTypOptional: boolean;
  /** Whether a token for this audience is for us. */
  readonly isOurs: (audience: string) => boolean;
}

/** A token that is what it seems to be. */
export interface SecurityEventToken {
  readonly issuer: string;
  /** What its issuer calls it; the same issuer never uses it for another one. */
  readonly jti: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  /** All that `aud` names, ours and others'. */
  readonly audience: readonly string[];
  readonly events: readonly SecurityEvent[];
}

/**
 * Why a token is refused, as RFC 8935 calls it. `invalid_key`: no key of its issuer has this id, or the algorithm is not one
 * that is accepted. `authentication_failed`: the signature is not its issuer's.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8935#section-2.4
 */
export type SetError =
  "invalid_request" | "invalid_key" | "invalid_issuer" | "invalid_audience" | "authentication_failed" | "access_denied";

/** A refusal. The description holds nothing of the token. */
export interface RefusedSet {
  readonly err: SetError;
  readonly description: string;
}

/** Longer ones take long to read, and no issuer makes them: characters. */
export const longestSet = 16_384;
const longestJti = 1_024;

/**
 * Verifies a Security Event Token. `exp` is not looked at: what has happened does not end.
 *
 * @param token as it came
 * @param transmitterOf finds who is trusted by an `iss`
 * @param now milliseconds since the epoch
 * @throws {OnbehalfError} `provider_unavailable`: the issuer's keys could not be read; nothing is known of the token
 * @see https://www.rfc-editor.org/rfc/rfc8417#section-2
 */
export async function verifySet(
  token: string,
  transmitterOf: (issuer: string) => Transmitter | undefined,
  now: number,
): Promise<SecurityEventToken | RefusedSet> {
  const read = token.length > longestSet || !isStrictForm(token) ? undefined : unverified(token);
  if (read === undefined)
    return refused("invalid_request", "the body must be one Security Event Token, in compact form");
  const { header, claims } = read;
  // Not verified yet: it only chooses whose keys must verify it.
  const transmitter = typeof claims.iss === "string" ? transmitterOf(claims.iss) : undefined;
  if (transmitter === undefined)
    return refused("invalid_issuer", "iss is not the issuer of a transmitter that is trusted here");
  const flaw = flawOfHeader(header, transmitter);
  if (flaw !== undefined) return flaw;
  const refusal = await refusalOfSignature(token, transmitter);
  if (refusal !== undefined) return refusal;
  return readClaims(claims, transmitter, now);
}

function unverified(
  token: string,
): { readonly header: ProtectedHeaderParameters; readonly claims: JWTPayload } | undefined {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

/**
 * What is signed with the same keys and is something else must not be read as this: an ID token has no events, but a logout
 * token has.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8725#section-3.11
 */
function flawOfHeader(header: ProtectedHeaderParameters, transmitter: Transmitter): RefusedSet | undefined {
  const { typ, alg } = header;
  const isSet = typeof typ === "string" && /^(?:application\/)?secevent\+jwt$/i.test(typ);
  const isPlain = typ === undefined || (typeof typ === "string" && /^jwt$/i.test(typ));
  if (!isSet && !(transmitter.isTypOptional && isPlain)) return refused("invalid_request", "typ must be secevent+jwt");
  if (header.crit !== undefined || Object.hasOwn(header, "b64")) {
    return refused("invalid_request", "the header has a member that is not understood");
  }
  if (typeof alg === "string" && transmitter.algorithms.includes(alg)) return undefined;
  return refused("invalid_key", `alg must be one of ${transmitter.algorithms.join(", ")}`);
}

async function refusalOfSignature(token: string, { getKey, algorithms }: Transmitter): Promise<RefusedSet | undefined> {
  try {
    await compactVerify(token, getKey, { algorithms: [...algorithms] });
    return undefined;
  } catch (error) {
    if (isOnbehalfError(error)) throw error;
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
      return refused("invalid_key", "the issuer has no key with this kid and alg, or several");
    }
    return error instanceof errors.JWSSignatureVerificationFailed
      ? refused("authentication_failed", "the signature is not the issuer's")
      : refused("invalid_request", "the token is not signed as RFC 7515 has it");
  }
}

function readClaims(claims: JWTPayload, { issuer, isOurs }: Transmitter, now: number): SecurityEventToken | RefusedSet {
  const { aud, iat, jti } = claims;
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audience.every((each) => typeof each === "string")) {
    return refused("invalid_request", "aud must be a text, or a list of texts");
  }
  if (!audience.some(isOurs)) return refused("invalid_audience", "aud names no client of ours");
  if (typeof jti !== "string" || jti === "" || jti.length > longestJti) {
    return refused("invalid_request", `jti must be a text of 1 to ${longestJti} characters`);
  }
  if (typeof iat !== "number" || !Number.isFinite(iat)) return refused("invalid_request", "iat must be a time");
  const issuedAt = Math.floor(iat * 1000);
  if (issuedAt > now + futureLeewayMs) return refused("invalid_request", "iat lies in the future");
  if (issuedAt < now - oldestSignalMs) return refused("invalid_request", "iat lies more than fourteen days back");
  const events = readEvents(claims, issuedAt);
  if (typeof events === "string") return refused("invalid_request", events);
  return { issuer, jti, issuedAt, audience, events };
}

function refused(err: SetError, description: string): RefusedSet {
  return { err, description };
}
