/* The keys that seal what a store keeps, wrapped with the master key: a store can open nothing with them. */

/** A data key, wrapped by a master key that the store never sees. */
export interface StoredKey {
  readonly keyId: number;
  readonly keyClass: string;
  readonly masterKeyId: string;
  readonly wrapped: Uint8Array;
}

/** A store's random name and its wrapped data keys. */
export interface StoredKeys {
  readonly instance: string;
  readonly keys: readonly StoredKey[];
}

/** Data keys: wrapped elsewhere, only kept here. */
export interface KeyStore {
  /** @returns undefined in a store that was never used */
  readKeys(): Promise<StoredKeys | undefined>;
  /**
   * Writes the first keys, all or none. Keys that another process wrote before stay.
   *
   * @throws {OnbehalfError} `store_unusable`: the store holds rows that were written with other keys, which are gone
   * @returns the keys that are in the store now: seal with these and no others
   */
  createKeys(keys: StoredKeys): Promise<StoredKeys>;
  /**
   * Replaces a data key's wrapping, if it still is as it was read.
   *
   * @returns true: replaced; false: another process has replaced it before, or there is no such key
   */
  replaceKey(before: StoredKey, after: Pick<StoredKey, "masterKeyId" | "wrapped">): Promise<boolean>;
}
