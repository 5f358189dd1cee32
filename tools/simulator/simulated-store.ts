/** The store as one simulated process reaches it: the model's operations, each a step of the schedule, with faults. */
import { OnbehalfError } from "../../src/core/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { modelOperations } from "../model-store.ts";
import type { ModelOperation } from "../model-store.ts";
import { refreshTokenIn } from "./plain-sealer.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { isLocked, storedGrant } from "./simulation.ts";
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
  "addMark",
  "beginStandstill",
  "endStandstill",
  "lookAt",
]);

/** It is put back in its place: nothing but the marks tells that it was. */
export const whereItIs = { kind: "sqlite", location: "simulated.db" } as const;

/** A write that waits for its group. */
interface Member {
  readonly name: ModelOperation;
  readonly args: readonly unknown[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export function storeFor(simulation: Simulation, process: SimulatedProcess): Store {
  const { schedule, store } = simulation;
  const read = (name: ModelOperation, args: readonly unknown[]): Promise<unknown> =>
    schedule.step(process, name, () => {
      if (schedule.chance(simulation.faults.storeBefore)) {
        schedule.setResult("store fails");
        throw failure();
      }
      const result = run(store, name, args);
      schedule.setResult(resultText(result));
      return result;
    });
  const group = new GroupOfWrites(simulation, process);
  const operations = Object.fromEntries(
    modelOperations.map((name) => [
      name,
      (...args: readonly unknown[]) => (writes.has(name) ? group.write(name, args) : read(name, args)),
    ]),
  );
  return { ...operations, ...whereItIs } as unknown as Store;
}

/**
 * The writes of one process: those that wait at the same moment share a commit, as in src/store/sqlite/database.ts. It is two
 * steps. In the first, the file's lock is taken and all bodies run, on a draft that nobody else sees. In the second, the
 * draft becomes the store, and each hears how it ended. A process that is killed in between has written nothing, and nobody
 * has heard otherwise; while one is stopped in between, nobody else can write.
 */
class GroupOfWrites {
  readonly #simulation: Simulation;
  readonly #process: SimulatedProcess;
  #waiting: Member[] = [];

  constructor(simulation: Simulation, process: SimulatedProcess) {
    this.#simulation = simulation;
    this.#process = process;
  }

  write(name: ModelOperation, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ name, args, resolve, reject }) === 1) void this.#work();
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { size, endings } = await this.#runGroup();
      const members = this.#waiting.splice(0, size);
      for (const [index, { name, args, resolve, reject }] of members.entries()) {
        if (endings === undefined) reject(failure());
        else {
          checkAcknowledged(this.#simulation, this.#process, { name, args, result: endings[index] });
          resolve(endings[index]);
        }
      }
    }
  }

  /**
   * Returns how many writes were in the group, and their results in their order; no results where the commit was not
   * acknowledged. Who comes once the bodies have run is in the next group.
   */
  async #runGroup(): Promise<{ readonly size: number; readonly endings: readonly unknown[] | undefined }> {
    let size = 0;
    const { schedule, store, checker } = this.#simulation;
    const [first] = this.#waiting;
    const bodies = await schedule.step(this.#process, first?.name ?? "", () => {
      const members = [...this.#waiting];
      size = members.length;
      for (const { name, args } of members) {
        if (name !== "commitAttempt") continue;
        const [, , { refreshSealed }] = args as Parameters<Store["commitAttempt"]>;
        if (refreshSealed !== null) checker.commitTried(this.#process, refreshTokenIn(refreshSealed));
      }
      if (isLocked(this.#simulation)) {
        schedule.setResult("store is locked");
        return undefined;
      }
      if (schedule.chance(this.#simulation.faults.storeBefore)) {
        schedule.setResult("store fails");
        return undefined;
      }
      const draft = store.draft();
      const results = members.map(({ name, args }) => run(draft, name, args));
      this.#simulation.writer = this.#process;
      schedule.setResult(results.map(resultText).join(", "));
      return { members, draft, results };
    });
    if (bodies === undefined) return { size, endings: undefined };
    const endings = await schedule.step(this.#process, "commits", () => {
      const { members, draft, results } = bodies;
      const [before] = store.listGrants({ limit: 1 });
      const { seq } = store.eventHead();
      store.commit(draft);
      checker.committed(before, store.listGrants({ limit: 1 })[0], store.events({ after: seq, limit: Infinity }));
      this.#simulation.writer = undefined;
      members.forEach(({ name, args }, index) => check(this.#simulation, this.#process, name, args, results[index]));
      if (!schedule.chance(this.#simulation.faults.storeAfter)) return results;
      schedule.setResult("store fails after it");
      return undefined;
    });
    return { size, endings };
  }
}

function run(store: Simulation["store"], name: ModelOperation, args: readonly unknown[]): unknown {
  return (store[name] as (...args: readonly unknown[]) => unknown)(...args);
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

/** Whoever hears that something was written goes on from there, to the provider or to a caller: so it must be in the store. */
function checkAcknowledged(
  { store, checker }: Simulation,
  { name: who }: SimulatedProcess,
  {
    name,
    args,
    result,
  }: { readonly name: ModelOperation; readonly args: readonly unknown[]; readonly result: unknown },
): void {
  const missing = (what: string): number =>
    checker.violations.push(`${who} hears that ${what} is stored, and it is not`);
  if (name === "beginAttempt") {
    const [{ attemptId }] = args as Parameters<Store["beginAttempt"]>;
    const { kind } = result as Awaited<ReturnType<Store["beginAttempt"]>>;
    if (kind === "begun" && !store.attempts().some((each) => each.attemptId === attemptId)) missing("its attempt");
  }
  if (name === "commitAttempt" && result !== undefined) {
    const [, , { refreshSealed }] = args as Parameters<Store["commitAttempt"]>;
    const token = refreshSealed === null ? undefined : refreshTokenIn(refreshSealed);
    if (token !== undefined && !checker.stored.has(token)) missing(token);
  }
  if (name === "keepLateAnswer") {
    const [{ answerSealed }] = args as Parameters<Store["keepLateAnswer"]>;
    const token = refreshTokenIn(answerSealed);
    if (!checker.stored.has(token)) missing(token);
  }
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
