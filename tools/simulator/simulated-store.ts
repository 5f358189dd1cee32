/** The store as one simulated process reaches it: the model's operations, each a step of the schedule, with faults. */
import { OnbehalfError } from "../../src/core/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { modelOperations } from "../model-store.ts";
import type { ModelOperation } from "../model-store.ts";
import { refreshTokenIn } from "./plain-sealer.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { storedGrant } from "./simulation.ts";
import type { Simulation } from "./simulation.ts";

/** Operations that write: when the store fails, their caller cannot know whether they were done. */
const writes: ReadonlySet<ModelOperation> = new Set<ModelOperation>([
  "saveFromIntake",
  "beginRevocation",
  "endRevocation",
  "markSuspect",
  "beginAttempt",
  "commitAttempt",
  "endAttempt",
  "endAttemptUnknown",
  "lapse",
  "keepLateAnswer",
  "dropLateAnswer",
  "beginIntake",
  "journalAnswer",
  "takeIntake",
  "rejectIntake",
  "holdIntake",
  "releaseIntake",
  "forgetIntake",
  "sweepIntakes",
  "sweepRejected",
  "insertTicket",
  "bindTicket",
  "sweepTickets",
]);

export function storeFor(simulation: Simulation, process: SimulatedProcess): Store {
  const { schedule, store } = simulation;
  const call = (name: ModelOperation, args: readonly unknown[]): Promise<unknown> =>
    schedule.step(process, name, () => {
      const { checker, faults } = simulation;
      if (name === "commitAttempt") {
        const [, , { refreshSealed }] = args as Parameters<Store["commitAttempt"]>;
        if (refreshSealed !== null) checker.commitTried(process, refreshTokenIn(refreshSealed));
      }
      if (schedule.chance(faults.storeBefore)) {
        schedule.setResult("store fails");
        throw failure();
      }
      const result: unknown = (store[name] as (...args: readonly unknown[]) => unknown)(...args);
      check(simulation, process, name, args, result);
      if (writes.has(name) && schedule.chance(faults.storeAfter)) {
        schedule.setResult(`store fails after ${resultText(result) || "done"}`);
        throw failure();
      }
      schedule.setResult(resultText(result));
      return result;
    });
  return Object.fromEntries(
    modelOperations.map((name) => [name, (...args: readonly unknown[]) => call(name, args)]),
  ) as unknown as Store;
}

function check(
  simulation: Simulation,
  process: SimulatedProcess,
  name: ModelOperation,
  args: readonly unknown[],
  result: unknown,
): void {
  const { checker } = simulation;
  if (name === "commitAttempt" && result !== undefined) {
    const { refreshSealed } = storedGrant(simulation);
    if (refreshSealed !== null) checker.stored.add(refreshTokenIn(refreshSealed));
  }
  if (name === "keepLateAnswer") {
    const [{ answerSealed }] = args as Parameters<Store["keepLateAnswer"]>;
    checker.stored.add(refreshTokenIn(answerSealed));
  }
  if (name === "lapse" && result === true) checker.lapsed(process, storedGrant(simulation));
}

function failure(): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", "simulated", { hint: "none", details: { retryAfterMs: 1 } });
}

/** What an operation answered, short enough for a column of the trace. */
function resultText(result: unknown): string {
  if (typeof result === "boolean" || typeof result === "string") return String(result);
  if (Array.isArray(result)) return `${result.length} found`;
  return typeof result === "object" && result !== null && "kind" in result ? String(result.kind) : "";
}
