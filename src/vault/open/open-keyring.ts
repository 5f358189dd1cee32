import { randomUUID } from "node:crypto";
import { Keyring, keyClasses } from "../../crypto/keyring.ts";
import { highestKeyId, newWrappedKeys, openKeys } from "../../crypto/wrapped-keys.ts";
import type { KeyClass } from "../../crypto/keyring.ts";
import type { MasterKeys } from "../../crypto/master-key.ts";
import type { KeyStore, StoredKeys } from "../../store/key-store.ts";
import type { KeyOpener } from "./key-opener.ts";

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
  const opener: KeyOpener = {
    open: async ({ instance, keys }) => openKeys(instance, keys, masters, classes ?? keyClasses),
    newKeys: (instance) => newWrappedKeys(instance, masters[0]),
  };
  return (await openStoreKeys(store, opener)).keyring;
}

/** {@link openStoreKeyring}, with the data keys as they were read. */
export async function openStoreKeys(
  store: KeyStore,
  opener: KeyOpener,
): Promise<{ readonly keyring: Keyring; readonly stored: StoredKeys }> {
  // Only a store without any data key gets new ones: new keys would open none of the values that are sealed already.
  const instance = randomUUID();
  const stored =
    (await store.readKeys()) ?? (await store.createKeys({ instance, keys: opener.newKeys?.(instance) ?? [] }));
  const keys = await opener.open(stored);
  const keyring = new Keyring(stored.instance, keys);
  keyring.replaceKeys(keys, highestKeyId(stored.keys));
  return { keyring, stored };
}
