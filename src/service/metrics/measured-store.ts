/** A store whose transactions are measured. Reads of tokens are not: they are too quick, and counted elsewhere. */
import type { Store } from "../../index.ts";
import { addDuration, noDurations } from "../../core/figures.ts";
import type { Durations, StoreTimes } from "../../core/figures.ts";

/** The methods that are measured, and of which kind each is. */
const kinds = {
  beginAttempt: "refresh_begin",
  commitAttempt: "refresh_commit",
  endAttempt: "refresh_end",
  endAttemptUnknown: "refresh_end",
  beginIntake: "code_begin",
  journalAnswer: "code_journal",
  saveFromIntake: "code_save",
  appendAudit: "audit",
  changesSince: "changes",
  noteDeliveries: "webhooks",
  ping: "ping",
} as const satisfies Partial<Record<keyof Store, string>>;

export interface MeasuredStore {
  readonly store: Store;
  readonly times: () => StoreTimes;
}

/** Measures the transactions of a store. Each kind is there from the beginning, so that its first failure is a rise. */
export function measuredStore(store: Store): MeasuredStore {
  const times = new Map<string, { readonly kind: string; readonly took: Durations; failed: number }>(
    Object.values(kinds).map((kind) => [kind, { kind, took: noDurations(), failed: 0 }]),
  );
  type Method = (...args: unknown[]) => Promise<unknown>;
  const measured = Object.entries(kinds).map(([name, kind]) => {
    const method = store[name as keyof typeof kinds] as Method;
    const time = times.get(kind);
    const run: Method = async (...args) => {
      const begun = performance.now();
      try {
        return await method(...args);
      } catch (error) {
        if (time !== undefined) time.failed += 1;
        throw error;
      } finally {
        if (time !== undefined) addDuration(time.took, performance.now() - begun);
      }
    };
    return [name, run];
  });
  return { store: { ...store, ...Object.fromEntries(measured) }, times: () => [...times.values()] };
}
