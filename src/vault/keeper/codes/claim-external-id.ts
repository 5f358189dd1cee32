import { defined } from "../../../core/defined.ts";
import { claimExternalId, externalIdsAfter } from "../../../core/external-ids.ts";
import type { ExternalIdClaim } from "../../../core/external-ids.ts";
import { externalHash } from "../../../crypto/keyring.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { ExternalIdChange } from "../../../store/store.ts";
import { externalIdConflict } from "../../errors/external-id-conflict.ts";
import { ifReadable } from "../../errors/grant-unreadable.ts";
import { openPerson, sealPerson } from "../../grants/sealed-grant.ts";
import type { KeeperContext } from "../context.ts";

/** What becomes of the external ids of a grant with a consent. */
export interface Claim {
  readonly decision: ExternalIdClaim;
  /** All that the grant is known by from then on. */
  readonly externalIds: readonly string[];
  /** What changes in the store. Absent: nothing. */
  readonly change?: ExternalIdChange;
}

/** What a consent says of the app's users. */
interface Named {
  readonly externalId?: string | undefined;
  readonly moveExternalId?: boolean | undefined;
}

/**
 * Decides what becomes of the external ids of a grant with a consent, from what the store holds now.
 *
 * @param existing the grant before the consent; undefined: it is a new one
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function claimFor(
  context: KeeperContext,
  protocol: Protocol,
  existing: GrantRow | undefined,
  { externalId, moveExternalId = false }: Named,
): Promise<Claim> {
  const { keyring } = context;
  const known = existing === undefined ? [] : knownIds(keyring, existing);
  const found = externalId === undefined ? [] : await foundBy(context, protocol, externalId);
  const others = found.filter(isOther(existing)).filter(isHolder(keyring, externalId));
  const decision: ExternalIdClaim =
    externalId === undefined ? { do: "nothing" } : claimExternalId(known.includes(externalId), others, moveExternalId);
  const isConflict = decision.do === "conflict";
  const named = isConflict ? undefined : externalId;
  const externalIds = externalIdsAfter(existing?.state ?? "active", known, named, isConflict);
  const lost = known.filter((each) => !externalIds.includes(each));
  return {
    decision,
    externalIds,
    change: defined({
      add: decision.do === "take" && externalId !== undefined ? externalHash(keyring, externalId) : undefined,
      // Its own, too: where a row says without the profile that the grant has the id, it could not be given to it.
      remove: [...lost, ...(decision.do === "take" && externalId !== undefined ? [externalId] : [])].map((each) =>
        externalHash(keyring, each),
      ),
      from:
        decision.do === "take"
          ? found.filter(isOther(existing)).map((other) => withoutId(keyring, other, externalId))
          : undefined,
    }),
  };
}

/**
 * Says what became of the external id, once that is stored.
 *
 * @throws {OnbehalfError} `external_id_conflict`
 */
export function tellClaim({ emit }: KeeperContext, { grantId, provider }: GrantRow, { decision }: Claim): void {
  if (decision.do === "take") {
    for (const from of decision.moved) emit({ type: "external_id_moved", grantId, provider, from });
  }
  if (decision.do !== "conflict") return;
  const { heldBy } = decision;
  emit({ type: "external_id_conflict", grantId, provider, heldBy });
  throw externalIdConflict(grantId, heldBy);
}

/**
 * Refuses a request again whose external id was refused to its grant: the same request has the same result.
 *
 * @throws {OnbehalfError} `external_id_conflict`
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function assertKnownBy(
  context: KeeperContext,
  protocol: Protocol,
  grant: GrantRow,
  externalId: string | undefined,
): Promise<void> {
  if (externalId === undefined || knownIds(context.keyring, grant).includes(externalId)) return;
  const found = await foundBy(context, protocol, externalId);
  const holder = found.filter(isOther(grant)).find(isHolder(context.keyring, externalId));
  throw externalIdConflict(grant.grantId, holder?.grantId);
}

function knownIds(keyring: Sealer, row: GrantRow): readonly string[] {
  return ifReadable(() => openPerson(keyring, row))?.externalIds ?? [];
}

/** The grants of this provider and client that are found by an external id. */
async function foundBy(
  { store, keyring }: KeeperContext,
  { provider, client }: Protocol,
  externalId: string,
): Promise<GrantRow[]> {
  const rows = await store.grantsByExternalId(externalHash(keyring, externalId));
  return rows.filter((row) => row.clientId === client.clientId && row.provider === provider.name);
}

/**
 * Whether a grant that was found by an external id is known by it. One whose profile says otherwise was given the id by
 * hand, and may not keep it from anybody. One that does not open may be known by it.
 */
function isHolder(keyring: Sealer, externalId: string | undefined): (row: GrantRow) => boolean {
  return (row) => {
    const person = ifReadable(() => openPerson(keyring, row));
    return person === undefined || externalId === undefined || person.externalIds.includes(externalId);
  };
}

function isOther(own: GrantRow | undefined): (row: GrantRow) => boolean {
  return ({ grantId }) => grantId !== own?.grantId;
}

/** The profile of a grant without an external id. One that does not open stays as it is. */
function withoutId(
  keyring: Sealer,
  row: GrantRow,
  externalId: string | undefined,
): NonNullable<ExternalIdChange["from"]>[number] {
  const { grantId, profileSealed: profileRead } = row;
  const person = ifReadable(() => openPerson(keyring, row));
  if (person === undefined) return { grantId, profileRead, profileSealed: profileRead };
  const externalIds = person.externalIds.filter((each) => each !== externalId);
  return { grantId, profileRead, profileSealed: sealPerson(keyring, row, { ...person, externalIds }) };
}
