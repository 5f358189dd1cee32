import { assertFits, required } from "../../core/argument-checks.ts";
import { UnwellCounts } from "../../core/diagnosis/unwell-counts.ts";
import type { UnwellCount } from "../../core/diagnosis/unwell-counts.ts";
import { asItStands } from "../../core/grant-state.ts";
import type { GrantState } from "../../core/grant-state.ts";
import { readingClasses } from "../../crypto/keyring.ts";
import { openKeyring } from "../../crypto/wrapped-keys.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import { sealedUnder } from "../../crypto/sealing.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { Store } from "../../store/store.ts";
import { ifReadable } from "../errors/grant-unreadable.ts";
import { diagnosisOf, learnLives } from "./diagnosed.ts";
import { openAccessToken, openPerson } from "./sealed-grant.ts";

/** A grant of which a value does not open. It is no fault of the person's, and is kept as it is until it opens again. */
export interface UnreadableGrant {
  readonly grantId: string;
  readonly provider: string;
  readonly state: GrantState;
  /** What does not open. A refresh token is among them once the keeper has tried to use it. */
  readonly values: readonly ("profile" | "access_token" | "refresh_token")[];
  /** The numbers of the data keys that they are under. One that is not in the store has been lost from it. */
  readonly keyIds: readonly number[];
}

const pageSize = 500;

/**
 * Goes through all grants and opens what reading needs. Nothing is changed.
 *
 * @param store a store that is open
 * @param source gives the master keys, newest first
 * @returns how many grants there are, those of which something does not open, and how many are not well for which first cause: the
 *   cause of most grants first. A consent that ends counts in its last week
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be
 * @throws {OnbehalfError} `key_invalid`, `store_unusable`, `store_unavailable`
 */
export async function unreadableGrants(
  store: Store,
  source: MasterKeySource,
): Promise<{
  readonly grants: number;
  readonly unreadable: readonly UnreadableGrant[];
  readonly unwell: readonly UnwellCount[];
}> {
  assertFits("store", store, aStore);
  const masters = await masterKeysOf(source);
  const stored = await store.readKeys();
  if (stored === undefined) return { grants: 0, unreadable: [], unwell: [] };
  const keyring = openKeyring(stored.instance, stored.keys, masters, readingClasses);
  const unreadable: UnreadableGrant[] = [];
  // What providers are configured is not known here: their records say nothing of the first cause.
  const now = await store.now();
  const context = { store, clock: { now: () => now }, protocols: new Map() };
  const unwell = new UnwellCounts(now);
  let grants = 0;
  for (let after = ""; ;) {
    const rows = await store.listGrants({ after, limit: pageSize });
    grants += rows.length;
    await learnLives(context, rows);
    for (const row of rows) {
      unreadable.push(...unreadableIn(keyring, row));
      const { provider, state, consentExpiresAt: endsAt } = asItStands(row, now);
      unwell.add({ provider, state, reason: diagnosisOf(context, row)?.reason, endsAt });
    }
    if (rows.length < pageSize) return { grants, unreadable, unwell: unwell.list() };
    after = rows.at(-1)?.grantId ?? after;
  }
}

/** What of a row does not open; nothing where all does. */
export function unreadableIn(keyring: Sealer, row: GrantRow): UnreadableGrant[] {
  const { grantId, provider, state, profileSealed, accessSealed, refreshSealed, lastError } = row;
  const isLost = accessSealed !== null && ifReadable(() => openAccessToken(keyring, row)) === undefined;
  const closed = [
    ...(ifReadable(() => openPerson(keyring, row)) === undefined ? [["profile", profileSealed] as const] : []),
    ...(isLost ? [["access_token", accessSealed] as const] : []),
    ...(refreshSealed !== null && lastError === "grant_unreadable" ? [["refresh_token", refreshSealed] as const] : []),
  ];
  if (closed.length === 0) return [];
  const keyIds = [...new Set(closed.map(([, sealed]) => sealedUnder(sealed) ?? 0))];
  return [{ grantId, provider, state, values: closed.map(([name]) => name), keyIds }];
}

const aStore = required({
  fits: (value) => typeof value === "object" && value !== null && "listGrants" in value,
  must: "a store that is open, such as sqlite(path)",
});
