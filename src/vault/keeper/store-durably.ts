import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";
import { backOffMs } from "../../core/refresh.ts";
import type { VaultContext } from "../context.ts";

/** A write that is repeated until the store has taken it. */
export interface DurableWrite<T> {
  /** Resolves when the write is stored. Rejects only where trying again cannot help. */
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
 * Writes to the store, and tries again for as long as the store does not answer: this process may hold the only copy of
 * what it writes.
 *
 * @param write may be called again after it has failed. It must do no harm where an earlier call was reported as failed
 *   but was carried out
 * @param options.callerWaitsMs how long callers wait at most, milliseconds
 * @param options.onFailure told of each failure before the next try; `failures` counts from 1
 */
export function storeDurably<T>(
  { random, sleep }: Pick<VaultContext, "random" | "sleep">,
  write: () => Promise<T>,
  {
    callerWaitsMs,
    onFailure,
  }: {
    readonly callerWaitsMs: number;
    readonly onFailure: (error: unknown, failures: number) => Promise<void> | void;
  },
): DurableWrite<T> {
  let lastError: OnbehalfError<"store_unavailable"> | undefined;
  const stored = untilStored();
  const soon = Promise.race([
    stored.then((value) => ({ kind: "stored", value }) as const),
    // This timer must not keep the process alive after the vault is closed.
    sleep(callerWaitsMs, undefined, { ref: false }).then(
      () => ({ kind: "overdue", error: lastError ?? storeIsSlow() }) as const,
    ),
  ]);
  return { stored, soon };

  async function untilStored(): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await write();
      } catch (error) {
        await onFailure(error, failures);
        // Also where the store is unusable just now: rights come back, and a backup is restored.
        if (!isOnbehalfError(error)) throw error;
        if (isOnbehalfError(error, "store_unavailable")) lastError = error;
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
