import { isOnbehalfError } from "../../src/core/errors.ts";
import { isUsable } from "../../src/core/grant.ts";
import type { GrantState } from "../../src/core/grant.ts";
import { oidc } from "../../src/providers/oidc.ts";
import type { Rotation } from "../../src/core/refresh.ts";
import { newGrant } from "../../src/store/new-grant.ts";
import type { GrantRow } from "../../src/store/store.ts";
import type { KeeperContext } from "../../src/vault/keeper/context.ts";
import { commitRescued } from "../../src/vault/keeper/refresh/rescued-answers.ts";
import { refreshGrant } from "../../src/vault/keeper/refresh/refresh-grant.ts";
import { endLateAnswers, goOnRevoking } from "../../src/vault/keeper/revoke/revoke-grant.ts";
import { finishAttempts } from "../../src/vault/keeper/upkeep.ts";
import { crash, openSealer, refreshTokenIn, startProcess } from "./actor.ts";
import type { World } from "./actor.ts";
import { noFaults, weather } from "./faults.ts";
import { SimulatedProvider } from "./provider.ts";
import { seeded } from "./random.ts";
import { Schedule } from "./schedule.ts";
import type { SimulatedProcess } from "./schedule.ts";
import { SimulatedStore } from "./store.ts";
import { Witness } from "./witness.ts";

export interface Result {
  readonly seed: number;
  readonly rotation: Rotation;
  readonly steps: number;
  readonly violations: readonly string[];
  /** How the grant ended. */
  readonly end: "served" | "lapsed" | "revoked" | "unsettled";
  readonly trace: readonly string[];
}

/** Rarer than in life, where it is every second: virtual hours pass here. */
const upkeepEveryMs = 100_000;

/** One grace that outlives an exchange, and one that does not. */
const rotations: readonly Rotation[] = ["none", "strict", { graceSeconds: 60 }, { graceSeconds: 20 }];

/** Runs one schedule: two or three processes refresh one grant in whatever order and weather the seed decides. */
export async function simulate(seed: number): Promise<Result> {
  const random = seeded(seed);
  const rotation = rotations[Math.floor(random() * rotations.length)] ?? "none";
  const world = newWorld(random, rotation);
  const { schedule, witness, store } = world;
  for (let count = 2 + Math.floor(random() * 2); count > 0; count--) start(world);
  await schedule.run(
    () => busy(world) === 0,
    (process) => disturb(world, process),
    400,
  );
  const settled = await settle(world);
  const end = settled ? endOf(store.grant.state) : "unsettled";
  judgeEnd(world, end);
  return { seed, rotation, steps: schedule.steps, violations: witness.violations, end, trace: schedule.trace };
}

function endOf(state: GrantState): Result["end"] {
  if (state === "lapsed" || state === "revoked") return state;
  return isUsable(state) ? "served" : "unsettled";
}

function start(world: World): void {
  const { process, context } = startProcess(world);
  live(world, process, context).catch((error: unknown) => {
    world.witness.violations.push(`${process.name} fails with ${String(error)}`);
  });
}

/** How many living processes still have refreshes of their own before them. */
function busy({ processes }: World): number {
  return processes.filter(({ alive, served }) => alive && !served).length;
}

/** Between two steps anything may happen: to the process whose turn it is, or to the grant. */
function disturb(world: World, process: SimulatedProcess): void {
  const { schedule, faults, provider, witness } = world;
  if (schedule.chance(faults.userRevokes)) {
    witness.userRevoked = true;
    provider.revokeAll();
  }
  if (schedule.chance(faults.userConsents)) consentAgain(world);
  if (schedule.chance(faults.appRevokes)) disconnect(world);
  if (schedule.chance(faults.pause)) process.pausedUntil = schedule.now + Math.floor(schedule.random() * 900_000);
  if (schedule.chance(faults.crash)) {
    crash(world, process);
    if (world.processes.length < 8) start(world);
  }
}

/** The app ends the grant; telling the provider is what somebody's upkeep does. */
function disconnect({ schedule, store }: World): void {
  if (store.grant.state === "revoked") return;
  store.grant = { ...store.grant, state: "revoking", reason: null };
  schedule.trace.push("the app revokes the grant");
}

/** The person signs in again, and a new refresh token takes the old one's place: whatever is under way comes late. */
function consentAgain({ schedule, store, provider, witness }: World): void {
  if (store.grant.state === "lapsed") return;
  const old =
    store.grant.refreshSealed === null ? undefined : provider.familyOf(refreshTokenIn(store.grant.refreshSealed));
  if (old !== undefined) witness.left.add(old);
  const token = provider.issue();
  witness.stored.add(token);
  const generation = store.grant.generation + 1;
  store.grant = {
    ...store.grant,
    generation,
    refreshSealed: sealedToken(token, generation),
    state: "active",
    retryAt: null,
  };
  schedule.trace.push(`the person consents again: ${token}`);
}

