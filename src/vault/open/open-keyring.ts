import { randomUUID } from "node:crypto";
import { newWrappedKeys, openKeyring } from "../../crypto/keyring.ts";
import type { KeyClass, Keyring } from "../../crypto/keyring.ts";
import type { MasterKeys } from "../../crypto/master-key.ts";
import type { KeyStore } from "../../store/store.ts";

/**
 * Opens a store's keyring, or makes the first one of a store that was never used.
 *
 * @throws {OnbehalfError} `key_invalid`: another store's key; nothing was changed
 */
export async function openStoreKeyring(
  store: KeyStore,
  masters: MasterKeys,
  classes?: readonly KeyClass[],
): Promise<Keyring> {
  // Only a store without any key gets new ones: where sealed values exist, a new key would open none of them.
  const instance = randomUUID();
  const stored =
    (await store.readKeys()) ?? (await store.createKeys({ instance, keys: newWrappedKeys(instance, masters[0]) }));
  return openKeyring(stored.instance, stored.keys, masters, classes);
}
