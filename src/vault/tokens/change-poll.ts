import { keyPollMs } from "../../core/data-keys.ts";
import { changesAtOnce } from "../../store/store.ts";
import type { GrantStore } from "../../store/store.ts";
import type { TokenCache } from "./token-cache.ts";

/** How long another process's change may stay unseen here, milliseconds. */
export const changePollMs = 500;

/** How often it is looked for changes while memory rests, milliseconds: whoever wakes it waits for no more than came since. */
export const restingPollMs: number = keyPollMs;

/**
 * How long after one notification another one makes this process look for changes again, milliseconds. Each commit of the
 * others notifies: on a busy fleet of 20 services, looks after each of them cost the database more than all refreshes.
 */
export const hintPaceMs = 100;

/**
 * Makes a function to be called again and again: it reads what other processes have changed, and drops it from the
 * cache.
 *
 * @param seq the number of the last change that is known
 */
export function changePoll(store: GrantStore, cache: TokenCache, seq: number): () => Promise<void> {
  let seen = seq;
  return async () => {
    let isDone = false;
    try {
      for (;;) {
        const { seq: latest, changes } = await store.changesSince(seen);
        seen = latest;
        cache.apply(changes);
        if (changes.length < changesAtOnce) break;
      }
      isDone = true;
    } finally {
      cache.rest.looked(isDone);
    }
  };
}
