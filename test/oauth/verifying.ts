import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { JWK } from "jose";
import { isOnbehalfError } from "../../src/core/errors.ts";
import type { Profile } from "../../src/core/grant.ts";
import { verifyIdToken } from "../../src/oauth/id-token.ts";
import { usableKeys } from "../../src/oauth/usable-keys.ts";
import type { IdTokenChecks } from "../../src/oauth/id-token.ts";
import { google } from "../../src/providers/google.ts";
import { Secret } from "../../src/core/secret.ts";
import { minted, rsaMinter } from "./minting.ts";

export const now = Date.UTC(2026, 10, 22);
export const seconds = now / 1000;
export const clientId = "1234567890-web.apps.googleusercontent.com";
export const accessToken = new Secret("ya29.access");

export const key = rsaMinter("k-1");
export const other = rsaMinter("k-2");
export const stranger = rsaMinter("k-1");

export function halfHash(algorithm: string, token = accessToken.expose()): string {
  const digest = createHash(algorithm).update(token).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}

/** What Google writes. */
export const claims = {
  iss: "https://accounts.google.com",
  azp: clientId,
  aud: clientId,
  sub: "110169484474386276334",
  email: "ada@example.com",
  email_verified: true,
  at_hash: halfHash("sha256"),
  name: "Ada Lovelace",
  picture: "https://example.com/ada.png",
  given_name: "Ada",
  family_name: "Lovelace",
  locale: "en",
  iat: seconds,
  exp: seconds + 3_600,
};

export const provider = google({ clientId });

export function verify(
  token: string,
  more: Partial<IdTokenChecks> = {},
  published: JWK[] = [key.jwk, other.jwk],
): Promise<Profile> {
  const getKey = usableKeys(JSON.stringify({ keys: published }));
  assert.ok(getKey !== undefined);
  return verifyIdToken(new Secret(token), { provider, clientId, getKey, now, ...more });
}

/** Which check refuses a token; the refusal must say so without repeating the token. */
export async function checkThatFails(
  token: string,
  more: Partial<IdTokenChecks> = {},
  published?: JWK[],
): Promise<string> {
  try {
    await verify(token, more, published);
  } catch (error) {
    assert.ok(isOnbehalfError(error, "id_token_invalid"), String(error));
    assert.ok(!`${error.message} ${error.hint} ${JSON.stringify(error.details)}`.includes("eyJ"));
    return error.details.check;
  }
  return "none of them";
}

export const good = minted(key, claims);
