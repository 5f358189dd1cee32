import assert from "node:assert/strict";
import type { Store } from "../../src/store/store.ts";
import { bytes, tie } from "../../src/store/suite/rows.ts";

/** Rows as the first migration had them, for tests of those that came after it. */

/** One grant of a database that has the first migration alone. */
export interface FirstGrant {
  readonly grantId: string;
  readonly externalHash: string | undefined;
  readonly state?: string;
  readonly updatedAt?: number;
  readonly clientId?: string;
}

/** The statements that make these grants. */
export function insertFirstGrants(dialect: "sqlite" | "postgres", grants: readonly FirstGrant[]): string {
  const bytes = (text: string): string => {
    const hex = Buffer.from(text).toString("hex");
    return dialect === "sqlite" ? `X'${hex}'` : `'\\x${hex}'`;
  };
  return grants
    .map(({ grantId, externalHash, state = "active", updatedAt = 1, clientId = "client-1" }) => {
      const external = externalHash === undefined ? "NULL" : bytes(externalHash);
      return `INSERT INTO grants (grant_id, provider, issuer, client_id, subject_hash, external_hash, profile_sealed,
          scope, state, state_since, generation, created_at, updated_at)
        VALUES ('${grantId}', 'google', 'https://accounts.google.com', '${clientId}', ${bytes(`subject of ${grantId}`)},
          ${external}, ${bytes(`profile of ${grantId}`)}, 'openid', '${state}', 1, 1, 1, ${updatedAt});`;
    })
    .join("\n");
}

/** Grants with and without external ids, among them ids that mean several grants. */
export const firstGrants: readonly FirstGrant[] = [
  { grantId: "g_alone", externalHash: "user-1" },
  { grantId: "g_nobody", externalHash: undefined },
  { grantId: "g_old", externalHash: "user-2", updatedAt: 5 },
  { grantId: "g_new", externalHash: "user-2", updatedAt: 6 },
  { grantId: "g_revoked", externalHash: "user-2", updatedAt: 7, state: "revoked" },
  { grantId: "g_other", externalHash: "user-2", clientId: "client-2" },
];

/** Looks whether a store that was migrated since still has {@link firstGrants}, by the ids that they were known by. */
export async function assertFirstGrants(store: Store): Promise<void> {
  const knownBy = async (externalId: string): Promise<string[]> =>
    (await store.grantsByExternalId(bytes(externalId))).map(({ grantId }) => grantId);
  assert.equal((await store.listGrants({ limit: 10 })).length, firstGrants.length);
  assert.deepEqual(await knownBy("user-1"), ["g_alone"]);
  assert.deepEqual(await knownBy("user-2"), ["g_new", "g_old", "g_other", "g_revoked"]);
  assert.deepEqual(await knownBy("user-3"), []);
  const row = await store.grantById("g_alone");
  assert.ok(row !== undefined);
  assert.deepEqual([row.lostScope, Buffer.from(row.profileSealed).toString()], ["", "profile of g_alone"]);
  // What was stored then can be stored again, and be known by one more.
  assert.equal(await store.saveFromIntake(row, row, bytes("code"), { add: tie("user-3") }), true);
  assert.deepEqual(await knownBy("user-3"), ["g_alone"]);
}
