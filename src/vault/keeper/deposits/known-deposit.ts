import { OnbehalfError } from "../../../core/errors.ts";
import { isUsable } from "../../../core/grant.ts";
import { isMac, resultMac } from "../../../crypto/keyring.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { DepositRow } from "../../../store/deposit-store.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import { ifReadable } from "../../errors/grant-unreadable.ts";
import { openPerson, sealPerson } from "../../grants/sealed-grant.ts";
import { claimFor, tellClaim } from "../codes/claim-external-id.ts";
import type { Intake } from "../codes/intake.ts";
import type { KeeperContext } from "../context.ts";
import type { DepositRequest } from "../keeper.ts";
import { openRefreshToken, refreshDigestHash } from "../sealed-tokens.ts";

/** What is known of a token that is deposited. */
export type KnownDeposit =
  { readonly kind: "grant"; readonly grantId: string } | { readonly kind: "lost"; readonly sentAt: number };

/** How often the external id is tried to be added where other writers come first each time. */
const rounds = 20;

/**
 * What a token has become before: the grant that it was deposited for, or the one that holds it. That grant is known by
 * the deposit's external id from then on, as after a sign-in.
 *
 * @returns undefined: nothing is known of it
 * @throws {OnbehalfError} `external_id_conflict`: that id means another grant
 * @throws {OnbehalfError} `grant_unreadable`, `store_unavailable`
 */
export async function knownDeposit(
  context: KeeperContext,
  intake: Intake,
  request: DepositRequest,
): Promise<KnownDeposit | undefined> {
  const { store, keyring } = context;
  const { codeHash } = intake;
  for (let round = 0; round < rounds; round++) {
    const deposit = await store.depositByToken(codeHash);
    const grantId = deposit === undefined ? undefined : provenGrant(keyring, deposit);
    const row = grantId === undefined ? await holderOf(context, intake, request) : await store.grantById(grantId);
    if (row === undefined) return deposit === undefined ? undefined : { kind: "lost", sentAt: deposit.depositedAt };
    if (await isNamed(context, intake, row, request, grantId !== undefined)) {
      return { kind: "grant", grantId: row.grantId };
    }
  }
  throw new OnbehalfError("store_unavailable", "the grant kept changing while its external id was stored", {
    hint: "nothing was lost: deposit the same token again",
    details: { retryAfterMs: 1_000 },
  });
}

/** The grant of a deposit. A row that does not prove it was edited: the grant may be somebody else's. */
function provenGrant(
  keyring: Sealer,
  { tokenHash, grantId, depositedAt, resultMac: mac }: DepositRow,
): string | undefined {
  if (grantId === null) return undefined;
  return isMac(mac, resultMac(keyring, tokenHash, grantId, depositedAt)) ? grantId : undefined;
}

/** The usable grant that holds the token. Another one is dead, and the token may be better than we know. */
async function holderOf(
  { store, keyring }: KeeperContext,
  { protocol }: Intake,
  { refreshToken }: DepositRequest,
): Promise<GrantRow | undefined> {
  const { provider, client } = protocol;
  const rows = await store.grantsByRefreshDigest(refreshDigestHash(keyring, refreshToken));
  return rows.find(
    (row) =>
      row.clientId === client.clientId &&
      row.provider === provider.name &&
      isUsable(row.state) &&
      // The hash may have been copied here from another row.
      ifReadable(() => openRefreshToken(keyring, row))?.expose() === refreshToken.expose(),
  );
}

/**
 * Makes a grant known by an external id and by the token, where it is not yet.
 *
 * @param isRemembered whether it is known by the token
 * @returns false: the grant has changed meanwhile
 */
async function isNamed(
  context: KeeperContext,
  { protocol, codeHash }: Intake,
  row: GrantRow,
  { externalId, account }: DepositRequest,
  isRemembered: boolean,
): Promise<boolean> {
  const { store, keyring, clock } = context;
  if (isRemembered && !isUsable(row.state)) return true;
  const person = openPerson(keyring, row);
  const claim = await claimFor(context, protocol, row, person.profile.sub, { externalId, account });
  const isKnown = claim.decision.do !== "take";
  if (!isKnown || !isRemembered) {
    const { externalIds } = claim;
    const profileSealed = isKnown ? row.profileSealed : sealPerson(keyring, row, { ...person, externalIds });
    const after = { ...row, profileSealed, updatedAt: clock.now() };
    const result = resultMac(keyring, codeHash, row.grantId, after.updatedAt);
    const how = { isAgain: true, isDeposit: true };
    const change = isKnown ? undefined : claim.change;
    if (!(await store.saveFromIntake(after, row, codeHash, change, result, how))) return false;
  }
  tellClaim(context, row, claim);
  return true;
}
