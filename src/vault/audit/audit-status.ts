import { assertFits, required } from "../../core/argument-checks.ts";
import { readingClasses } from "../../crypto/keyring.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import { openKeyring } from "../../crypto/wrapped-keys.ts";
import type { Store } from "../../store/store.ts";
import { verifyAudit } from "./verify.ts";
import type { AuditReport } from "./verify.ts";

/**
 * Checks the end of a store's audit log without opening a vault, and that its first row is there. Nothing is changed.
 *
 * @param store a store that is open
 * @param source gives the master keys, newest first
 * @param newest how many of the last rows are read
 * @returns undefined where the store has no keys yet
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be
 * @throws {OnbehalfError} `key_invalid`, `store_unusable`, `store_unavailable`
 */
export async function auditStatus(
  store: Store,
  source: MasterKeySource,
  newest: number,
): Promise<AuditReport | undefined> {
  assertFits("store", store, aStore);
  assertFits("newest", newest, aCount);
  const masters = await masterKeysOf(source);
  const stored = await store.readKeys();
  if (stored === undefined) return undefined;
  return verifyAudit(store, openKeyring(stored.instance, stored.keys, masters, readingClasses), { newest });
}

const aStore = required({
  fits: (value) => typeof value === "object" && value !== null && "auditRows" in value,
  must: "an open store, such as sqlite(path)",
});
const aCount = required({
  fits: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  must: "a whole number above 0",
});
