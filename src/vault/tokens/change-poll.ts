import { changesAtOnce } from "../../store/store.ts";
import type { GrantStore } from "../../store/store.ts";
import type { TokenCache } from "./token-cache.ts";

/** How long another process's change may stay unseen here, milliseconds. */
export const changePollMs = 500;

/**
 * Makes a function to be called again and again: it reads what other processes have changed, and drops it from the
 * cache.
 *
 * @param seq the number of the last change that is known
 */
export function changePoll(store: GrantStore, cache: TokenCache, seq: number): () => Promise<void> {
  let seen = seq;
  return async () => {
    for (;;) {
      const { seq: latest, changes } = await store.changesSince(seen);
      seen = latest;
      cache.apply(changes);
      if (changes.length < changesAtOnce) return;
    }
  };
}
