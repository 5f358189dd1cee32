import { createHash } from "node:crypto";
import type { Sealer } from "../../crypto/keyring.ts";
import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";
import { scopesOf } from "../../core/grant.ts";
import type { Grant, Profile } from "../../core/grant.ts";
import type { TokenSet } from "../../oauth/token-set.ts";
import { Secret } from "../../core/secret.ts";
import type { GrantRow, TokenColumns } from "../../store/store.ts";

/** The personal part of a grant, sealed as one value. */
export interface Person {
  readonly profile: Profile;
  readonly externalId?: string;
}

type Identity = Pick<GrantRow, "grantId" | "clientId">;

/** Hash by which a person is found, the same for every client of an issuer. */
export function subjectHash(keyring: Sealer, issuer: string, subject: string): Buffer {
  return keyring.hash("subject", issuer, subject);
}

export function externalHash(keyring: Sealer, externalId: string): Buffer {
  return keyring.hash("external_id", externalId);
}

export function sealPerson(keyring: Sealer, { grantId, clientId }: Identity, person: Person): Buffer {
  return keyring.seal("read", JSON.stringify(person), {
    clientId,
    column: "grants.profile",
    recordId: grantId,
    generation: 0,
  });
}

/**
 * Columns for a generation, from an answer that may lack a refresh token.
 *
 * @param kept the refresh token to keep where the answer brings none
 */
export function sealTokens(
  keyring: Sealer,
  { grantId, clientId }: Identity,
  generation: number,
  { tokens, receivedAt }: { readonly tokens: TokenSet; readonly receivedAt: number },
  kept: { readonly refreshToken: Secret; readonly expiresAt: number | null; readonly scope: string } | undefined,
): TokenColumns {
  const refreshToken = tokens.refreshToken ?? kept?.refreshToken;
  const place = (column: string): { clientId: string; column: string; recordId: string; generation: number } => ({
    clientId,
    column,
    recordId: grantId,
    generation,
  });
  const life = tokens.refreshTokenExpiresInSeconds;
  return {
    refreshSealed:
      refreshToken === undefined ? null : keyring.seal("refresh", refreshToken.expose(), place("grants.refresh_token")),
    refreshExpiresAt: life === undefined ? (kept?.expiresAt ?? null) : receivedAt + life * 1000,
    ...refreshHashes(keyring, refreshToken),
    accessSealed: keyring.seal("read", tokens.accessToken.expose(), place("grants.access_token")),
    accessIssuedAt: receivedAt,
    accessExpiresAt: receivedAt + tokens.expiresInSeconds * 1000,
    scope: tokens.scope ?? kept?.scope ?? "",
  };
}

/**
 * Cross-Account Protection names a refresh token by its first 16 characters or by a double SHA-512: a keyed hash of
 * each lets us find the row without opening every one.
 *
 * @see https://developers.google.com/identity/protocols/risc
 */
function refreshHashes(
  keyring: Sealer,
  refreshToken: Secret | undefined,
): Pick<TokenColumns, "refreshPrefixHash" | "refreshDigestHash"> {
  if (refreshToken === undefined) return { refreshPrefixHash: null, refreshDigestHash: null };
  const sha512 = (bytes: string | Buffer): Buffer => createHash("sha512").update(bytes).digest();
  return {
    refreshPrefixHash: keyring.hash("refresh_token_prefix", refreshToken.expose().slice(0, 16)),
    refreshDigestHash: keyring.hash("refresh_token_digest", sha512(sha512(refreshToken.expose())).toString("base64")),
  };
}

/** The refresh token of a row; undefined where it holds none. Throws `grant_unreadable`. */
export function openRefreshToken(keyring: Sealer, row: GrantRow): Secret | undefined {
  if (row.refreshSealed === null) return undefined;
  const { grantId, clientId, generation } = row;
  const place = { clientId, column: "grants.refresh_token", recordId: grantId, generation };
  return new Secret(keyring.open("refresh", row.refreshSealed, place) ?? unreadable(row));
}

/** The access token of a row; undefined where it holds none. Throws `grant_unreadable`. */
export function openAccessToken(keyring: Sealer, row: GrantRow): Secret | undefined {
  if (row.accessSealed === null) return undefined;
  const { grantId, clientId, generation } = row;
  const place = { clientId, column: "grants.access_token", recordId: grantId, generation };
  return new Secret(keyring.open("read", row.accessSealed, place) ?? unreadable(row));
}

export function openPerson(keyring: Sealer, row: GrantRow): Person {
  const { grantId, clientId } = row;
  const place = { clientId, column: "grants.profile", recordId: grantId, generation: 0 };
  return JSON.parse(keyring.open("read", row.profileSealed, place) ?? unreadable(row)) as Person;
}

/** A row as people and programs see it: no token in it. Throws `grant_unreadable`. */
export function grantOf(keyring: Sealer, row: GrantRow): Grant {
  const { profile, externalId } = openPerson(keyring, row);
  return {
    grantId: row.grantId,
    provider: row.provider,
    issuer: row.issuer,
    clientId: row.clientId,
    subject: profile.sub,
    ...(externalId === undefined ? {} : { externalId }),
    profile,
    scopes: scopesOf(row.scope),
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    since: new Date(row.stateSince),
    offline: row.refreshSealed !== null && row.state !== "lapsed",
    generation: row.generation,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    ...(row.lastRefreshAt === null ? {} : { lastRefreshAt: new Date(row.lastRefreshAt) }),
    ...(row.accessExpiresAt === null ? {} : { accessExpiresAt: new Date(row.accessExpiresAt) }),
    ...(row.lastError === null ? {} : { lastError: { error: row.lastError, at: new Date(row.lastErrorAt ?? 0) } }),
  };
}

/** What a row holds, or nothing where it does not open: damage must not keep what comes next from being stored. */
export function ifReadable<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isOnbehalfError(error, "grant_unreadable")) return undefined;
    throw error;
  }
}

function unreadable({ grantId }: Identity): never {
  throw new OnbehalfError("grant_unreadable", `a sealed value of grant ${grantId} does not open`, {
    hint: "the row was damaged or brought from another store: restore it from a backup, or let the person sign in again",
    details: { grantId },
  });
}
