/** Runs one schedule: two or three processes refresh one grant, in the order and with the faults that the seed decides. */
import { isOnbehalfError } from "../../src/core/errors.ts";
import { isUsable } from "../../src/core/grant.ts";
import type { GrantState } from "../../src/core/grant-state.ts";
import type { Rotation } from "../../src/core/refresh.ts";
import { commitRescued } from "../../src/vault/keeper/refresh/rescued-answers.ts";
import { refreshGrant } from "../../src/vault/keeper/refresh/refresh-grant.ts";
import { endLateAnswers, goOnRevoking } from "../../src/vault/keeper/revoke/revoke-grant.ts";
import { finishAttempts, takeLooks } from "../../src/vault/keeper/upkeep.ts";
import { seeded } from "../random.ts";
import { noFaults } from "./fault-rates.ts";
import { injectFaults, letGoOn } from "./inject-faults.ts";
import type { End } from "./invariant-checker.ts";
import { Schedule } from "./schedule.ts";
import { grantId, newSimulation, storedGrant } from "./simulation.ts";
import type { Simulation } from "./simulation.ts";
import { startProcess } from "./start-process.ts";
import { traceLine } from "./trace.ts";

type Started = ReturnType<typeof startProcess>;

export interface Result {
  readonly seed: number;
  readonly rotation: Rotation;
  readonly steps: number;
  readonly violations: readonly string[];
  readonly end: End;
  /** Whether the store was put back to a backup. */
  readonly wasRestored: boolean;
}

/** Rarer than in life, where upkeep runs every second: hours of virtual time pass here. */
const upkeepEveryMs = 100_000;

/** With faults, and after them: no schedule needs so many steps. */
const mostSteps = { withFaults: 400, after: 20_000 };

/** One grace period that is longer than an exchange may take, and one that is shorter. */
const rotations: readonly Rotation[] = ["none", "strict", { graceSeconds: 60 }, { graceSeconds: 20 }];

/** @param onLine is given the trace, line by line; without it none is made */
export async function simulate(seed: number, onLine?: (line: string) => void): Promise<Result> {
  const random = seeded(seed);
  const rotation = rotations[Math.floor(random() * rotations.length)] ?? "none";
  const schedule = new Schedule(
    random,
    onLine && ((who, event, result) => onLine(traceLine(simulation, { who, event, result }))),
  );
  const simulation = newSimulation(schedule, rotation);
  for (let count = 2 + Math.floor(random() * 2); count > 0; count--) start(simulation);
  await schedule.run(
    () => unserved(simulation) === 0,
    (next) => injectFaults(simulation, next, () => start(simulation)),
    mostSteps.withFaults,
  );
  const settled = await settle(simulation);
  const grant = storedGrant(simulation);
  const end = settled ? endOf(grant.state) : "unsettled";
  simulation.checker.ended(end, grant);
  const { violations, wasRestored } = simulation.checker;
  return { seed, rotation, steps: schedule.steps, violations, end, wasRestored };
}

function endOf(state: GrantState): End {
  if (state === "lapsed" || state === "revoked") return state;
  return isUsable(state) ? "served" : "unsettled";
}

function start(simulation: Simulation): void {
  const { process, context, epoch } = startProcess(simulation);
  live(simulation, { process, context, epoch }).catch((error: unknown) => {
    simulation.checker.violations.push(`${process.name} fails with ${String(error)}`);
  });
}

/** How many living processes have not yet done what their callers asked for. */
function unserved({ processes }: Simulation): number {
  return processes.filter(({ alive, served }) => alive && !served).length;
}

/** No more faults: the processes that live finish and end, and a new one finds everything as they left it. */
async function settle(simulation: Simulation): Promise<boolean> {
  const { schedule, processes } = simulation;
  simulation.faults = noFaults;
  simulation.ending = true;
  for (const process of processes) process.pausedUntil = 0;
  letGoOn(simulation);
  schedule.record("all", "faults end");
  const ended = (): boolean => processes.every(({ alive, exited }) => exited || !alive);
  if (!(await schedule.run(ended, () => undefined, mostSteps.after))) return false;

  const started = startProcess(simulation);
  const { process, context } = started;
  void (async () => {
    await started.epoch.open();
    // A backup that was put back when nobody ran any more is noticed only now.
    letGoOn(simulation);
    for (let round = 0; round < 4 && storedGrant(simulation).state !== "lapsed"; round++) {
      await refreshOnce(started);
      await context.sleep(200_000);
    }
    process.exited = true;
  })();
  return schedule.run(ended, () => undefined, mostSteps.after);
}

/** The life of a process: two refreshes that callers ask for, and upkeep for as long as it runs. */
async function live(simulation: Simulation, started: Started): Promise<void> {
  const { process, context } = started;
  await openEpoch(started);
  for (let round = 0; round < 2; round++) await refreshOnce(started);
  process.served = true;
  while (!simulation.ending) {
    await context.sleep(upkeepEveryMs);
    await upkeep(started);
  }
  // As `close` does: a process stores what it works on in the background before it ends.
  while (context.running.size > 0) await context.sleep(1_000);
  process.exited = true;
}

/** A process that cannot read the store does not start: whoever started it tries again. */
async function openEpoch({ context, epoch }: Started): Promise<void> {
  while (!(await allowErrors(() => epoch.open()))) await context.sleep(1_000);
}

async function refreshOnce(started: Started): Promise<void> {
  const { context } = started;
  await upkeep(started);
  await allowErrors(async () => {
    const grant = await context.store.grantById(grantId);
    if (grant !== undefined && isUsable(grant.state)) await refreshGrant(context, grant, "interactive");
  });
}

async function upkeep({ process, context, epoch }: Started): Promise<void> {
  await allowErrors(() => epoch.look());
  const tasks = [
    () => finishAttempts(context),
    () => commitRescued(context),
    () => takeLooks(context),
    () => goOnRevoking(context, grantId, "background"),
    () => endLateAnswers(context, grantId, "background"),
  ];
  process.isInBackground = true;
  // Each waits while the store stands still, as in src/vault/keeper/upkeep.ts.
  for (const task of tasks) if (!epoch.isStandingStill) await allowErrors(task);
  process.isInBackground = false;
}

/**
 * Errors of the vault are what callers would be told. Any other error is a bug, and fails the schedule.
 *
 * @returns whether it went well
 */
async function allowErrors(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    return false;
  }
}
