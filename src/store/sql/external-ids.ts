import { forMany } from "./for-many.ts";
import type { ForMany, Transaction } from "./sql.ts";
import type { GrantRow } from "../grant-row.ts";
import type { ExternalIdChange } from "../store.ts";

/** The ids of the grants that are known by an external id, for `WHERE grant_id IN`. */
export const grantsKnownBy = "(SELECT grant_id FROM external_ids WHERE external_hash = :externalHash)";

/** The same of those that are known under a label; `ofUser`: to the user of an external id, otherwise to anybody. */
export function grantsKnownAs(ofUser: boolean): string {
  const user = ofUser ? "external_hash = :externalHash AND " : "";
  return `(SELECT grant_id FROM external_ids WHERE ${user}account_hash IN (:accountHash, :accountSubject))`;
}

const ofGrant: ForMany = {
  key: "grantId",
  column: "grant_id",
  types: { grantId: "text", externalHash: "bytea", clientId: "text", provider: "text", accountHash: "bytea" },
};
const forget = forMany("DELETE FROM external_ids WHERE grant_id = :grantId AND external_hash = :externalHash", ofGrant);
/** Lets an external id mean a grant under a label, where they mean no other one. */
export const insertTie: string = forMany(
  `INSERT INTO external_ids (external_hash, client_id, provider, account_hash, grant_id)
  VALUES (:externalHash, :clientId, :provider, :accountHash, :grantId) ON CONFLICT DO NOTHING`,
  ofGrant,
);
/** The change of the row tells other processes to look the id up again. */
const replaceProfile = `UPDATE grants SET profile_sealed = :profileSealed, updated_at = :at
  WHERE grant_id = :grantId AND profile_sealed = :profileRead`;

/**
 * Changes the external ids of a grant that was stored in the same transaction.
 *
 * @returns false where the id and label mean another grant, or one that loses the id is not as it was read. The
 *   transaction must then be undone
 */
export async function changeExternalIds(
  sql: Transaction,
  { grantId, clientId, provider, updatedAt: at }: GrantRow,
  { add, remove = [], from = [] }: ExternalIdChange,
): Promise<boolean> {
  const took = { action: "grant.external_id_lost", generation: null, detail: null };
  for (const each of remove) {
    if ((await sql.run(forget, { grantId, externalHash: each })) > 0)
      sql.note({ ...took, grantId, outcome: "removed" });
  }
  if (add === undefined) return true;
  const { externalHash, accountHash } = add;
  for (const { grantId: loser, profileRead, profileSealed } of from) {
    if ((await sql.run(replaceProfile, { grantId: loser, profileRead, profileSealed, at })) === 0) return false;
    await sql.run(forget, { grantId: loser, externalHash });
    sql.note({ ...took, grantId: loser, outcome: "moved" });
  }
  if ((await sql.run(forget, { grantId, externalHash })) > 0) {
    sql.note({ action: "grant.account_renamed", grantId, generation: null, outcome: "renamed", detail: null });
  }
  return (await sql.run(insertTie, { externalHash, accountHash, clientId, provider, grantId })) === 1;
}
