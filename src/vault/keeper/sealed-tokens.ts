/**
 * The tokens of a grant: whether an answer's are its own, and its token columns, sealed and opened with the keys that
 * only the keeper has. Nothing outside keeper/ may import this file.
 */
import { hash } from "node:crypto";
import { endsAfter } from "../../core/announced-ends.ts";
import { announceAt } from "../../core/events/consent-end.ts";
import type { AnnouncedEnds, EndsBefore } from "../../core/announced-ends.ts";
import { answerOfAnotherGrant } from "../../core/refresh.ts";
import { BoundToken, Secret } from "../../core/secret.ts";
import { isLiving, lifeOf } from "../../core/token-life.ts";
import { subjectHash } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { SealedColumn, SealedPlace } from "../../crypto/places.ts";
import { claimOfAnotherGrant } from "../../oauth/token-set.ts";
import type { ReceivedTokens, TokenSet } from "../../oauth/token-set.ts";
import type { GrantRow, TokenColumns } from "../../store/grant-row.ts";
import { grantUnreadable, ifReadable } from "../errors/grant-unreadable.ts";
import { openAccessToken } from "../grants/sealed-grant.ts";
import type { KeeperContext } from "./context.ts";

type Identity = Pick<GrantRow, "grantId" | "clientId">;

/** What a grant covers, and what it has lost, each separated by spaces. */
export type ScopeColumns = Pick<GrantRow, "scope" | "lostScope">;

/** What a grant keeps where an answer brings nothing in its place. */
export interface KeptTokens {
  readonly refreshToken?: Secret | undefined;
  /** The ends that were announced for what the grant held before. Absent: none were, or this is a new consent. */
  readonly ends?: EndsBefore | undefined;
  /** An access token that still lives, and when it expires, milliseconds since the epoch. */
  readonly access?: { readonly token: Secret; readonly expiresAt: number | null } | undefined;
}

/**
 * Seals an answer into the columns of a generation.
 *
 * @param generation the one that the columns are for
 * @param scopes what the grant covers from now on, and what it has lost
 * @param kept undefined where the grant held nothing
 */
export function sealTokens(
  { keyring, endsSoonMs }: { readonly keyring: Sealer; readonly endsSoonMs?: number | undefined },
  identity: Identity,
  generation: number,
  { tokens, receivedAt }: ReceivedTokens,
  scopes: ScopeColumns,
  kept: KeptTokens | undefined,
): TokenColumns {
  const refreshToken = tokens.refreshToken ?? kept?.refreshToken;
  const access =
    tokens.accessToken === undefined
      ? kept?.access
      : { token: tokens.accessToken, expiresAt: accessExpiresAt(tokens, receivedAt, refreshToken !== undefined) };
  const hasRefreshToken = tokens.refreshToken !== undefined;
  const life = tokens.refreshTokenExpiresInSeconds ?? tokens.consentExpiresInSeconds;
  const { refreshExpiresAt, consentExpiresAt } =
    life === undefined && kept?.ends === undefined
      ? noEnds
      : endsAfter(kept?.ends, { ...tokens, receivedAt, hasRefreshToken });
  return {
    refreshSealed:
      refreshToken === undefined
        ? null
        : keyring.seal(sealedText(refreshToken), placeOf("grants.refresh_token", identity, generation)),
    refreshExpiresAt: refreshToken === undefined ? null : refreshExpiresAt,
    consentExpiresAt,
    announceEndAt: consentExpiresAt === null ? null : announced(consentExpiresAt, kept?.ends, receivedAt, endsSoonMs),
    ...refreshHashes(keyring, refreshToken),
    accessSealed:
      access === undefined
        ? null
        : keyring.seal(access.token.expose(), placeOf("grants.access_token", identity, generation)),
    // Also where no access token came: from this time on it is counted how long the grant is idle.
    accessIssuedAt: receivedAt,
    accessExpiresAt: access?.expiresAt ?? null,
    ...scopes,
  };
}

function announced(
  endsAt: number,
  before: EndsBefore | undefined,
  now: number,
  endsSoonMs: number | undefined,
): number | null {
  const known = before?.consentExpiresAt ?? null;
  const told = known === null ? undefined : { endsAt: known, announceAt: before?.announceEndAt ?? null };
  return announceAt(endsAt, told, now, endsSoonMs);
}

