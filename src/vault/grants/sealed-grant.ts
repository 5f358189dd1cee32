/**
 * grants/ finds, lists and opens stored grants, as far as a process may that hands out access tokens. What opens or
 * seals refresh tokens does not belong here: only the keeper may do that. Nor does anything that asks a provider.
 */
import { identityMac, isMac, subjectHash } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { reauthorizeBefore } from "../../core/announced-ends.ts";
import { defaultAccount } from "../../core/external-ids.ts";
import type { Diagnosis } from "../../core/diagnosis/diagnosis.ts";
import type { Grant, Profile, Tie } from "../../core/grant.ts";
import { isUsable, scopesOf } from "../../core/grant.ts";
import { Secret } from "../../core/secret.ts";
import type { SealedPlace } from "../../crypto/places.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { grantUnreadable } from "../errors/grant-unreadable.ts";

/** The personal part of a grant, sealed as one value. */
export interface Person {
  readonly profile: Profile;
  /** The app's own user ids that the grant is known by, and their labels for it, in the order in which they came. */
  readonly externalIds: readonly Tie[];
}

/** What was said of the tie by which a grant is asked for; nothing of it where it is asked for otherwise. */
export interface AskedTie {
  readonly externalId?: string | undefined;
  readonly account?: string | undefined;
}

type Identity = Pick<GrantRow, "grantId" | "clientId">;

/** Seals the personal part of a grant. */
export function sealPerson(keyring: Sealer, identity: Identity, person: Person): Buffer {
  return keyring.seal(JSON.stringify(person), profilePlace(identity));
}

/** What was sealed while a grant had one external id at most, and later while there were no labels. */
interface SealedBefore {
  readonly profile: Profile;
  readonly externalId?: string;
  readonly externalIds?: readonly (string | Tie)[];
}

/**
 * Opens the personal part of a grant, and compares it with the hash that the person's grants are found by. Whoever
 * writes the database could otherwise give a row the hash of somebody else, and with it to them.
 *
 * @throws {OnbehalfError} `grant_unreadable`: it does not open, or the row says that it is somebody else's
 */
export function openPerson(
  keyring: Sealer,
  row: Identity & Pick<GrantRow, "profileSealed" | "subjectHash" | "issuer" | "provider">,
): Person {
  const text = keyring.open(row.profileSealed, profilePlace(row));
  if (text === undefined) throw grantUnreadable(row.grantId);
  const { profile, externalId, externalIds } = JSON.parse(text) as SealedBefore;
  if (!isMac(row.subjectHash, subjectHash(keyring, row.issuer, profile.sub))) throw grantUnreadable(row.grantId);
  const ties = externalIds ?? (externalId === undefined ? [] : [externalId]);
  return { profile, externalIds: ties.map((tie) => (typeof tie === "string" ? withoutLabel(tie) : tie)) };

  function withoutLabel(id: string): Tie {
    return { externalId: id, account: defaultAccount(row.provider, id, profile.sub) };
  }
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
export function openAccessToken(
  keyring: Sealer,
  row: Pick<GrantRow, "grantId" | "clientId" | "generation" | "accessSealed">,
): Secret | undefined {
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
 * @param asked the external id and the label by which the grant was asked for, as far as it was by any
 * @param diagnosis why it is not well; absent where it is
 * @throws {OnbehalfError} `grant_unreadable`
 */
export function grantOf(keyring: Sealer, row: GrantRow, asked: AskedTie = {}, diagnosis?: Diagnosis): Grant {
  const { profile, externalIds } = openPerson(keyring, row);
  const { lastError } = row;
  return {
    grantId: row.grantId,
    provider: row.provider,
    issuer: row.issuer,
    clientId: row.clientId,
    subject: profile.sub,
    externalIds,
    profile,
    scopes: scopesOf(row.scope),
    state: row.state,
    since: new Date(row.stateSince),
    offline: row.refreshSealed !== null && row.state !== "lapsed",
    generation: row.generation,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    ...(externalIds.find(fits(asked)) ?? externalIds[0]),
    ...(row.lostScope === "" ? {} : { missingScopes: scopesOf(row.lostScope) }),
    ...diagnosis,
    ...(row.lastRefreshAt === null ? {} : { lastRefreshAt: new Date(row.lastRefreshAt) }),
    ...(row.accessExpiresAt === null ? {} : { accessExpiresAt: new Date(row.accessExpiresAt) }),
    ...(isUsable(row.state) ? endOfConsent(row) : {}),
    ...(row.accessSealed === null ? {} : { accessTokenEndKnown: row.accessExpiresAt !== null }),
    ...(lastError === null ? {} : { lastError: { error: lastError, at: new Date(row.lastErrorAt ?? 0) } }),
  };
}

/** Whether a grant is asked for by a tie of it: by all that was given. */
export function fits({ externalId, account }: AskedTie): (tie: Tie) => boolean {
  return (tie) =>
    (externalId === undefined || tie.externalId === externalId) && (account === undefined || tie.account === account);
}

/** When a grant needs a new consent; nothing where no end is known, as with most providers. */
function endOfConsent(row: GrantRow): Pick<Grant, "reauthorizeBefore"> {
  const isKnown = (row.refreshExpiresAt ?? row.consentExpiresAt) !== null;
  const end = isKnown ? reauthorizeBefore(row) : undefined;
  return end === undefined ? {} : { reauthorizeBefore: new Date(end) };
}
