import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";
import type { HandedDownKeys } from "../../core/handed-down-keys.ts";
import { newWrappedKeys, openKeys } from "../../crypto/wrapped-keys.ts";
import type { KeyClass, OpenedKey } from "../../crypto/keyring.ts";
import type { WrappedKey } from "../../crypto/wrapped-keys.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import type { StoredKeys } from "../../store/key-store.ts";

/** Opens a store's data keys: with a master key, or by asking the keeper that has one. */
export interface KeyOpener {
  open(stored: StoredKeys): Promise<OpenedKey[]>;
  /** The first data keys of a store that was never used. Absent: this process cannot make any. */
  newKeys?(instance: string): WrappedKey[];
}

/**
 * @param classes the classes of data keys to open
 * @throws {OnbehalfError} `key_invalid`: no master key was given, or one is malformed
 */
export async function openerWith(source: MasterKeySource, classes: readonly KeyClass[]): Promise<KeyOpener> {
  let masters = await masterKeysOf(source);
  return {
    async open({ instance, keys }) {
      try {
        return openKeys(instance, keys, masters, classes);
      } catch (error) {
        if (!isOnbehalfError(error, "key_invalid")) throw error;
        // The master key may have been changed since: a file or a program gives the new one.
        masters = await masterKeysOf(source);
        return openKeys(instance, keys, masters, classes);
      }
    },
    newKeys: (instance) => newWrappedKeys(instance, masters[0]),
  };
}

/** @param ask gives the keys as the keeper has them now */
export function openerOf(ask: () => Promise<HandedDownKeys>, classes: readonly KeyClass[]): KeyOpener {
  const opened = (given: HandedDownKeys, { instance, keys }: StoredKeys): OpenedKey[] =>
    keys.flatMap(({ keyId, keyClass: name, state }) => {
      const keyClass = classes.find((known) => known === name);
      if (keyClass === undefined) return [];
      const found = given.instance === instance ? given.keys.find((key) => key.keyId === keyId) : undefined;
      if (found === undefined && state === "retired") return [];
      if (found === undefined) throw notHandedDown(keyId);
      return [{ key: { keyId, bytes: Buffer.from(found.bytes, "base64") }, keyClass, state }];
    });
  // The first time, it is asked before anybody waits for the answer: that takes as long as to open the store.
  let early: Promise<HandedDownKeys> | undefined = ask();
  early.catch(() => undefined);
  return {
    async open(stored) {
      const first = early;
      early = undefined;
      try {
        if (first !== undefined) return opened(await first, stored);
      } catch {
        // What was given then may be older than what the store has now.
      }
      return opened(await ask(), stored);
    },
  };
}

/** The keeper reads the store's keys a moment later than we do. At the next look it has them. */
function notHandedDown(keyId: number): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", `the keeper has not handed down data key ${keyId} yet`, {
    hint: "try again shortly: the keeper reads the store's data keys again",
    details: { retryAfterMs: 1_000 },
  });
}
