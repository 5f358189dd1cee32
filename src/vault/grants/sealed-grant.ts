/**
 * grants/ finds, lists and opens stored grants, as far as a process may that hands out access tokens. What opens or
 * seals refresh tokens does not belong here: only the keeper may do that. Nor does anything that asks a provider.
 */
import { identityMac, isMac, subjectHash } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { reauthorizeBefore } from "../../core/announced-ends.ts";
import { isUsable, scopesOf } from "../../core/grant.ts";
import type { Grant, Profile } from "../../core/grant.ts";
import { Secret } from "../../core/secret.ts";
import type { SealedPlace } from "../../crypto/places.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { grantUnreadable } from "../errors/grant-unreadable.ts";

/** The personal part of a grant, sealed as one value. */
export interface Person {
  readonly profile: Profile;
  /** The app's own user ids that the grant is known by, in the order in which they came. */
  readonly externalIds: readonly string[];
}

type Identity = Pick<GrantRow, "grantId" | "clientId">;

/** Seals the personal part of a grant. */
export function sealPerson(keyring: Sealer, identity: Identity, person: Person): Buffer {
  return keyring.seal(JSON.stringify(person), profilePlace(identity));
}

/** What was sealed while a grant had one external id at most. */
interface SealedBefore {
  readonly profile: Profile;
  readonly externalId?: string;
}

/**
 * Opens the personal part of a grant, and compares it with the hash that the person's grants are found by. Whoever
 * writes the database could otherwise give a row the hash of somebody else, and with it to them.
 *
 * @throws {OnbehalfError} `grant_unreadable`: it does not open, or the row says that it is somebody else's
 */
export function openPerson(
  keyring: Sealer,
  row: Identity & Pick<GrantRow, "profileSealed" | "subjectHash" | "issuer">,
): Person {
  const text = keyring.open(row.profileSealed, profilePlace(row));
  if (text === undefined) throw grantUnreadable(row.grantId);
  const { profile, externalIds, externalId } = JSON.parse(text) as Partial<Person> & SealedBefore;
  if (!isMac(row.subjectHash, subjectHash(keyring, row.issuer, profile.sub))) throw grantUnreadable(row.grantId);
  return { profile, externalIds: externalIds ?? (externalId === undefined ? [] : [externalId]) };
}

/**
 * Refuses a row that may be another person's than its hash says. Tokens that a sign-in brings must not be stored on it,
 * and what it holds must not be kept for whoever signs in.
 *
 * @throws {OnbehalfError} `grant_unreadable`: neither the profile nor the keyed hash beside it says whose grant it is
 */
export function assertIdentity(keyring: Sealer, row: GrantRow): void {
  if (!isMac(row.identityMac, identityMac(keyring, row))) openPerson(keyring, row);
}

/**
 * The access token of a row; undefined where it holds none.
 *
 * @throws {OnbehalfError} `grant_unreadable`
 */
export function openAccessToken(keyring: Sealer, row: GrantRow): Secret | undefined {
  if (row.accessSealed === null) return undefined;
  const token = keyring.open(row.accessSealed, accessTokenPlace(row));
  if (token === undefined) throw grantUnreadable(row.grantId);
  return new Secret(token);
}

/** Where the access token of a generation stands. */
export function accessTokenPlace({
  grantId,
  clientId,
  generation,
}: Pick<GrantRow, "grantId" | "clientId" | "generation">): SealedPlace {
  return { clientId, column: "grants.access_token", recordId: grantId, generation };
}

/** Where the personal part of a grant stands. */
export function profilePlace({ grantId, clientId }: Identity): SealedPlace {
  return { clientId, column: "grants.profile", recordId: grantId, generation: 0 };
}

/**
 * A row as people and programs see it, without its tokens.
 *
 * @param askedBy the external id by which the grant was asked for, if it was by one
 * @throws {OnbehalfError} `grant_unreadable`
 */
export function grantOf(keyring: Sealer, row: GrantRow, askedBy?: string): Grant {
  const { profile, externalIds } = openPerson(keyring, row);
  const externalId = askedBy !== undefined && externalIds.includes(askedBy) ? askedBy : externalIds[0];
  const { lastError, reason } = row;
  return {
    grantId: row.grantId,
    provider: row.provider,
    issuer: row.issuer,
    clientId: row.clientId,
    subject: profile.sub,
    externalIds: externalIds.map((each) => ({ externalId: each })),
    profile,
    scopes: scopesOf(row.scope),
    state: row.state,
    since: new Date(row.stateSince),
    offline: row.refreshSealed !== null && row.state !== "lapsed",
    generation: row.generation,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    ...(externalId === undefined ? {} : { externalId }),
    ...(row.lostScope === "" ? {} : { missingScopes: scopesOf(row.lostScope) }),
    ...(reason === null ? {} : { reason }),
    ...(row.lastRefreshAt === null ? {} : { lastRefreshAt: new Date(row.lastRefreshAt) }),
    ...(row.accessExpiresAt === null ? {} : { accessExpiresAt: new Date(row.accessExpiresAt) }),
    ...(isUsable(row.state) ? endOfConsent(row) : {}),
    ...(row.accessSealed === null ? {} : { accessTokenEndKnown: row.accessExpiresAt !== null }),
    ...(lastError === null ? {} : { lastError: { error: lastError, at: new Date(row.lastErrorAt ?? 0) } }),
  };
}

/** When a grant needs a new consent; nothing where no end is known, as with most providers. */
function endOfConsent(row: GrantRow): Pick<Grant, "reauthorizeBefore"> {
  const isKnown = (row.refreshExpiresAt ?? row.consentExpiresAt) !== null;
  const end = isKnown ? reauthorizeBefore(row) : undefined;
  return end === undefined ? {} : { reauthorizeBefore: new Date(end) };
}
