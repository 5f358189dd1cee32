import type { KeeperContext } from "./context.ts";

/** Not at once: a program that was just started has better things to do, and one that only lists grants is gone by then. */
const firstLookMs = 60_000;
/** How often some process reads all that is stored, milliseconds. */
const everyMs = 86_400_000;

/**
 * Makes a function to be called every minute or so: once a day it has the whole store read, beside the work that goes
 * on, and an event tells of damage. Of several processes on one store, one does it.
 */
export function lookForDamage({
  store,
  clock,
  random,
  emit,
  damage: found,
}: Pick<KeeperContext, "store" | "clock" | "random" | "emit" | "damage">): (signal: AbortSignal) => Promise<void> {
  // Processes that start together do not look together: the first one's result is enough for all.
  let dueAt = clock.now() + firstLookMs * (1 + 9 * random());
  return async (signal) => {
    const now = clock.now();
    if (now < dueAt || store.findDamage === undefined) return;
    dueAt = now + everyMs;
    try {
      const damage = await store.findDamage({ unlessSoundSince: now - everyMs, signal });
      if (damage === "") return;
      if (found !== undefined) found.isFound = true;
      emit({ type: "store_damaged", damage });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
}
