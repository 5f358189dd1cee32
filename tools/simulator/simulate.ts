import { isOnbehalfError } from "../../src/errors.ts";
import { isUsable } from "../../src/grant.ts";
import { oidc } from "../../src/providers/oidc.ts";
import type { Rotation } from "../../src/refresh.ts";
import type { GrantRow } from "../../src/store/store.ts";
import { commitRescued } from "../../src/vault/commit.ts";
import type { CustodyContext } from "../../src/vault/context.ts";
import { refreshGrant } from "../../src/vault/refreshing.ts";
import { finishAttempts } from "../../src/vault/upkeep.ts";
import { crash, openSealer, startProcess } from "./actor.ts";
import type { World } from "./actor.ts";
import { noFaults, weather } from "./faults.ts";
import { SimulatedProvider } from "./provider.ts";
import { seeded } from "./random.ts";
import { Schedule } from "./schedule.ts";
import { SimulatedStore } from "./store.ts";
import { Witness } from "./witness.ts";

export interface Result {
  readonly seed: number;
  readonly rotation: Rotation;
  readonly steps: number;
  readonly violations: readonly string[];
  /** How the grant ended. */
  readonly end: "served" | "lapsed" | "unsettled";
  readonly trace: readonly string[];
}

const rotations: readonly Rotation[] = ["none", "strict", { graceSeconds: 60 }];

/** Runs one schedule: two or three processes refresh one grant in whatever order and weather the seed decides. */
export async function simulate(seed: number): Promise<Result> {
  const random = seeded(seed);
  const rotation = rotations[Math.floor(random() * rotations.length)] ?? "none";
  const world = newWorld(random, rotation);
  const { schedule, witness, provider, store } = world;

  const programs = 2 + Math.floor(random() * 2);
  let running = 0;
  const start = (): void => {
    const { process, context } = startProcess(world);
    running += 1;
    program(context).then(
      () => {
        process.exited = true;
        running -= 1;
      },
      (error: unknown) => {
        witness.violations.push(`${process.name} fails with ${String(error)}`);
        running -= 1;
      },
    );
  };
  for (let count = 0; count < programs; count++) start();

  await schedule.run(
    () => running === 0,
    (process) => {
      const { faults } = world;
      if (schedule.chance(faults.userRevokes)) {
        witness.userRevoked = true;
        provider.revokeAll();
      }
      if (schedule.chance(faults.pause)) process.pausedUntil = schedule.now + Math.floor(random() * 900_000);
      if (schedule.chance(faults.crash)) {
        crash(world, process);
        running -= 1;
        if (world.processes.length < 8) start();
      }
    },
    400,
  );

  const settled = await settle(world);
  const end = !settled ? "unsettled" : isUsable(store.grant.state) ? "served" : "lapsed";
  judgeEnd(world, end);
  return { seed, rotation, steps: schedule.steps, violations: witness.violations, end, trace: schedule.trace };
}

/** The storm is over: whoever lives finishes, and a new process finds everything as it was left. */
async function settle(world: World): Promise<boolean> {
  const { schedule, store } = world;
  world.faults = noFaults;
  for (const process of world.processes) process.pausedUntil = 0;
  const { context } = startProcess(world);
  let over = false;
  void (async () => {
    for (let round = 0; round < 6 && isUsable(store.grant.state); round++) {
      await program(context);
      await context.sleep(400_000);
    }
    over = true;
  })();
  return schedule.run(
    () => over,
    () => undefined,
    5_000,
  );
}

/** What every process does: finish what the dead left, then refresh. Errors of ours are what callers would see. */
async function program(context: CustodyContext): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await attempt(() => finishAttempts(context));
    await attempt(() => commitRescued(context));
    await attempt(async () => {
      const grant = await context.store.grantById("g_1");
      if (grant !== undefined && isUsable(grant.state)) await refreshGrant(context, "g_1", grant.generation, "caller");
    });
  }
  // As `close` does: what goes on in the background is stored before the process ends.
  while (context.running.size > 0) await context.sleep(1_000);
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
  }
}

function judgeEnd({ store, provider, witness, schedule }: World, end: Result["end"]): void {
  const { violations } = witness;
  const { grant } = store;
  for (const token of witness.dropped())
    violations.push(`the answer with ${token} was dropped by a process that lived`);
  if (end === "unsettled") violations.push("the grant can neither be served nor is it said why");
  if (end === "lapsed" && grant.reason === null) violations.push("the grant lapsed without a reason");
  if (end === "served") {
    const token =
      grant.refreshSealed === null ? "" : (JSON.parse(Buffer.from(grant.refreshSealed).toString()) as [string])[0];
    if (!provider.isLive(token, schedule.now)) violations.push("the grant is called active and its token is dead");
  }
  if (end !== "lapsed" || witness.userRevoked) return;
  // Lost is only what a crash or the wire took with it after a provider had replaced the token, and even that only
  // where the provider does not honour the old one.
  if (provider.rotation === "none") violations.push("a grant whose token never rotates was lost");
  else if (witness.lostInFlight.length === 0) violations.push("a grant was lost, and nothing was lost in flight");
}

function newWorld(random: () => number, rotation: Rotation): World {
  const schedule = new Schedule(random);
  const provider = new SimulatedProvider(rotation);
  const witness = new Witness(rotation === "strict");
  const token = provider.issue();
  witness.stored.add(token);
  const endpoint = "https://issuer.example/token";
  return {
    schedule,
    provider,
    witness,
    store: new SimulatedStore(newGrant(token, schedule.now)),
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
    faults: weather(random),
  };
}

function newGrant(token: string, now: number): GrantRow {
  const place = { clientId: "client", column: "grants.refresh_token", recordId: "g_1", generation: 1 };
  return {
    grantId: "g_1",
    provider: "simulated",
    issuer: "https://issuer.example",
    clientId: "client",
    subjectHash: Buffer.from("subject"),
    externalHash: null,
    profileSealed: Buffer.from(""),
    scope: "openid",
    state: "active",
    reason: null,
    stateSince: now,
    generation: 1,
    refreshSealed: openSealer.seal("refresh", token, place),
    refreshExpiresAt: null,
    refreshPrefixHash: null,
    refreshDigestHash: null,
    accessSealed: null,
    accessIssuedAt: null,
    accessExpiresAt: null,
    lastRefreshAt: null,
    lastError: null,
    lastErrorAt: null,
    failures: 0,
    retryAt: null,
    createdAt: now,
    updatedAt: now,
  };
}
