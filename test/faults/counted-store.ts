import type { Store } from "../../src/store/store.ts";

/** Lets one of the steps fail that work makes in a store. */
export interface CountedFaults {
  /** The fault comes at this step from now on, counted from 1: in its place, or after it. */
  arm(step: number, kind: "before" | "after"): void;
  /** Ends it. Returns whether it came. */
  disarm(): boolean;
}

/** What a sign-in with a ticket asks of a store. */
const steps = [
  "ticketByHash",
  "callerById",
  "bindTicket",
  "beginIntake",
  "intakeByCode",
  "journalAnswer",
  "rejectIntake",
  "forgetIntake",
  "grantsBySubject",
  "grantsByExternalId",
  "saveFromIntake",
  "grantById",
] as const satisfies readonly (keyof Store)[];

/** A real store, one step of which fails on demand. */
export function countedStore(
  store: Store,
  strike: () => void,
): { readonly store: Store; readonly faults: CountedFaults } {
  let left = 0;
  let wanted: "before" | "after" = "before";
  const stepOf = (name: (typeof steps)[number]): ((...args: unknown[]) => Promise<unknown>) => {
    const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
    return async (...args) => {
      const isNow = left === 1;
      left = Math.max(0, left - 1);
      if (isNow && wanted === "before") strike();
      const result = await call(...args);
      if (isNow) strike();
      return result;
    };
  };
  return {
    store: { ...store, ...Object.fromEntries(steps.map((name) => [name, stepOf(name)])) },
    faults: {
      arm(step, kind) {
        left = step;
        wanted = kind;
      },
      disarm() {
        const came = left === 0;
        left = 0;
        return came;
      },
    },
  };
}
