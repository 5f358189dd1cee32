import { constants, createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readJwt } from "../http/jwt.ts";
import type { Client, PublicJwk } from "./clients.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/** RFC 7523 section 2.2. */
export const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** How far the clock of a client may be from ours, seconds. */
const leewaySeconds = 60;
/** The longest life of an assertion, seconds: one that lives longer would have to be remembered for as long. */
const longestSeconds = 3_600;

/** The client that an assertion speaks of, before anything in it was checked. */
export function clientIdOf(assertion: string): string | undefined {
  const sub = readJwt(assertion)?.claims["sub"];
  return typeof sub === "string" && sub !== "" ? sub : undefined;
}

/**
 * What is wrong with a client's assertion; undefined where nothing is. One that is good is then used up.
 *
 * @see RFC 7523 section 3; the audience is the issuer alone, as draft-ietf-oauth-rfc7523bis asks
 */
export function assertionFlaw(state: OAuth2State, client: Client, assertion: string): string | undefined {
  const jwt = readJwt(assertion);
  if (jwt === undefined) return "client_assertion is not a JWT.";
  const { header, claims } = jwt;
  const signed = candidates(client.keys, header["kid"]).some((key) =>
    isSigned(header["alg"], key, jwt.signed, jwt.signature),
  );
  if (!signed) return "client_assertion is not signed by a key of the client.";
  if (claims["iss"] !== client.id || claims["sub"] !== client.id) return "iss and sub must be the client_id.";
  const { aud, exp, iat, nbf, jti } = claims;
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (audience !== state.issuer) return `aud must be the issuer, ${state.issuer}, and nothing else.`;
  const now = state.clock.now() / 1_000;
  if (typeof exp !== "number" || exp <= now) return "exp is missing or has passed.";
  if (exp > now + longestSeconds + leewaySeconds) return "exp is more than an hour away.";
  for (const [name, value] of Object.entries({ iat, nbf })) {
    if (value === undefined) continue;
    if (typeof value !== "number" || value > now + leewaySeconds) return `${name} is in the future.`;
  }
  if (typeof jti !== "string" || jti === "") return "jti is missing.";
  return state.assertions.accept(client.id, jti, exp * 1_000) ? undefined : "jti was used before.";
}

function candidates(keys: readonly PublicJwk[], kid: unknown): readonly PublicJwk[] {
  const named = (key: PublicJwk): unknown => (key as { readonly kid?: unknown }).kid;
  return kid === undefined ? keys : keys.filter((key) => [undefined, kid].includes(named(key)));
}

/** How each algorithm's signatures are checked, and the keys that it takes (RFC 7518 section 3, RFC 8037 section 3.1). */
const algorithms: Readonly<Record<string, (data: Buffer, key: KeyObject, signature: Buffer) => boolean>> = {
  RS256: (data, key, signature) => key.asymmetricKeyType === "rsa" && verify("sha256", data, key, signature),
  PS256: (data, key, signature) =>
    key.asymmetricKeyType === "rsa" &&
    verify("sha256", data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature),
  ES256: (data, key, signature) =>
    key.asymmetricKeyDetails?.namedCurve === "prime256v1" &&
    verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, signature),
  EdDSA: (data, key, signature) => key.asymmetricKeyType === "ed25519" && verify(null, data, key, signature),
  Ed25519: (data, key, signature) => key.asymmetricKeyType === "ed25519" && verify(null, data, key, signature),
};

/** The algorithms that a client may sign with. */
export const signingAlgorithms: readonly string[] = Object.keys(algorithms);

function isSigned(alg: unknown, jwk: PublicJwk, signed: string, signature: Buffer): boolean {
  const check = typeof alg === "string" && Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined;
  if (check === undefined) return false;
  try {
    return check(Buffer.from(signed), createPublicKey({ key: jwk, format: "jwk" }), signature);
  } catch {
    return false;
  }
}
