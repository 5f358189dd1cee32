import type { KeyState } from "../../core/data-keys.ts";
import { fractionOf, readProgress } from "../../core/reseal-progress.ts";
import { sealingClasses } from "../../crypto/keyring.ts";
import { openKeyring, opens, wrapUnder } from "../../crypto/wrapped-keys.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKey, MasterKeySource } from "../../crypto/master-key.ts";
import { assertFits, required } from "../../core/argument-checks.ts";
import { OnbehalfError } from "../../core/errors.ts";
import type { AuditStore } from "../../store/audit-store.ts";
import { recordAsOperator } from "../context.ts";
import type { KeyStore, StoredKeys } from "../../store/key-store.ts";
import type { ResealStore } from "../../store/reseal-store.ts";

const aStore = required({
  fits: (value) => typeof value === "object" && value !== null && "readKeys" in value,
  must: "a store that is open, such as sqlite(path)",
});

/** The data keys of a store, and which master key wraps each. Nothing in it is secret. */
export interface KeyStatus {
  /** The store's own random name; undefined in a store that was never used. */
  readonly instance?: string;
  /** The master keys that were given, newest first; then those that are needed and were not given. */
  readonly masterKeys: readonly {
    readonly masterKeyId: string;
    readonly given: boolean;
    /** How many data keys it wraps. At 0 it is no longer needed. */
    readonly wraps: number;
  }[];
  readonly dataKeys: readonly {
    readonly keyId: number;
    readonly keyClass: string;
    readonly masterKeyId: string;
    /** Whether one of the given master keys unwraps it. */
    readonly opens: boolean;
    /** `next`: being made known. `current`: seals. `previous`: being emptied. `retired`: nothing is left under it. */
    readonly state: KeyState;
    /** Since when it is in this state; absent for a store's first keys. */
    readonly since?: Date;
  }[];
  /** Absent where no data key is being replaced. */
  readonly rotation?: {
    /** Programs that run and have not read the newest keys yet: nothing goes on before they have. */
    readonly waitsFor: readonly { readonly host: string; readonly pid: number }[];
    /** How many values were sealed anew. */
    readonly resealed: number;
    /** How many values were met that do not open. They stay as they are. */
    readonly unreadable: number;
    /** How often all values were gone through before. The last time finds nothing. */
    readonly round: number;
    /** About how much of the present pass is done, 0 to 1. */
    readonly fraction: number;
  };
}

/**
 * Tells which master key wraps which data key, and changes nothing.
 *
 * @param store a store that is open
 * @param source gives the master keys, newest first
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be
 * @throws {OnbehalfError} `key_invalid`: no master key was given, or one is malformed
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function keyStatus(
  store: KeyStore & Pick<ResealStore, "resealProgress">,
  source: MasterKeySource,
): Promise<KeyStatus> {
  assertFits("store", store, aStore);
  return keyStatusOf(store, await masterKeysOf(source));
}

/**
 * {@link keyStatus}, with master keys at hand.
 *
 * @param masters none: who has no master key may know as well which ones are needed
 */
export async function keyStatusOf(
  store: KeyStore & Pick<ResealStore, "resealProgress">,
  masters: readonly MasterKey[],
): Promise<KeyStatus> {
  const stored = await store.readKeys();
  const keys = stored?.keys ?? [];
  const isChanging = keys.some(({ state }) => state === "next" || state === "previous");
  const ids = new Set([...masters.map(({ id }) => id), ...keys.map(({ masterKeyId }) => masterKeyId)]);
  return {
    ...(stored === undefined ? {} : { instance: stored.instance }),
    masterKeys: [...ids].map((masterKeyId) => ({
      masterKeyId,
      given: masters.some(({ id }) => id === masterKeyId),
      wraps: keys.filter((key) => key.masterKeyId === masterKeyId).length,
    })),
    dataKeys: keys.map((key) => {
      const { keyId, keyClass, masterKeyId, state, since } = key;
      const facts = { keyId, keyClass, masterKeyId, opens: opens(key, stored?.instance ?? "", masters), state };
      return since === 0 ? facts : Object.assign(facts, { since: new Date(since) });
    }),
    ...(stored === undefined || !isChanging ? {} : { rotation: await rotationOf(store, stored) }),
  };
}

async function rotationOf(
  store: KeyStore & Pick<ResealStore, "resealProgress">,
  { revision, keys }: StoredKeys,
): Promise<NonNullable<KeyStatus["rotation"]>> {
  const readers = await store.keyReaders();
  const progress = readProgress(await store.resealProgress());
  const emptied = keys.filter(({ state, keyClass }) => state === "previous" && sealingClasses.has(keyClass));
  const isOfThese = progress !== undefined && progress.keys.join() === emptied.map(({ keyId }) => keyId).join();
  const { resealed, unreadable, round } = isOfThese ? progress : { resealed: 0, unreadable: 0, round: 0 };
  return {
    waitsFor: readers
      .filter((reader) => reader.revision < revision)
      .map(({ owner: { node, pid } }) => ({ host: node.split("/")[0] ?? "", pid })),
    resealed,
    unreadable,
    round,
    fraction: isOfThese ? fractionOf(progress) : 0,
  };
}

/**
 * Wraps every data key under the first of the master keys. Each data key is replaced by a compare-and-swap of its own.
 * At every moment, each opens with one of the master keys; where the process is killed half-way, call this again.
 *
 * Programs that run go on, because they hold the data keys themselves. Programs that start later need only the first
 * master key.
 *
 * @param store a store that is open
 * @param source gives the new master key first, then the one that the store is sealed with
 * @returns how many data keys were wrapped anew; 0 where all were wrapped under the first master key already
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be
 * @throws {OnbehalfError} `key_invalid`: no master key was given, one is malformed, or none opens the store; nothing
 *   was changed
 * @throws {OnbehalfError} `store_unusable`: a data key is damaged; nothing was changed
 * @throws {OnbehalfError} `store_unavailable`: the database does not answer, or another program is rotating the same
 *   keys; call this again
 */
export async function rotateMasterKey(
  store: KeyStore & Pick<AuditStore, "recordWith">,
  source: MasterKeySource,
): Promise<number> {
  assertFits("store", store, aStore);
  const masters = await masterKeysOf(source);
  const stored = await store.readKeys();
  const [newest] = masters;
  if (stored === undefined) return 0;
  const { instance } = stored;
  recordAsOperator(store, openKeyring(instance, stored.keys, masters, ["index"]));
  // Open all of them before the first is written: where a master key is missing, the store must not end up with some
  // data keys under each.
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
      hint: "let the other program finish, then rotate again",
      details: { retryAfterMs: 1_000 },
    });
  }
  return replaced;
}

function behind({ keys }: StoredKeys, newest: MasterKey): StoredKeys["keys"] {
  return keys.filter(({ masterKeyId }) => masterKeyId !== newest.id);
}
