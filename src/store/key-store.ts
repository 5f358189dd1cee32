/* The keys that seal what a store keeps, wrapped with the master key: a store can open nothing with them. */

import type { KeyFacts, KeyState } from "../core/data-keys.ts";
import type { Owner } from "../core/take-over.ts";

/** A data key, wrapped by a master key that the store never sees. */
export interface StoredKey extends KeyFacts {
  readonly masterKeyId: string;
  readonly wrapped: Uint8Array;
}

/** A store's random name and its wrapped data keys. */
export interface StoredKeys {
  readonly instance: string;
  /** Counts the changes of which keys there are and how they stand. 0 in a new store. */
  readonly revision: number;
  readonly keys: readonly StoredKey[];
}

/** How data keys change, all at once. */
export interface KeyChanges {
  readonly add?: readonly StoredKey[];
  readonly states?: readonly { readonly keyId: number; readonly state: KeyState; readonly since: number }[];
  /** Numbers of retired keys that go for good. */
  readonly erase?: readonly number[];
}

/** A process that has read the data keys while they change. */
export interface KeyReader {
  readonly owner: Owner;
  /** At which revision it has read them. */
  readonly revision: number;
  /** When it was heard of last, by the store's clock. */
  readonly seenAt: number;
}

/** A key of one of our clients at an issuer, sealed: refresh tokens are bound to it. */
export interface ClientKey {
  readonly issuer: string;
  readonly clientId: string;
  readonly keySealed: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Data keys: wrapped elsewhere, only kept here. And the keys of clients, sealed with them. */
export interface KeyStore {
  /** @returns undefined in a store that was never used */
  readKeys(): Promise<StoredKeys | undefined>;
  /**
   * Writes the first keys, all or none. Keys that another process wrote before stay.
   *
   * @throws {OnbehalfError} `store_unusable`: the store holds rows that were written with other keys, which are gone
   * @returns the keys that are in the store now: seal with these and no others
   */
  createKeys(keys: Omit<StoredKeys, "revision">): Promise<StoredKeys>;
  /** The key of a client; undefined where it has none. */
  clientKey(issuer: string, clientId: string): Promise<ClientKey | undefined>;
  /** The keys of all clients. */
  listClientKeys(): Promise<ClientKey[]>;
  /**
   * Writes the key of a client, unless there is one.
   *
   * @returns the key that is in the store now: use this one and no other
   */
  createClientKey(key: ClientKey): Promise<ClientKey>;
  /**
   * Replaces a data key's wrapping, if it still is as it was read.
   *
   * @returns true: replaced; false: another process has replaced it before, or there is no such key
   */
  replaceKey(before: StoredKey, after: Pick<StoredKey, "masterKeyId" | "wrapped">): Promise<boolean>;
  /**
   * Changes which data keys there are and how they stand, and begins the next revision.
   *
   * @param revision the one that the changes were made from
   * @returns false: nothing was changed, since the store is at another revision
   */
  changeKeys(revision: number, changes: KeyChanges): Promise<boolean>;
  /** Notes that a process has read the data keys of a revision. */
  noteKeyReader(reader: KeyReader): Promise<void>;
  /** Forgets a process that has ended. */
  dropKeyReader(owner: Owner): Promise<void>;
  /** @returns the processes that were noted */
  keyReaders(): Promise<KeyReader[]>;
}
