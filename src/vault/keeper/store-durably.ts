import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";
import { backOffMs } from "../../core/refresh.ts";
import type { KeeperContext, Rescued } from "./context.ts";

/** A write that is repeated until the store has taken it. */
export interface DurableWrite<T> {
  /** Resolves when the write is stored. Never rejects. */
  readonly stored: Promise<T>;
  /**
   * Resolves when the write is stored, and as `overdue` once callers have waited long enough. The write then goes on,
   * but callers need not wait for it.
   */
  readonly soon: Promise<
    | { readonly kind: "stored"; readonly value: T }
    | { readonly kind: "overdue"; readonly error: OnbehalfError<"store_unavailable"> }
  >;
}

/**
 * Writes to the store, and tries again for as long as that fails, whatever it fails with: this process may hold the only
 * copy of what it writes. Rights come back, a backup is restored, and what looks like a bug may be what a pooler said.
 *
 * @param write may be called again after it has failed. It must do no harm where an earlier call was reported as failed
 *   but was carried out
 * @param options.during names the write for `onFault`, which is told of the first error that is not one of ours
 * @param options.callerWaitsMs how long callers wait at most, milliseconds
 * @param options.onFailure told of each failure before the next try; `failures` counts from 1. What it throws is told to
 *   `onFault`, and ends no try
 */
export function storeDurably<T>(
  { random, sleep, onFault }: Pick<KeeperContext, "random" | "sleep" | "onFault">,
  write: () => Promise<T>,
  {
    during,
    callerWaitsMs,
    onFailure,
  }: {
    readonly during: string;
    readonly callerWaitsMs: number;
    readonly onFailure: (error: unknown, failures: number) => Promise<void> | void;
  },
): DurableWrite<T> {
  let lastError: OnbehalfError<"store_unavailable"> | undefined;
  let isFaultTold = false;
  const { promise: soon, resolve } = Promise.withResolvers<Awaited<DurableWrite<T>["soon"]>>();
  const overdue = unlessCalledOff(sleep, callerWaitsMs, () =>
    // An error costs more than a seal. Nobody needs one where the answer is stored, as almost always.
    resolve({ kind: "overdue", error: lastError ?? storeIsSlow() }),
  );
  const stored = untilStored();
  void stored.then((value) => {
    overdue.callOff();
    resolve({ kind: "stored", value });
  });
  return { stored, soon };

  async function untilStored(): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await write();
      } catch (error) {
        try {
          await onFailure(error, failures);
        } catch (another) {
          onFault(another, during);
        }
        if (isOnbehalfError(error, "store_unavailable")) lastError = error;
        if (!isOnbehalfError(error) && !isFaultTold) {
          isFaultTold = true;
          onFault(error, during);
        }
        await sleep(50 + backOffMs(failures, random(), 100, 5_000));
      }
    }
  }
}

function storeIsSlow(): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", "the store did not take the answer in time", {
    hint: "send the same request again; nothing is lost, and the answer is stored as soon as the store takes it",
    details: { retryAfterMs: 1_000 },
  });
}

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
  const late = unlessCalledOff(sleep, rescueAfterMs, () => {
    now().catch((error: unknown) => onFault(error, "the rescue of an answer"));
  });
  return {
    now,
    async stored() {
      isStored = true;
      late.callOff();
      const name = await keeping;
      if (name !== undefined) rescue.drop(name);
    },
  };
}

/**
 * Does something when a time is over, unless that is called off. What is called off is forgotten at once: its timer outlasts
 * it by seconds, and would keep everything of the write in memory for so long, tokens too.
 */
function unlessCalledOff(
  sleep: KeeperContext["sleep"],
  ms: number,
  work: () => void,
): { readonly callOff: () => void } {
  let due: (() => void) | undefined = work;
  // This timer must not keep the process alive after the vault is closed.
  void sleep(ms, undefined, { ref: false }).then(() => due?.());
  return {
    callOff: () => {
      due = undefined;
    },
  };
}
