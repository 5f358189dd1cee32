import { opens, wrapUnder } from "../../crypto/keyring.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKey, MasterKeySource } from "../../crypto/master-key.ts";
import { OnbehalfError } from "../../core/errors.ts";
import type { KeyStore, StoredKeys } from "../../store/store.ts";

/** A store's keys and who opens them. Nothing in it is secret. */
export interface KeyStatus {
  /** The store's own random name; undefined in a store that was never used. */
  readonly instance?: string;
  /** The master keys that were given, newest first, and those that were not but are needed. */
  readonly masterKeys: readonly {
    readonly masterKeyId: string;
    readonly given: boolean;
    /** How many data keys it wraps. At 0 it may be retired. */
    readonly wraps: number;
  }[];
  readonly dataKeys: readonly {
    readonly keyId: number;
    readonly keyClass: string;
    readonly masterKeyId: string;
    readonly opens: boolean;
  }[];
}

/**
 * Tells which master key wraps which data key, and changes nothing.
 *
 * @param store one that is open
 * @throws {OnbehalfError} `key_invalid`: no key was given, or one is malformed; `store_unavailable`
 */
export async function keyStatus(store: KeyStore, source: MasterKeySource): Promise<KeyStatus> {
  const masters = await masterKeysOf(source);
  const stored = await store.readKeys();
  const keys = stored?.keys ?? [];
  const ids = new Set([...masters.map(({ id }) => id), ...keys.map(({ masterKeyId }) => masterKeyId)]);
  return {
    ...(stored === undefined ? {} : { instance: stored.instance }),
    masterKeys: [...ids].map((masterKeyId) => ({
      masterKeyId,
      given: masters.some(({ id }) => id === masterKeyId),
      wraps: keys.filter((key) => key.masterKeyId === masterKeyId).length,
    })),
    dataKeys: keys.map((key) => ({
      keyId: key.keyId,
      keyClass: key.keyClass,
      masterKeyId: key.masterKeyId,
      opens: opens(key, stored?.instance ?? "", masters),
    })),
  };
}

/**
 * Wraps every data key under the first of the master keys. Key by key, each a compare-and-swap of its own: killed
 * half-way it is simply called again, and at every moment each key opens with one of the two. Programs that run go on,
 * because they hold the data keys themselves; those that start later need the first key, and the others no more.
 *
 * @param store one that is open
 * @param source the new master key first, then the one that the store is sealed with
 * @returns how many were wrapped anew; 0 where all were already
 * @throws {OnbehalfError} `key_invalid`: no key, a malformed one, or none that opens the store; nothing was changed
 * @throws {OnbehalfError} `store_unavailable`: call it again
 */
export async function rotateMasterKey(store: KeyStore, source: MasterKeySource): Promise<number> {
  const masters = await masterKeysOf(source);
  const stored = await store.readKeys();
  const [newest] = masters;
  if (stored === undefined) return 0;
  const { instance } = stored;
  // All are opened before the first is written: a key that is missing must not leave a store half under each.
  const replacements = behind(stored, newest).map((before) => ({
    before,
    after: wrapUnder(before, instance, masters, newest),
  }));
  let replaced = 0;
  for (const { before, after } of replacements) {
    if (await store.replaceKey(before, after)) replaced += 1;
  }
  const left = await store.readKeys();
  if (left !== undefined && behind(left, newest).length > 0) {
    throw new OnbehalfError("store_unavailable", "another program is rotating the same keys", {
      hint: "let one of the two finish, then run this one again",
      details: { retryAfterMs: 1_000 },
    });
  }
  return replaced;
}

function behind({ keys }: StoredKeys, newest: MasterKey): StoredKeys["keys"] {
  return keys.filter(({ masterKeyId }) => masterKeyId !== newest.id);
}
