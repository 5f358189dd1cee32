/**
 * The program of a keeper that kills the process that it works for, as `kill -9` does, at one step that the keeper's work
 * makes in its store, and goes on. Otherwise it is the keeper's own.
 */
import { describedStore, openDescribed } from "../../src/keeper-process/child/open-described.ts";
import { tellLastFault, workForParent } from "../../src/keeper-process/child/work-for-parent.ts";
import type { Opening } from "../../src/keeper-process/opening.ts";
import type { Store } from "../../src/store/store.ts";
import { countedStore } from "./counted-store.ts";
import { faultyStore } from "./faulty-store.ts";
import { killVariable } from "./killing-keeper-plan.ts";
import type { KillPlan } from "./killing-keeper-plan.ts";

const employer = process.ppid;
const { grantId, step, kind } = JSON.parse(process.env[killVariable] ?? "") as KillPlan;

function killing(store: Store): Store {
  if (grantId === undefined) {
    const { store: counted, faults } = countedStore(store, kill);
    faults.arm(step, kind);
    return counted;
  }
  const { store: counted, faults } = faultyStore(store, kill);
  faults.arm(grantId, step, kind);
  return counted;
}

/** Returns once the other process is gone: what comes next is done for nobody. */
function kill(): void {
  // The store strikes in the place of a step and after it.
  if (process.ppid !== employer) return;
  process.kill(employer, "SIGKILL");
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (process.ppid === employer) Atomics.wait(nothing, 0, 0, 1);
}

workForParent(
  (opening: Opening, other) => openDescribed(opening, other, (description) => killing(describedStore(description))),
  tellLastFault,
);
