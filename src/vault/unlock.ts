import { randomUUID } from "node:crypto";
import { newWrappedKeys, openKeyring } from "../crypto/keyring.ts";
import type { KeyClass, Keyring } from "../crypto/keyring.ts";
import { masterKeysOf } from "../crypto/master-key.ts";
import type { MasterKeySource } from "../crypto/master-key.ts";
import type { KeyStore } from "../store/store.ts";

/**
 * Opens a store's keyring, or makes the first one of a store that was never used.
 *
 * @throws {OnbehalfError} `key_invalid`: no key, a damaged one, or another store's; nothing was changed
 */
export async function unlock(
  store: KeyStore,
  source: MasterKeySource,
  classes?: readonly KeyClass[],
): Promise<Keyring> {
  const masters = await masterKeysOf(source);
  // Only a store without any key gets new ones: where sealed values exist, a new key would open none of them.
  const instance = randomUUID();
  const stored =
    (await store.readKeys()) ?? (await store.createKeys({ instance, keys: newWrappedKeys(instance, masters[0]) }));
  return openKeyring(stored.instance, stored.keys, masters, classes);
}
