/** What happens between two steps of a schedule: faults of a process, and what the person and the app do to the grant. */
import { recognise } from "../../src/core/epoch.ts";
import { refreshTokenIn } from "./plain-sealer.ts";
import { whereItIs } from "./simulated-store.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { anyCode, grantId, isLocked, sealedToken, storedGrant } from "./simulation.ts";
import type { Simulation } from "./simulation.ts";

/** A process is stopped for at most so long: longer than every timer of the protocol. */
const longestPauseMs = 900_000;

/** So many processes in all: a schedule in which every process is killed must end. */
const mostProcesses = 8;

/**
 * @param next the process whose step is next
 * @param start starts another process, in the place of one that was killed
 */
export function injectFaults(simulation: Simulation, next: SimulatedProcess, start: () => void): void {
  const { schedule, faults, processes, checker, store } = simulation;
  if (schedule.chance(faults.personRevokes)) revokeAtProvider(simulation);
  // What the person and the app do is written by other processes, which wait for their turn, and look at the store first.
  const mayWrite = (): boolean => !isLocked(simulation) && (!checker.wasRestored || store.epochs(1).length > 0);
  if (schedule.chance(faults.personConsents) && mayWrite()) consentAgain(simulation);
  if (schedule.chance(faults.appRevokes) && mayWrite()) revokeByApp(simulation);
  if (schedule.chance(faults.backup)) makeBackup(simulation);
  if (schedule.chance(faults.restore)) return restore(simulation, start);
  if (schedule.chance(faults.operatorSettles) && !isLocked(simulation)) letGoOn(simulation);
  if (schedule.chance(faults.pause)) {
    const ms = Math.floor(schedule.random() * longestPauseMs);
    next.pausedUntil = schedule.now + ms;
    schedule.record(next.name, `is stopped for ${Math.round(ms / 1000)} s`);
  }
  if (schedule.chance(faults.crash)) {
    checker.killed(next);
    schedule.kill(next);
    if (processes.length < mostProcesses) start();
  }
}

function makeBackup(simulation: Simulation): void {
  const { schedule, store, checker } = simulation;
  // Another standstill within the first says nothing new.
  if (checker.wasRestored) return;
  simulation.backup = store.draft();
  schedule.record("operator", "makes a backup");
}

/** As docs/operations.md has it: every process is stopped, and the operator says what was done where nothing would notice it. */
function restore(simulation: Simulation, start: () => void): void {
  const { schedule, store, checker, backup, processes, outside } = simulation;
  if (backup === undefined || checker.wasRestored || processes.length >= mostProcesses) return;
  for (const process of processes.filter(({ alive, exited }) => alive && !exited)) {
    checker.killed(process);
    schedule.kill(process);
  }
  simulation.writer = undefined;
  store.commit(backup);
  checker.restored();
  schedule.record("operator", "puts the backup back");
  const { lastEpoch, ...state } = store.epochState(outside.kept?.markNo ?? 0);
  const self = { ...state, epoch: lastEpoch?.epoch ?? 0, settledAt: lastEpoch?.settledAt ?? null };
  const place = { id: "", path: whereItIs.location };
  const { now } = schedule;
  const { is } = recognise({ self, kept: outside.kept, place, isReplicated: false, now });
  if (is === "known") store.beginStandstill({ why: "told", noticedAt: now, backupAt: null });
  start();
  if (processes.length < mostProcesses) start();
}

/** The operator says that the store was restored, as `onbehalf store restored` does. */
export function letGoOn({ schedule, store, checker }: Simulation): void {
  if (store.epochs(1)[0]?.settledAt !== null) return;
  store.lookAt([grantId], schedule.now);
  store.endStandstill({ outcome: "restored", at: schedule.now });
  checker.settled();
  schedule.record("operator", "lets the store go on");
}

function revokeAtProvider({ schedule, provider, checker }: Simulation): void {
  checker.personRevoked = true;
  provider.revokeAll();
  schedule.record("person", "revokes at provider");
}

/** The person signs in again. A new refresh token replaces the old one, so an answer that is under way comes too late. */
function consentAgain(simulation: Simulation): void {
  const { schedule, store, provider, checker } = simulation;
  const grant = storedGrant(simulation);
  if (grant.state === "lapsed") return;
  const old = grant.refreshSealed === null ? undefined : provider.familyOf(refreshTokenIn(grant.refreshSealed));
  if (old !== undefined) checker.replacedFamilies.add(old);
  const token = provider.issue();
  checker.stored.add(token);
  const generation = grant.generation + 1;
  const { now } = schedule;
  // As src/vault/keeper/codes/store-consent.ts writes the next row of a grant.
  const next = {
    ...grant,
    generation,
    refreshSealed: sealedToken(token, generation),
    state: "active",
    reason: null,
    stateSince: grant.state === "active" ? grant.stateSince : now,
    lastError: null,
    lastErrorAt: null,
    failures: 0,
    retryAt: null,
    lookAt: null,
    updatedAt: now,
  } as const;
  store.saveFromIntake(next, grant, anyCode);
  schedule.record("person", `signs in again: ${token}`);
}

/** The app ends the grant. To tell the provider is what the upkeep of any process does. */
function revokeByApp(simulation: Simulation): void {
  const { schedule, store } = simulation;
  if (store.beginRevocation(grantId, schedule.now)) schedule.record("app", "revokes the grant");
}
