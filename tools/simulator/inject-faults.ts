/** What happens between two steps of a schedule: faults of a process, and what the person and the app do to the grant. */
import { refreshTokenIn } from "./plain-sealer.ts";
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
  const { schedule, faults, processes, checker } = simulation;
  if (schedule.chance(faults.personRevokes)) revokeAtProvider(simulation);
  // What the person and the app do is written by other processes, which wait for their turn.
  if (schedule.chance(faults.personConsents) && !isLocked(simulation)) consentAgain(simulation);
  if (schedule.chance(faults.appRevokes) && !isLocked(simulation)) revokeByApp(simulation);
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