/** The storm is over: whoever lives finishes and ends, and a new process finds everything as it was left. */
async function settle(world: World): Promise<boolean> {
  const { schedule, store, processes } = world;
  world.faults = noFaults;
  world.over = true;
  for (const process of processes) process.pausedUntil = 0;
  const ended = (): boolean => processes.every(({ alive, exited }) => exited || !alive);
  if (!(await schedule.run(ended, () => undefined, 20_000))) return false;

  const { process, context } = startProcess(world);
  void (async () => {
    for (let round = 0; round < 4 && store.grant.state !== "lapsed"; round++) {
      await work(context);
      await context.sleep(200_000);
    }
    process.exited = true;
  })();
  return schedule.run(ended, () => undefined, 20_000);
}

/** A process' life: a few refreshes that callers ask for, and upkeep for as long as it runs. */
async function live(world: World, process: SimulatedProcess, context: KeeperContext): Promise<void> {
  for (let round = 0; round < 2; round++) await work(context);
  process.served = true;
  while (!world.over) {
    await context.sleep(upkeepEveryMs);
    await upkeep(context);
  }
  // As `close` does: what goes on in the background is stored before the process ends.
  while (context.running.size > 0) await context.sleep(1_000);
  process.exited = true;
}

async function work(context: KeeperContext): Promise<void> {
  await upkeep(context);
  await attempt(async () => {
    const grant = await context.store.grantById("g_1");
    if (grant !== undefined && isUsable(grant.state)) await refreshGrant(context, grant, "interactive");
  });
}

async function upkeep(context: KeeperContext): Promise<void> {
  await attempt(() => finishAttempts(context));
  await attempt(() => commitRescued(context));
  await attempt(() => goOnRevoking(context, "g_1"));
  await attempt(() => endLateAnswers(context, "g_1"));
}

/** Errors of ours are what callers would see; anything else is a bug. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
  }
}

function judgeEnd(world: World, end: Result["end"]): void {
  const { store, provider, witness, schedule } = world;
  const { violations } = witness;
  const { grant } = store;
  for (const token of witness.dropped())
    violations.push(`the answer with ${token} was dropped by a process that lived`);
  if (end === "unsettled") violations.push("the grant can neither be served nor is it said why");
  if (end === "lapsed" && grant.reason === null) violations.push("the grant lapsed without a reason");
  if (end === "revoked") {
    if (store.lateAnswers.length + world.rescued.size > 0)
      violations.push("the grant is revoked, and answers are left over");
    const living = [...witness.stored].filter(
      (token) => provider.isLive(token, schedule.now) && !witness.left.has(provider.familyOf(token) ?? ""),
    );
    for (const token of living) violations.push(`the grant is revoked, and ${token} lives and is forgotten`);
    return;
  }
  if (end === "served") {
    const token =
      grant.refreshSealed === null ? "" : (JSON.parse(Buffer.from(grant.refreshSealed).toString()) as [string])[0];
    if (!provider.isLive(token, schedule.now)) violations.push("the grant is called active and its token is dead");
  }
  if (end !== "lapsed" || witness.userRevoked) return;
  // Where nothing can be known of other processes, a strict provider's token may be spent over the head of one that
  // is paused for minutes: the price of going on at all.
  if (world.blind && provider.rotation !== "none") return;
  // Lost is only what a crash or the wire took with it after a provider had replaced the token, and even that only
  // where the provider does not honour the old one.
  if (provider.rotation === "none") violations.push("a grant whose token never rotates was lost");
  else if (witness.lostInFlight.length === 0) violations.push("a grant was lost, and nothing was lost in flight");
}

function newWorld(random: () => number, rotation: Rotation): World {
  const schedule = new Schedule(random);
  const provider = new SimulatedProvider(rotation);
  const blind = random() < 0.2;
  const witness = new Witness(rotation === "strict" && !blind);
  const token = provider.issue();
  witness.stored.add(token);
  const endpoint = "https://issuer.example/token";
  return {
    schedule,
    provider,
    witness,
    store: new SimulatedStore(firstGrant(token, schedule.now)),
    record: oidc({
      name: "simulated",
      issuer: "https://issuer.example",
      clientId: "client",
      endpoints: { authorizationEndpoint: endpoint, tokenEndpoint: endpoint, jwksUri: endpoint },
      rotation,
    }),
    rescued: new Map(),
    processes: [],
    underWay: [],
    blind,
    over: false,
    faults: weather(random),
  };
}

function firstGrant(token: string, now: number): GrantRow {
  return {
    grantId: "g_1",
    provider: "simulated",
    issuer: "https://issuer.example",
    clientId: "client",
    subjectHash: Buffer.from("subject"),
    externalHash: null,
    profileSealed: Buffer.from(""),
    scope: "openid",
    ...newGrant(now),
    refreshSealed: sealedToken(token, 1),
    refreshExpiresAt: null,
    refreshPrefixHash: null,
    refreshDigestHash: null,
    accessSealed: null,
    accessIssuedAt: null,
    accessExpiresAt: null,
  };
}

function sealedToken(token: string, generation: number): Buffer {
  const place = { clientId: "client", column: "grants.refresh_token", recordId: "g_1", generation } as const;
  return openSealer.seal(token, place);
}
