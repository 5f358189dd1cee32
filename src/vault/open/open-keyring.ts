import { randomUUID } from "node:crypto";
import { newWrappedKeys, openKeyring } from "../../crypto/keyring.ts";
import type { KeyClass, Keyring } from "../../crypto/keyring.ts";
import type { MasterKeys } from "../../crypto/master-key.ts";
import type { KeyStore, StoredKeys } from "../../store/key-store.ts";

/**
 * Opens a store's keyring, or makes the first one of a store that was never used.
 *
 * @param classes the classes of data keys to open; all by default
 * @throws {OnbehalfError} `key_invalid`: the store was sealed with another master key; nothing was changed
 * @throws {OnbehalfError} `store_unusable`: a data key is damaged, or the keys of a store that was used are gone
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function openStoreKeyring(
  store: KeyStore,
  masters: MasterKeys,
  classes?: readonly KeyClass[],
): Promise<Keyring> {
  return (await openStoreKeys(store, masters, classes)).keyring;
}

/** {@link openStoreKeyring}, with the data keys as they were read. */
export async function openStoreKeys(
  store: KeyStore,
  masters: MasterKeys,
  classes?: readonly KeyClass[],
): Promise<{ readonly keyring: Keyring; readonly stored: StoredKeys }> {
  // Only a store without any data key gets new ones: new keys would open none of the values that are sealed already.
  const instance = randomUUID();
  const stored =
    (await store.readKeys()) ?? (await store.createKeys({ instance, keys: newWrappedKeys(instance, masters[0]) }));
  return { keyring: openKeyring(stored.instance, stored.keys, masters, classes), stored };
}
