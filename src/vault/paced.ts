/**
 * Does something at once where it was not done for a while, and otherwise once for all the calls that came meanwhile.
 *
 * @param paceMs how long after one time the next one comes at the soonest, milliseconds
 * @returns `call`, and `stop`, after which nothing is done any more
 */
export function paced(act: () => void, paceMs: number): { readonly call: () => void; readonly stop: () => void } {
  let resting: NodeJS.Timeout | undefined;
  let isAwaited = false;
  let isStopped = false;
  const call = (): void => {
    if (isStopped) return;
    if (resting !== undefined) {
      isAwaited = true;
      return;
    }
    resting = setTimeout(rested, paceMs).unref();
    act();
  };
  const rested = (): void => {
    resting = undefined;
    if (!isAwaited) return;
    isAwaited = false;
    call();
  };
  return {
    call,
    stop: () => {
      isStopped = true;
      clearTimeout(resting);
    },
  };
}
