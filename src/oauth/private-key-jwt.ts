import { createPrivateKey, randomUUID } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type * as oauth from "oauth4webapi";
import type { Secret } from "../core/secret.ts";

/** How long an assertion is good, seconds: it is sent at once. */
const lifeSeconds = 60;
/** Shorter RSA keys can be factored by whoever pays for it. */
const leastRsaBits = 2_048;

/** A private key, with how it signs. */
export interface SigningKey {
  readonly key: KeyObject;
  /** The JWS algorithm: what a JWK says, otherwise the usual one of its kind of key. */
  readonly algorithm: string;
  /** By which name the provider knows the key. Absent: a PEM has no room for it. */
  readonly keyId?: string | undefined;
}

/** The JWS algorithm of a key whose file does not say one. RS256 is the one that every provider with RSA keys knows. */
const algorithms: Readonly<Record<string, string>> = {
  rsa: "RS256",
  "rsa-pss": "PS256",
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
  ed25519: "EdDSA",
};

/**
 * Reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1, without a passphrase), or a JWK as JSON.
 *
 * @returns undefined where the text is no private key, or one that no JWS algorithm fits, or an RSA key below 2,048 bits
 * @see https://www.rfc-editor.org/rfc/rfc7517
 */
export function signingKeyOf(text: string): SigningKey | undefined {
  try {
    const jwk = text.trimStart().startsWith("{") ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : undefined;
    const key = jwk === undefined ? createPrivateKey(text) : createPrivateKey({ key: jwk, format: "jwk" });
    const { modulusLength = leastRsaBits, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
    if (modulusLength < leastRsaBits) return undefined;
    const usual = algorithms[key.asymmetricKeyType ?? ""] ?? algorithms[namedCurve];
    if (usual === undefined) return undefined;
    return { key, algorithm: textOf(jwk?.["alg"]) ?? usual, keyId: textOf(jwk?.["kid"]) };
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Authenticates with an assertion that the client's key has signed. Its audience is the issuer alone: one that names an
 * endpoint could be used at another authorization server by whoever runs that endpoint.
 *
 * @param now milliseconds since the epoch
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-3
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-rfc7523bis/
 */
export function signedAssertion(privateKey: Secret, now: number): oauth.ClientAuth {
  return async ({ issuer }, { client_id: clientId }, body) => {
    const signing = signingKeyOf(privateKey.expose());
    if (signing === undefined)
      throw new TypeError("the client's private key was not checked when the vault was opened");
    const { key, algorithm, keyId } = signing;
    const issuedAt = Math.floor(now / 1000);
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: algorithm, ...(keyId === undefined ? {} : { kid: keyId }) })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifeSeconds)
      .sign(key);
    body.set("client_id", clientId);
    body.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    body.set("client_assertion", assertion);
  };
}
