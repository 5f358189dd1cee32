import { isMac, rightsMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { CallerRow, CallerStore } from "../../store/caller-store.ts";
import type { OnEvent } from "../events.ts";

/** The row with the keyed hash of what it says. */
export function withRights(keyring: Sealer, row: Omit<CallerRow, "rightsMac">): CallerRow {
  return { ...row, rightsMac: rightsMac(keyring, row) };
}

/** Whether a row says what we have written. A revoked one never does: what it held was erased. */
export function hasRights(keyring: Sealer, row: CallerRow): boolean {
  return isMac(row.rightsMac, rightsMac(keyring, row));
}

/**
 * Writes the keyed hashes of callers that an earlier version made, once in the life of a store. Nobody can tell whether
 * such a row was changed by hand before. An event names them, so that a second time is seen.
 *
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function bindCallers(store: CallerStore, keyring: Sealer, emit: OnEvent): Promise<void> {
  const names = await store.bindCallers((row) => rightsMac(keyring, row));
  if (names.length > 0) emit({ type: "callers_bound", names });
}
