import type { KeeperContext, Rescued } from "./context.ts";

/**
 * How long storing may take before the answer is put into the rescue journal as well, milliseconds. A store that is
 * locked or cannot be reached fails only after a while, and this process may crash before that.
 */
const rescueAfterMs = 250;

/**
 * Puts an answer into the rescue journal once storing it takes too long, and drops it there when it is stored.
 *
 * @param seal makes the entry, where one is needed
 * @returns `now`: puts it there at once, as after a failure; `stored`: to be called when the store has taken the answer
 */
export function rescueUnlessStored(
  { rescue, sleep, onFault }: Pick<KeeperContext, "rescue" | "sleep" | "onFault">,
  seal: () => Rescued,
): { readonly now: () => Promise<void>; readonly stored: () => Promise<void> } {
  let isStored = false;
  let keeping: Promise<string | undefined> | undefined;
  async function now(): Promise<void> {
    // Try again where the answer could not be kept, as on a full disk.
    if (isStored || (await keeping) !== undefined) return;
    keeping = rescue.keep(seal());
    await keeping;
  }
  sleep(rescueAfterMs, undefined, { ref: false })
    .then(now)
    .catch((error: unknown) => onFault(error, "the rescue of an answer"));
  return {
    now,
    async stored() {
      isStored = true;
      const name = await keeping;
      if (name !== undefined) rescue.drop(name);
    },
  };
}
