import { createHmac, randomBytes } from "node:crypto";
import { OnbehalfError } from "../core/errors.ts";
import type { MasterKey } from "./master-key.ts";
import { sealedColumns } from "./places.ts";
import type { KeyClass, SealedPlace, WrappedKeyPlace } from "./places.ts";
import { open, seal, sealedUnder } from "./sealing.ts";
import type { DataKey } from "./sealing.ts";

export type { KeyClass } from "./places.ts";

export const keyClasses: readonly KeyClass[] = ["refresh", "read", "index", "assertion"];

/** What a process needs that serves reads and opens no refresh token. */
export const readingClasses: readonly KeyClass[] = ["read", "index", "assertion"];

/** A data key as the store keeps it. */
export interface WrappedKey {
  readonly keyId: number;
  readonly keyClass: string;
  readonly masterKeyId: string;
  readonly wrapped: Uint8Array;
}

/** The keys of one store, opened. Holds only the classes it was given. */
export class Keyring {
  readonly instance: string;
  readonly #newest = new Map<KeyClass, DataKey>();
  readonly #byId = new Map<number, { key: DataKey; keyClass: KeyClass }>();

  constructor(instance: string, keys: readonly { key: DataKey; keyClass: KeyClass }[]) {
    this.instance = instance;
    for (const each of keys.toSorted((a, b) => a.key.keyId - b.key.keyId)) {
      this.#newest.set(each.keyClass, each.key);
      this.#byId.set(each.key.keyId, each);
    }
  }

  /** Seals for one place, under the newest key of the place's class. */
  seal(plaintext: string, place: SealedPlace): Buffer {
    return seal(plaintext, { ...place, instance: this.instance }, this.#key(sealedColumns[place.column]));
  }

  /** Opens with whichever key of the place's class sealed it; undefined where it does not open. */
  open(sealed: Uint8Array, place: SealedPlace): string | undefined {
    const keyClass = sealedColumns[place.column];
    // Without the class nothing can be said about the value: to call it damaged would condemn what is sound.
    this.#key(keyClass);
    const entry = this.#byId.get(sealedUnder(sealed) ?? -1);
    // A value sealed under another class's key was pasted across: it must not open even where we hold that key.
    if (entry === undefined || entry.keyClass !== keyClass) return undefined;
    return open(sealed, { ...place, instance: this.instance }, entry.key);
  }

  /** A keyed hash: looks values up without storing them. Parts are length-prefixed by JSON. */
  hash(purpose: string, ...parts: string[]): Buffer {
    return createHmac("sha256", this.#key("index").bytes)
      .update(JSON.stringify([purpose, ...parts]))
      .digest();
  }

  /** 32 bytes for one purpose, the same in every process of this store. */
  seed(keyClass: KeyClass, purpose: string): Buffer {
    return createHmac("sha256", this.#key(keyClass).bytes).update(`seed/${purpose}`).digest();
  }

  #key(keyClass: KeyClass): DataKey {
    const key = this.#newest.get(keyClass);
    if (key === undefined) throw new TypeError(`this process holds no ${keyClass} key`);
    return key;
  }
}

/** What seals, opens and hashes: a keyring, as those see it who use one. */
export type Sealer = Pick<Keyring, "seal" | "open" | "hash" | "seed">;

/** A store's first keyring: one random data key of each class, wrapped by the master key. */
export function newWrappedKeys(instance: string, master: MasterKey): WrappedKey[] {
  return keyClasses.map((keyClass, index) => {
    const keyId = index + 1;
    return {
      keyId,
      keyClass,
      masterKeyId: master.id,
      wrapped: wrap(randomBytes(32), instance, keyClass, keyId, master),
    };
  });
}

/**
 * Unwraps a store's data keys.
 *
 * @param classes the classes this process needs; keys of others stay closed
 * @throws {OnbehalfError} `key_invalid`: none of the master keys is the one this store was sealed with
 * @throws {OnbehalfError} `store_unusable`: it is, and a data key was damaged
 */
export function openKeyring(
  instance: string,
  wrapped: readonly WrappedKey[],
  masters: readonly MasterKey[],
  classes: readonly KeyClass[] = keyClasses,
): Keyring {
  const keys = wrapped.flatMap((each) => {
    const keyClass = classes.find((known) => known === each.keyClass);
    if (keyClass === undefined) return [];
    const bytes = unwrapWithAny(each, instance, masters);
    if (bytes === undefined) throw unopenable(each, masters);
    return [{ key: { keyId: each.keyId, bytes }, keyClass }];
  });
  return new Keyring(instance, keys);
}

/** Whether one of the master keys opens this data key. */
export function opens(key: WrappedKey, instance: string, masters: readonly MasterKey[]): boolean {
  return unwrapWithAny(key, instance, masters) !== undefined;
}

/**
 * The same data key under another master key. What it sealed stays as it is.
 *
 * @throws {OnbehalfError} `key_invalid`: none of the master keys is the one it was wrapped with
 * @throws {OnbehalfError} `store_unusable`: it is, and the data key was damaged
 */
export function wrapUnder(
  key: WrappedKey,
  instance: string,
  masters: readonly MasterKey[],
  newest: MasterKey,
): WrappedKey {
  const bytes = unwrapWithAny(key, instance, masters);
  if (bytes === undefined) throw unopenable(key, masters);
  return { ...key, masterKeyId: newest.id, wrapped: wrap(bytes, instance, key.keyClass, key.keyId, newest) };
}

function unwrapWithAny(key: WrappedKey, instance: string, masters: readonly MasterKey[]): Buffer | undefined {
  const master = masters.find(({ id }) => id === key.masterKeyId);
  return master === undefined ? undefined : unwrap(key, instance, master);
}

/** Told apart, for the one is cured by the right key, and the other by no key at all. */
function unopenable({ keyId, masterKeyId }: WrappedKey, masters: readonly MasterKey[]): OnbehalfError {
  if (masters.some(({ id }) => id === masterKeyId)) {
    return new OnbehalfError("store_unusable", `data key ${keyId} of this store does not open`, {
      hint: "it was damaged, or brought from another store: restore the database from a backup; nothing was changed",
      details: {},
    });
  }
  return new OnbehalfError("key_invalid", `this store was sealed with another master key (${masterKeyId})`, {
    hint: "give the key this store was made with; nothing was changed. Without it the grants cannot be opened",
    details: {},
  });
}

function wrap(bytes: Buffer, instance: string, keyClass: string, keyId: number, master: MasterKey): Buffer {
  return seal(bytes.toString("base64"), wrapPlace(instance, keyClass, keyId), wrapKey(master, keyClass));
}

function unwrap({ wrapped, keyClass, keyId }: WrappedKey, instance: string, master: MasterKey): Buffer | undefined {
  const text = open(wrapped, wrapPlace(instance, keyClass, keyId), wrapKey(master, keyClass));
  return text === undefined ? undefined : Buffer.from(text, "base64");
}

function wrapKey(master: MasterKey, keyClass: string): DataKey {
  return { keyId: 0, bytes: master.wrappingKey(keyClass) };
}

function wrapPlace(instance: string, keyClass: string, keyId: number): WrappedKeyPlace & { readonly instance: string } {
  return { instance, clientId: "", column: `data_keys.${keyClass}`, recordId: String(keyId), generation: 0 };
}
