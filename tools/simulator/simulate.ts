/** Runs one schedule: two or three processes refresh one grant, in the order and with the faults that the seed decides. */
import { isOnbehalfError } from "../../src/core/errors.ts";
import { isUsable } from "../../src/core/grant.ts";
import type { GrantState } from "../../src/core/grant-state.ts";
import type { Rotation } from "../../src/core/refresh.ts";
import type { KeeperContext } from "../../src/vault/keeper/context.ts";
import { commitRescued } from "../../src/vault/keeper/refresh/rescued-answers.ts";
import { refreshGrant } from "../../src/vault/keeper/refresh/refresh-grant.ts";
import { endLateAnswers, goOnRevoking } from "../../src/vault/keeper/revoke/revoke-grant.ts";
import { finishAttempts, takeLooks } from "../../src/vault/keeper/upkeep.ts";
import { seeded } from "../random.ts";
import { noFaults } from "./fault-rates.ts";
import { injectFaults } from "./inject-faults.ts";
import type { End } from "./invariant-checker.ts";
import { Schedule } from "./schedule.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { grantId, newSimulation, storedGrant } from "./simulation.ts";
import type { Simulation } from "./simulation.ts";
import { startProcess } from "./start-process.ts";
import { traceLine } from "./trace.ts";

export interface Result {
  readonly seed: number;
  readonly rotation: Rotation;
  readonly steps: number;
  readonly violations: readonly string[];
  readonly end: End;
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
  return { seed, rotation, steps: schedule.steps, violations: simulation.checker.violations, end };
}

function endOf(state: GrantState): End {
  if (state === "lapsed" || state === "revoked") return state;
  return isUsable(state) ? "served" : "unsettled";
}

function start(simulation: Simulation): void {
  const { process, context } = startProcess(simulation);
  live(simulation, process, context).catch((error: unknown) => {
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
  schedule.record("all", "faults end");
  const ended = (): boolean => processes.every(({ alive, exited }) => exited || !alive);
  if (!(await schedule.run(ended, () => undefined, mostSteps.after))) return false;

  const { process, context } = startProcess(simulation);
  void (async () => {
    for (let round = 0; round < 4 && storedGrant(simulation).state !== "lapsed"; round++) {
      await refreshOnce(context);
      await context.sleep(200_000);
    }
    process.exited = true;
  })();
  return schedule.run(ended, () => undefined, mostSteps.after);
}

/** The life of a process: two refreshes that callers ask for, and upkeep for as long as it runs. */
async function live(simulation: Simulation, process: SimulatedProcess, context: KeeperContext): Promise<void> {
  for (let round = 0; round < 2; round++) await refreshOnce(context);
  process.served = true;
  while (!simulation.ending) {
    await context.sleep(upkeepEveryMs);
    await upkeep(context);
  }
  // As `close` does: a process stores what it works on in the background before it ends.
  while (context.running.size > 0) await context.sleep(1_000);
  process.exited = true;
}

async function refreshOnce(context: KeeperContext): Promise<void> {
  await upkeep(context);
  await allowErrors(async () => {
    const grant = await context.store.grantById(grantId);
    if (grant !== undefined && isUsable(grant.state)) await refreshGrant(context, grant, "interactive");
  });
}

async function upkeep(context: KeeperContext): Promise<void> {
  await allowErrors(() => finishAttempts(context));
  await allowErrors(() => commitRescued(context));
  await allowErrors(() => takeLooks(context));
  await allowErrors(() => goOnRevoking(context, grantId, "background"));
  await allowErrors(() => endLateAnswers(context, grantId, "background"));
}

/** Errors of the vault are what callers would be told. Any other error is a bug, and fails the schedule. */
async function allowErrors(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
  }
}
