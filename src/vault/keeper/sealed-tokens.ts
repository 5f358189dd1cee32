/**
 * The token columns of a grant, sealed and opened with the keys that only the keeper has. Nothing outside keeper/ may
 * import this file.
 */
import { createHash } from "node:crypto";
import { Secret } from "../../core/secret.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { SealedColumn, SealedPlace } from "../../crypto/places.ts";
import type { ReceivedTokens } from "../../oauth/token-set.ts";
import type { GrantRow, TokenColumns } from "../../store/store.ts";
import { grantUnreadable } from "../errors/grant-unreadable.ts";

type Identity = Pick<GrantRow, "grantId" | "clientId">;

/** The refresh token that a grant keeps where an answer brings no new one. */
export interface KeptToken {
  readonly refreshToken: Secret;
  /** When it ends, milliseconds since the epoch; null where the provider did not say. */
  readonly expiresAt: number | null;
  readonly scope: string;
}

/**
 * Seals an answer into the columns of a generation.
 *
 * @param generation the one that the columns are for
 * @param kept the refresh token to keep where the answer brings none; undefined where none is held
 */
export function sealTokens(
  keyring: Sealer,
  identity: Identity,
  generation: number,
  { tokens, receivedAt }: ReceivedTokens,
  kept: KeptToken | undefined,
): TokenColumns {
  const refreshToken = tokens.refreshToken ?? kept?.refreshToken;
  const accessPlace = placeOf("grants.access_token", identity, generation);
  const life = tokens.refreshTokenExpiresInSeconds;
  return {
    refreshSealed:
      refreshToken === undefined
        ? null
        : keyring.seal(refreshToken.expose(), placeOf("grants.refresh_token", identity, generation)),
    refreshExpiresAt: life === undefined ? (kept?.expiresAt ?? null) : receivedAt + life * 1000,
    ...refreshHashes(keyring, refreshToken),
    accessSealed: keyring.seal(tokens.accessToken.expose(), accessPlace),
    accessIssuedAt: receivedAt,
    accessExpiresAt: receivedAt + tokens.expiresInSeconds * 1000,
    scope: tokens.scope ?? kept?.scope ?? "",
  };
}

/**
 * Opens the refresh token of a row; undefined where the row holds none.
 *
 * @throws {OnbehalfError} `grant_unreadable`: it does not open
 */
export function openRefreshToken(keyring: Sealer, row: GrantRow): Secret | undefined {
  if (row.refreshSealed === null) return undefined;
  const token = keyring.open(row.refreshSealed, placeOf("grants.refresh_token", row, row.generation));
  if (token === undefined) throw grantUnreadable(row.grantId);
  return new Secret(token);
}

function placeOf(column: SealedColumn, { grantId, clientId }: Identity, generation: number): SealedPlace {
  return { clientId, column, recordId: grantId, generation };
}

/**
 * The keyed hashes by which a row is found without opening every refresh token. Google's Cross-Account Protection names
 * a refresh token by its first 16 characters, or by the SHA-512 of its SHA-512.
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
