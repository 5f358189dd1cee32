import { assertFits, assertOptions, required } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { OnbehalfError, invalidRequest } from "../../core/errors.ts";
import { keyClasses, rotatableClasses } from "../../crypto/keyring.ts";
import { highestKeyId, nextWrappedKey, openKeyring } from "../../crypto/wrapped-keys.ts";
import type { KeyClass } from "../../crypto/keyring.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import type { Store } from "../../store/store.ts";
import { recordAsOperator } from "../context.ts";

/** What {@link rotateDataKeys} takes besides the store and its key. */
export interface RotateDataKeysOptions {
  /**
   * The classes of data keys to replace: `refresh` seals refresh tokens and answers, `read` profiles and access tokens,
   * `assertion` signs sign-in assertions. Default: all three.
   */
  readonly classes?: readonly ("refresh" | "read" | "assertion")[];
  /**
   * Adds no keys, and erases those that were retired so many milliseconds ago or longer: a day at least. What is still
   * under them somewhere opens never again: a row of a backup, an answer in a rescue folder. Nothing is erased while keys
   * are being replaced.
   */
  readonly eraseRetiredMs?: number;
}

/** No key is erased that was retired less than this long ago. */
const shortestGraceMs = 86_400_000;

/**
 * Adds a new data key of each class, which will take the place of the present one. The keeper of every vault and service
 * that is open on the store does the rest while it works: once all processes know the new key, it seals; then what the
 * old one has sealed is sealed anew, row by row; then the old one is retired. `keyStatus` tells how far that is. Killed at
 * any moment, it goes on with the next vault that is opened.
 *
 * A class whose key is being replaced already is left out, so that this may be called again.
 *
 * @param store a store that is open
 * @param source gives the master keys, newest first; the first one wraps the new keys
 * @returns the numbers of the keys that were added, or erased
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be, or the store has no keys yet
 * @throws {OnbehalfError} `key_invalid`: no master key was given, one is malformed, or none opens the store; nothing
 *   was changed
 * @throws {OnbehalfError} `store_unusable`: a data key is damaged; nothing was changed
 * @throws {OnbehalfError} `store_unavailable`: the database does not answer, or another program changes the same keys;
 *   call this again
 */
export async function rotateDataKeys(
  store: Store,
  source: MasterKeySource,
  options: RotateDataKeysOptions = {},
): Promise<number[]> {
  assertFits("store", store, aStore);
  assertOptions("rotateDataKeys", options, { classes: someClasses, eraseRetiredMs: aGrace });
  const masters = await masterKeysOf(source);
  const [newest] = masters;
  const stored = await store.readKeys();
  if (stored === undefined) {
    throw invalidRequest("the store has no data keys yet", "open a vault or a service on it first", "store");
  }
  const { instance, revision, keys } = stored;
  // Who cannot open the present keys must not add others.
  recordAsOperator(store, openKeyring(instance, keys, masters, keyClasses));
  const classes: readonly KeyClass[] = options.classes ?? rotatableClasses;
  const { eraseRetiredMs } = options;
  if (eraseRetiredMs !== undefined) {
    if (keys.some(({ state }) => state === "next" || state === "previous")) return [];
    const until = (await store.now()) - eraseRetiredMs;
    const erase = keys
      .filter(
        ({ keyClass, state, since }) => state === "retired" && since <= until && classes.includes(keyClass as KeyClass),
      )
      .map(({ keyId }) => keyId);
    if (erase.length > 0 && !(await store.changeKeys(revision, { erase }))) throw changedMeanwhile();
    return erase;
  }
  const isSettled = (keyClass: KeyClass): boolean =>
    !keys.some((key) => key.keyClass === keyClass && (key.state === "next" || key.state === "previous"));
  const since = await store.now();
  const add = [...new Set(classes)]
    .filter(isSettled)
    .map((keyClass, n) => nextWrappedKey(instance, keyClass, highestKeyId(keys) + 1 + n, since, newest));
  if (add.length === 0) return [];
  if (!(await store.changeKeys(revision, { add }))) throw changedMeanwhile();
  return add.map(({ keyId }) => keyId);
}

function changedMeanwhile(): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", "another program is changing the same keys", {
    hint: "look at the keys' status, then try again",
    details: { retryAfterMs: 1_000 },
  });
}

const aGrace: Rule = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= shortestGraceMs,
  must: "a number of milliseconds, a day or more",
};

const aStore = required({
  fits: (value) => typeof value === "object" && value !== null && "changeKeys" in value,
  must: "a store that is open, such as sqlite(path)",
});

const someClasses: Rule = {
  fits: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((each) => (rotatableClasses as unknown[]).includes(each)),
  must: `a list of some of ${rotatableClasses.join(", ")}`,
};
