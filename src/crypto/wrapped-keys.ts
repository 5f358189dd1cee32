import { randomBytes } from "node:crypto";
import type { KeyFacts } from "../core/data-keys.ts";
import { OnbehalfError } from "../core/errors.ts";
import { Keyring, keyClasses } from "./keyring.ts";
import type { OpenedKey } from "./keyring.ts";
import type { MasterKey } from "./master-key.ts";
import type { KeyClass, WrappedKeyPlace } from "./places.ts";
import { open, seal } from "./sealing.ts";
import type { DataKey } from "./sealing.ts";

/** A data key as the store keeps it. */
export interface WrappedKey extends KeyFacts {
  readonly masterKeyId: string;
  readonly wrapped: Uint8Array;
}

/** A store's first keyring: one random data key of each class, wrapped by the master key. */
export function newWrappedKeys(instance: string, master: MasterKey): WrappedKey[] {
  return keyClasses.map((keyClass, index) => {
    const keyId = index + 1;
    return {
      keyId,
      keyClass,
      masterKeyId: master.id,
      wrapped: wrap(randomBytes(32), instance, keyClass, keyId, master),
      state: "current",
      since: 0,
    };
  });
}

/**
 * A further data key of a class, random, wrapped by the master key.
 *
 * @param since milliseconds since the epoch, by the store's clock
 */
export function nextWrappedKey(
  instance: string,
  keyClass: KeyClass,
  keyId: number,
  since: number,
  master: MasterKey,
): WrappedKey {
  const wrapped = wrap(randomBytes(32), instance, keyClass, keyId, master);
  return { keyId, keyClass, masterKeyId: master.id, wrapped, state: "next", since };
}

/**
 * Unwraps a store's data keys.
 *
 * @param classes the classes that this process needs; all by default. Keys of other classes stay wrapped
 * @throws {OnbehalfError} `key_invalid`: none of the master keys is the one that this store was sealed with
 * @throws {OnbehalfError} `store_unusable`: the master key is right, and a data key is damaged, or one is missing
 */
export function openKeyring(
  instance: string,
  wrapped: readonly WrappedKey[],
  masters: readonly MasterKey[],
  classes: readonly KeyClass[] = keyClasses,
): Keyring {
  const keys = openKeys(instance, wrapped, masters, classes);
  const keyring = new Keyring(instance, keys);
  keyring.replaceKeys(keys, highestKeyId(wrapped));
  return keyring;
}

/**
 * Unwraps data keys. What it throws is that of {@link openKeyring}.
 *
 * @param classes the classes that this process needs; keys of others stay wrapped
 */
export function openKeys(
  instance: string,
  wrapped: readonly WrappedKey[],
  masters: readonly MasterKey[],
  classes: readonly KeyClass[],
): OpenedKey[] {
  const keys = wrapped.flatMap((each) => {
    const keyClass = classes.find((known) => known === each.keyClass);
    if (keyClass === undefined) return [];
    const bytes = unwrapWithAny(each, instance, masters);
    // Nothing is left under a retired key: that it does not open is no reason to stop.
    if (bytes === undefined && each.state === "retired") return [];
    if (bytes === undefined) throw unopenable(each, masters);
    return [{ key: { keyId: each.keyId, bytes }, keyClass, state: each.state }];
  });
  const missing = classes.find((each) => !keys.some(({ keyClass, state }) => keyClass === each && state === "current"));
  if (missing !== undefined) throw keyMissing(missing);
  return keys;
}

/** The highest number of a data key in the store; 0 where there is none. */
export function highestKeyId(wrapped: readonly Pick<WrappedKey, "keyId">[]): number {
  return Math.max(0, ...wrapped.map(({ keyId }) => keyId));
}

/** New keys are never made where there are others: what the missing one has sealed would not open with a new one. */
function keyMissing(keyClass: KeyClass): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", `the store has no data key of the class ${keyClass}`, {
    hint: "a row was deleted from data_keys: restore the table from a backup; nothing was changed",
    details: {},
  });
}

/** Whether one of the master keys unwraps this data key. */
export function opens(key: WrappedKey, instance: string, masters: readonly MasterKey[]): boolean {
  return unwrapWithAny(key, instance, masters) !== undefined;
}

/**
 * Wraps a data key under another master key. The values that the data key has sealed stay as they are.
 *
 * @param masters those that may unwrap it
 * @param newest the one to wrap it under
 * @throws {OnbehalfError} `key_invalid`: none of the master keys is the one that it was wrapped with
 * @throws {OnbehalfError} `store_unusable`: the master key is right, and the data key is damaged
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

/** Says why a data key does not open: the master key is another one, or the data key is damaged and no key helps. */
function unopenable({ keyId, masterKeyId }: WrappedKey, masters: readonly MasterKey[]): OnbehalfError {
  if (masters.some(({ id }) => id === masterKeyId)) {
    return new OnbehalfError("store_unusable", `data key ${keyId} of this store does not open`, {
      hint: "the key was damaged or copied from another store: restore the database from a backup; nothing was changed",
      details: {},
    });
  }
  return new OnbehalfError("key_invalid", `this store was sealed with another master key (${masterKeyId})`, {
    hint: "give the master key that this store was made with; without it no grant can be opened. Nothing was changed",
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
