import { defined } from "../../../core/defined.ts";
import { claimExternalId, defaultAccount, tiesAfter } from "../../../core/external-ids.ts";
import type { ExternalIdClaim, Holder } from "../../../core/external-ids.ts";
import type { Tie } from "../../../core/grant.ts";
import { accountHash, externalHash, subjectHash } from "../../../crypto/keyring.ts";
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
  readonly externalIds: readonly Tie[];
  /** What changes in the store. Absent: nothing. */
  readonly change?: ExternalIdChange;
}

/** What a consent says of the app's users. */
interface Named {
  readonly externalId?: string | undefined;
  readonly account?: string | undefined;
  readonly moveExternalId?: boolean | undefined;
}

const nothing: ExternalIdClaim = { do: "nothing" };

/**
 * Decides what becomes of the external ids of a grant with a consent, from what the store holds now.
 *
 * @param existing the grant before the consent; undefined: it is a new one
 * @param subject who has consented
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function claimFor(
  context: KeeperContext,
  protocol: Protocol,
  existing: GrantRow | undefined,
  subject: string,
  { externalId, account, moveExternalId: move = false }: Named,
): Promise<Claim> {
  const { keyring } = context;
  const known = existing === undefined ? [] : knownTies(keyring, existing);
  const own = known.find((tie) => tie.externalId === externalId);
  const found = externalId === undefined ? [] : await foundBy(context, protocol, externalId);
  const others = found.filter(isOther(existing));
  let decision = nothing;
  if (externalId !== undefined) {
    const byDefault = defaultAccount(protocol.provider.name, externalId, subject);
    const asked = { externalId, account: account ?? own?.account ?? byDefault };
    const holders = await holdersAmong(context, protocol, others, asked);
    decision = claimExternalId({ externalId, account, move }, own?.account, byDefault, holders);
  }
  const isConflict = decision.do === "conflict";
  const externalIds = tiesAfter(
    existing?.state ?? "active",
    known,
    decision.do === "take" ? decision.tie : isConflict ? undefined : own,
    isConflict,
  );
  const lost = known.filter((each) => !externalIds.some((tie) => tie.externalId === each.externalId));
  const taken = decision.do === "take" ? decision : undefined;
  return {
    decision,
    externalIds,
    change: defined({
      add: taken === undefined ? undefined : hashesOf(keyring, taken.tie),
      remove: lost.map((each) => externalHash(keyring, each.externalId)),
      from: taken === undefined ? undefined : others.filter(losesTo(taken, keyring)).map(without(keyring, taken.tie)),
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
  const { heldBy, account } = decision;
  emit({ type: "external_id_conflict", grantId, provider, heldBy });
  throw externalIdConflict(account, grantId, heldBy);
}

/**
 * Refuses a request again whose external id or label was refused to its grant: the same request has the same result.
 *
 * @throws {OnbehalfError} `external_id_conflict`
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function assertKnownBy(
  context: KeeperContext,
  protocol: Protocol,
  grant: GrantRow,
  { externalId, account }: Named,
): Promise<void> {
  if (externalId === undefined) return;
  const own = knownTies(context.keyring, grant).find((tie) => tie.externalId === externalId);
  if (own !== undefined && (account === undefined || own.account === account)) return;
  const sub = ifReadable(() => openPerson(context.keyring, grant))?.profile.sub ?? "";
  const asked = { externalId, account: account ?? defaultAccount(protocol.provider.name, externalId, sub) };
  const others = (await foundBy(context, protocol, externalId)).filter(isOther(grant));
  const holders = await holdersAmong(context, protocol, others, asked);
  const holder = holders.find((other) => other.account === asked.account);
  // Known by another label since, which is no refusal.
  if (own !== undefined && holder === undefined) return;
  throw externalIdConflict(asked.account, grant.grantId, holder?.grantId);
}

function knownTies(keyring: Sealer, row: GrantRow): readonly Tie[] {
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
 * Of grants that were found by an external id, those that are known by it, with their labels. One whose profile says
 * otherwise was given the id by hand, and may not keep anything from anybody. Of one that does not open, the hash tells
 * whether it has the label that is asked for.
 */
async function holdersAmong(
  { store, keyring }: KeeperContext,
  { provider }: Protocol,
  rows: readonly GrantRow[],
  { externalId, account }: Tie,
): Promise<Holder[]> {
  const people = rows.map(({ grantId, state }, index) => {
    const person = ifReadable(() => openPerson(keyring, rows[index] as GrantRow));
    return { grantId, state, person, tie: person?.externalIds.find((tie) => tie.externalId === externalId) };
  });
  const closed = new Set<string>();
  if (people.some(({ person }) => person === undefined)) {
    const hashes = {
      accountHash: accountHash(keyring, account),
      subjectHash: subjectHash(keyring, provider.issuer, account),
    };
    const filter = { externalHash: externalHash(keyring, externalId), account: hashes, limit: rows.length + 1 };
    for (const { grantId } of await store.listGrants(filter)) closed.add(grantId);
  }
  return people
    .filter(({ person, tie }) => person === undefined || tie !== undefined)
    .map(({ grantId, state, tie }) => ({
      grantId,
      state,
      account: tie?.account ?? (closed.has(grantId) ? account : undefined),
    }));
}

function isOther(own: GrantRow | undefined): (row: GrantRow) => boolean {
  return ({ grantId }) => grantId !== own?.grantId;
}

function hashesOf(keyring: Sealer, { externalId, account }: Tie): NonNullable<ExternalIdChange["add"]> {
  return { externalHash: externalHash(keyring, externalId), accountHash: accountHash(keyring, account) };
}

/** Whether a grant loses an external id to another: it was told to, or it was given the id by hand. */
function losesTo(
  { tie: { externalId }, from }: ExternalIdClaim & { readonly do: "take" },
  keyring: Sealer,
): (row: GrantRow) => boolean {
  return (row) => {
    const person = ifReadable(() => openPerson(keyring, row));
    const isByHand = person !== undefined && !person.externalIds.some((tie) => tie.externalId === externalId);
    return from.includes(row.grantId) || isByHand;
  };
}

/** The profile of a grant without an external id. One that does not open stays as it is. */
function without(
  keyring: Sealer,
  { externalId }: Tie,
): (row: GrantRow) => NonNullable<ExternalIdChange["from"]>[number] {
  return (row) => {
    const { grantId, profileSealed: profileRead } = row;
    const person = ifReadable(() => openPerson(keyring, row));
    if (person === undefined) return { grantId, profileRead, profileSealed: profileRead };
    const externalIds = person.externalIds.filter((tie) => tie.externalId !== externalId);
    return { grantId, profileRead, profileSealed: sealPerson(keyring, row, { ...person, externalIds }) };
  };
}
