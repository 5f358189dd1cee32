import { OnbehalfError } from "../../src/index.ts";
import type { Store } from "../../src/store/store.ts";

/** When the fault strikes: instead of the step, after the step, or instead of the step and of every later one. */
export type FaultKind = "before" | "after" | "from then on";

/** Counts the steps that one grant's refresh makes in a store, and lets one of them fail. */
export interface StoreFaults {
  /** The fault comes at this step of this grant, counted from 1. */
  arm(grantId: string, step: number, kind: FaultKind): void;
  /** Ends all faults. Returns whether there was one. */
  disarm(): boolean;
}

/** What a refresh asks of a store. */
const steps = [
  "grantById",
  "beginAttempt",
  "commitAttempt",
  "endAttempt",
  "endAttemptUnknown",
  "lapse",
  "keepLateAnswer",
  "lateAnswersOf",
  "dropLateAnswer",
] as const satisfies readonly (keyof Store)[];

/** Steps whose argument is the attempt's id, not the grant's. */
const byAttempt: ReadonlySet<string> = new Set(["endAttempt", "endAttemptUnknown"]);

/**
 * A real store, some steps of which fail on demand.
 *
 * @param strike what a fault does; by default it is an error, as of a database that does not answer
 */
export function faultyStore(
  store: Store,
  strike: (step: string) => void = (step) => {
    throw away(step);
  },
): { readonly store: Store; readonly faults: StoreFaults } {
  let target: { readonly grantId: string; readonly step: number; readonly kind: FaultKind } | undefined;
  let count = 0;
  let struck = false;
  const attempts = new Set<unknown>();

  const isTheTargets = (name: string, first: unknown): boolean => {
    if (target === undefined) return false;
    const { grantId } = target;
    if (byAttempt.has(name)) return attempts.has(first);
    const named = typeof first === "object" && first !== null && "grantId" in first ? first.grantId : first;
    if (named !== grantId) return false;
    if (name === "beginAttempt") attempts.add((first as { attemptId: string }).attemptId);
    return true;
  };

  const stepOf = (name: (typeof steps)[number]): ((...args: unknown[]) => Promise<unknown>) => {
    const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
    return async (...args) => {
      if (target === undefined || !isTheTargets(name, args[0])) return call(...args);
      const { step, kind } = target;
      count += 1;
      const isNow = kind === "from then on" ? count >= step : count === step;
      struck ||= isNow;
      if (isNow && kind !== "after") strike(name);
      const result = await call(...args);
      if (isNow) strike(name);
      return result;
    };
  };
  const wrapped: Store = { ...store, ...Object.fromEntries(steps.map((name) => [name, stepOf(name)])) };

  return {
    store: wrapped,
    faults: {
      arm(grantId, step, kind) {
        target = { grantId, step, kind };
        count = 0;
        struck = false;
        attempts.clear();
      },
      disarm() {
        target = undefined;
        return struck;
      },
    },
  };
}

function away(step: string): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", `the database did not answer (${step})`, {
    hint: "this is a test",
    details: { retryAfterMs: 1_000 },
  });
}