/** Most providers announce no end of refresh tokens and consents. */
const noEnds: AnnouncedEnds = { refreshExpiresAt: null, consentExpiresAt: null };

/** The ends that are known of a row; undefined where none is. */
export function endsOf({
  accessIssuedAt,
  refreshExpiresAt,
  consentExpiresAt,
  announceEndAt,
}: GrantRow): EndsBefore | undefined {
  if (refreshExpiresAt === null && consentExpiresAt === null) return undefined;
  return { exchangedAt: accessIssuedAt ?? 0, refreshExpiresAt, consentExpiresAt, announceEndAt };
}

/**
 * When an answer's access token expires, milliseconds since the epoch; null where nobody said.
 *
 * @param isRefreshable whether the grant holds a refresh token. Without one, a life of 0 is read as none that was said:
 *   nobody gives a token that is over when it comes, and cannot be replaced
 */
export function accessExpiresAt(
  { expiresInSeconds: life }: TokenSet,
  receivedAt: number,
  isRefreshable: boolean,
): number | null {
  return life === undefined || (life === 0 && !isRefreshable) ? null : receivedAt + life * 1000;
}

/**
 * Opens the refresh token of a row; undefined where the row holds none.
 *
 * @throws {OnbehalfError} `grant_unreadable`: it does not open
 */
export function openRefreshToken(keyring: Sealer, row: GrantRow): Secret | undefined {
  if (row.refreshSealed === null) return undefined;
  const token = keyring.open(row.refreshSealed, refreshTokenPlace(row));
  if (token === undefined) throw grantUnreadable(row.grantId);
  const [, value = token, boundTo] = bound.exec(token) ?? [];
  return boundTo === undefined ? new Secret(value) : new BoundToken(value, boundTo);
}

/** A refresh token that is bound to a key, in a line of its own before the key's thumbprint. */
const bound = /^([^]*)\n([\w-]{43})$/;

function sealedText(token: Secret): string {
  return token instanceof BoundToken ? `${token.expose()}\n${token.boundTo}` : token.expose();
}

/**
 * The access token of a row with its end; undefined where it does not live any more, or does not open.
 *
 * @param at milliseconds since the epoch
 */
export function livingAccess(keyring: Sealer, row: GrantRow, at: number): KeptTokens["access"] {
  const life = lifeOf(row);
  if (life === undefined || !isLiving(life, at)) return undefined;
  const token = ifReadable(() => openAccessToken(keyring, row));
  return token === undefined ? undefined : { token, expiresAt: life.expiresAt };
}

/** Where the refresh token of a generation stands. */
export function refreshTokenPlace(grant: Pick<GrantRow, "grantId" | "clientId" | "generation">): SealedPlace {
  return placeOf("grants.refresh_token", grant, grant.generation);
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
  return {
    refreshPrefixHash: keyring.hash("refresh_token_prefix", refreshToken.expose().slice(0, 16)),
    refreshDigestHash: refreshDigestHash(keyring, refreshToken),
  };
}

/** The keyed hash of a refresh token's SHA-512 of its SHA-512. */
export function refreshDigestHash(keyring: Sealer, refreshToken: Secret): Buffer {
  const once = hash("sha512", refreshToken.expose(), "buffer");
  return keyring.hash("refresh_token_digest", hash("sha512", once, "base64"));
}

/**
 * Whether an answer's ID token names another grant: a proxy or the provider has mixed up two people's answers. Where it
 * does, an event tells the operator.
 *
 * @param grant the one whose refresh token was sent
 */
export function isOfAnotherGrant(
  { keyring, protocols, emit }: Pick<KeeperContext, "keyring" | "protocols" | "emit">,
  grant: Pick<GrantRow, "grantId" | "provider" | "clientId" | "issuer" | "subjectHash">,
  tokens: TokenSet,
): boolean {
  const { grantId, provider, clientId } = grant;
  const claim = claimOfAnotherGrant(tokens, {
    clientId,
    issuer: protocols.get(provider)?.provider,
    isSubject: (sub) => subjectHash(keyring, grant.issuer, sub).equals(grant.subjectHash),
  });
  if (claim !== undefined) emit({ type: answerOfAnotherGrant, grantId, provider, claim });
  return claim !== undefined;
}
