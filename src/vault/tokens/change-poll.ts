import type { GrantStore } from "../../store/store.ts";
import type { TokenCache } from "./token-cache.ts";

/** So long may another process's change go unseen here, milliseconds. */
export const changePollMs = 500;

/**
 * One look at what other processes changed, to be repeated.
 *
 * @param seq the last change that is known
 */
export function changePoll(store: GrantStore, cache: TokenCache, seq: number): () => Promise<void> {
  let seen = seq;
  return async () => {
    const { seq: latest, changes } = await store.changesSince(seen);
    seen = latest;
    cache.apply(changes);
  };
}
