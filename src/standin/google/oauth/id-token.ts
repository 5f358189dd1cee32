import { defined } from "../../defined.ts";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { seconds } from "../../clock.ts";
import { compact, halfHash, rs256 } from "../../state/key-ring.ts";
import type { KeyRing } from "../../state/key-ring.ts";
import type { Person } from "../../state/people.ts";
import { emailScope, isSignInScope, profileScope } from "../state/scopes.ts";
import type { IdTokenFlaw, Settings } from "../state/settings.ts";

/** The profile claims that these scopes let a client see. OpenID Connect Core 1.0 section 5.4, as Google reads it. */
export function profileClaims(person: Person, scopes: readonly string[], pictureUrl: string): Record<string, unknown> {
  const claims: Record<string, unknown> = {};
  if (person.hd !== undefined) claims["hd"] = person.hd;
  if (scopes.includes(emailScope)) {
    claims["email"] = person.email;
    claims["email_verified"] = person.emailVerified;
  }
  if (scopes.includes(profileScope)) {
    claims["name"] = person.name;
    claims["picture"] = pictureUrl;
    claims["given_name"] = person.givenName;
    claims["family_name"] = person.familyName;
    claims["locale"] = person.locale;
  }
  return claims;
}

export function wantsIdToken(scopes: readonly string[]): boolean {
  return scopes.some(isSignInScope);
}

export interface IdTokenRequest {
  readonly issuer: string;
  readonly audience: string;
  readonly azp: string;
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly accessToken: string;
  readonly pictureUrl: string;
  readonly nonce: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** An ID token as Google signs them, or, where the settings ask for one, a wrong one. */
export function idToken(request: IdTokenRequest, keys: KeyRing, settings: Settings): string {
  const issuedAt = seconds(request.now);
  const claims: Record<string, unknown> = {
    iss: request.issuer,
    azp: request.azp,
    aud: request.audience,
    sub: request.person.sub,
    ...profileClaims(request.person, request.scopes, request.pictureUrl),
    at_hash: halfHash(request.accessToken),
    ...defined({ nonce: request.nonce }),
    iat: issuedAt,
    exp: issuedAt + settings.idTokenTtlSeconds,
  };
  const flaw = settings.idTokenFlaw;
  if (flaw !== null) return flawed(flaw, claims, keys);
  return compact({ alg: "RS256", kid: keys.current.kid, typ: "JWT" }, claims, rs256(keys.current));
}

function flawed(flaw: IdTokenFlaw, claims: Record<string, unknown>, keys: KeyRing): string {
  const key = keys.current;
  const header = { alg: "RS256", kid: key.kid, typ: "JWT" };
  const signed = (changed: Record<string, unknown>): string => compact(header, { ...claims, ...changed }, rs256(key));
  switch (flaw) {
    case "wrong_aud":
      return signed({ aud: "somebody-else.apps.googleusercontent.com" });
    case "wrong_iss":
      return signed({ iss: "https://accounts.example.net" });
    case "expired":
      return signed({ iat: Number(claims["iat"]) - 7_200, exp: Number(claims["iat"]) - 3_600 });
    case "missing_sub":
      return signed({ sub: undefined });
    case "wrong_nonce":
      return signed({ nonce: "not-the-nonce-that-was-sent" });
    case "alg_none":
      return compact({ ...header, alg: "none" }, claims, () => Buffer.alloc(0));
    case "hs256_with_public_key": {
      // Key confusion: the published key, in the form in which a verifier holds it, is used as an HMAC secret.
      const pem = key.publicKey.export({ format: "pem", type: "spki" });
      return compact({ ...header, alg: "HS256" }, claims, (input) => createHmac("sha256", pem).update(input).digest());
    }
    case "bad_signature":
    case "unknown_kid": {
      const stranger = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
      const kid = flaw === "unknown_kid" ? "0000000000000000000000000000000000000000" : key.kid;
      return compact({ ...header, kid }, claims, (input) => sign("sha256", Buffer.from(input), stranger));
    }
  }
}
