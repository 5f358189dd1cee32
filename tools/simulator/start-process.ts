/** Starts a simulated process: the real refresh protocol, in a context whose store, wire and clock are the schedule's. */
import type { Liveness, Owner } from "../../src/core/take-over.ts";
import type { KeeperContext, RescueJournal } from "../../src/vault/keeper/context.ts";
import { EpochWatch } from "../../src/vault/keeper/epoch/epoch-watch.ts";
import type { MarkFile } from "../../src/vault/keeper/epoch/mark-file.ts";
import { Gate } from "../../src/vault/keeper/gate/gate.ts";
import { refreshGrant } from "../../src/vault/keeper/refresh/refresh-grant.ts";
import { plainSealer, refreshTokenIn } from "./plain-sealer.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { protocolFor } from "./simulated-protocol.ts";
import { storeFor } from "./simulated-store.ts";
import type { Simulation } from "./simulation.ts";

/** Everything that the process touches outside itself is a step that the schedule chooses. */
export function startProcess(simulation: Simulation): {
  readonly process: SimulatedProcess;
  readonly context: KeeperContext;
  readonly epoch: EpochWatch;
} {
  const { schedule, providerRecord, checker, processes, isolated } = simulation;
  const process = new SimulatedProcess(`p${processes.length}`);
  processes.push(process);
  const owner: Owner = { node: "host", pid: processes.length, startedAt: "1", vault: process.name };
  const clock = { now: () => schedule.now };
  const { random } = schedule;
  const sleep = (ms: number): Promise<void> => schedule.step(process, "wakes", () => undefined, schedule.now + ms);
  const store = storeFor(simulation, process);
  const epoch = new EpochWatch({ store, clock, emit: () => undefined }, markFileOf(simulation));
  const context: KeeperContext = {
    store,
    epoch,
    keyring: plainSealer,
    clock,
    random,
    sleep,
    fetch: globalThis.fetch,
    protocols: new Map([[providerRecord.name, protocolFor(simulation, process)]]),
    owner,
    auditName: "@test",
    audit: "callers",
    livenessOf: async (other): Promise<Liveness> => {
      if (other.vault === process.name) return "mine";
      if (isolated) return "unknown";
      return processes.some(({ name, alive, exited }) => name === other.vault && alive && !exited) ? "alive" : "dead";
    },
    emit: () => undefined,
    onFault: (error) => checker.violations.push(`${process.name} meets the unexpected error ${String(error)}`),
    running: new Set(),
    gates: new Map([[providerRecord.name, new Gate({ clock, random, sleep }, { perSecond: 1e9, burst: 1e9 })]]),
    rescue: rescueFor(simulation, process),
    refresh: (seen, priority) => refreshGrant(context, seen, priority),
  };
  return { process, context, epoch };
}

function markFileOf({ outside }: Simulation): MarkFile {
  return {
    read: () => outside.kept,
    write: (kept) => {
      outside.kept = kept;
    },
  };
}

/** A journal that all processes share, as those of one host do. It fails as often as the store does. */
function rescueFor(simulation: Simulation, process: SimulatedProcess): RescueJournal {
  const { schedule, rescued, checker } = simulation;
  return {
    keep: (answer) =>
      schedule.step(process, "writes rescue journal", () => {
        const token = refreshTokenIn(answer.answerSealed);
        checker.rescueTried(process, token);
        if (schedule.chance(simulation.faults.storeBefore)) {
          schedule.setResult("fails");
          return undefined;
        }
        const name = `${process.name}-${schedule.steps}`;
        rescued.set(name, answer);
        checker.stored.add(token);
        return name;
      }),
    drop: (name) => {
      rescued.delete(name);
    },
    count: () => rescued.size,
    kept: () => [...rescued].map(([name, answer]) => ({ name, answer })),
  };
}
