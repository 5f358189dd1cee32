import type { Sealer } from "../../src/crypto/keyring.ts";
import { OnbehalfError } from "../../src/core/errors.ts";
import type { Liveness, Owner } from "../../src/core/take-over.ts";
import type { Protocol } from "../../src/oauth/protocol.ts";
import { tokenSetOf } from "../../src/oauth/token-set.ts";
import type { TokenResponse } from "../../src/oauth/token-endpoint.ts";
import type { RevocationResponse } from "../../src/oauth/revocation.ts";
import type { Provider } from "../../src/providers/provider.ts";
import type { Store } from "../../src/store/store.ts";
import type { KeeperContext, RescuedAnswer } from "../../src/vault/keeper/context.ts";
import { Gate } from "../../src/vault/keeper/gate/gate.ts";
import type { FaultShares } from "./faults.ts";
import type { SimulatedProvider } from "./provider.ts";
import { SimulatedProcess } from "./schedule.ts";
import type { Schedule } from "./schedule.ts";
import { writes } from "./store.ts";
import type { OperationName, SimulatedStore } from "./store.ts";
import type { Witness } from "./witness.ts";

/** What all processes of one schedule share. */
export interface World {
  readonly schedule: Schedule;
  readonly store: SimulatedStore;
  readonly provider: SimulatedProvider;
  readonly record: Provider;
  readonly witness: Witness;
  readonly rescued: Map<string, RescuedAnswer>;
  readonly processes: SimulatedProcess[];
  /** Exchanges that replaced a token at the provider and whose answer is on its way. */
  readonly underWay: Exchange[];
  /** Whether nothing can be known of other processes, as of those on another host. */
  readonly blind: boolean;
  faults: FaultShares;
  /** Whether processes may end. */
  over: boolean;
}

interface Exchange {
  readonly process: SimulatedProcess;
  readonly rotatedAt: number;
  over: boolean;
}

/** A process dies, and with it what it alone knew. */
export function crash({ schedule, underWay, witness }: World, process: SimulatedProcess): void {
  for (const exchange of underWay) {
    if (exchange.process === process && !exchange.over) witness.lostInFlight.push(exchange.rotatedAt);
  }
  for (const { process: holder, token } of witness.delivered) {
    if (holder === process && !witness.stored.has(token)) witness.lostInFlight.push(schedule.now);
  }
  schedule.kill(process);
}

const exchangeTimeoutMs = 30_000;

/** A process that runs the real protocol: everything it touches outside itself waits for its turn. */
export function startProcess(world: World): { readonly process: SimulatedProcess; readonly context: KeeperContext } {
  const { schedule, record, rescued, processes } = world;
  const process = new SimulatedProcess(`p${processes.length}`);
  processes.push(process);
  const owner: Owner = { node: "host", pid: processes.length, startedAt: "1", vault: process.name };
  const clock = { now: () => schedule.now };
  const { random } = schedule;
  const sleep = (ms: number): Promise<void> => schedule.turn(process, "wakes", () => undefined, schedule.now + ms);
  const context: KeeperContext = {
    store: storeFor(world, process),
    keyring: openSealer,
    clock,
    random,
    sleep,
    fetch: globalThis.fetch,
    protocols: new Map([[record.name, protocolFor(world, process)]]),
    owner,
    livenessOf: async (other): Promise<Liveness> => {
      if (other.vault === process.name) return "mine";
      if (world.blind) return "unknown";
      return processes.some(({ name, alive, exited }) => name === other.vault && alive && !exited) ? "alive" : "dead";
    },
    emit: () => undefined,
    onFault: (error) => world.witness.violations.push(`${process.name} meets ${String(error)}`),
    running: new Set(),
    gates: new Map([[record.name, new Gate({ clock, random, sleep }, { perSecond: 1e9, burst: 1e9 })]]),
    rescue: {
      keep: (answer) =>
        schedule.turn(process, "rescue", () => {
          if (schedule.chance(world.faults.storeBefore)) return undefined;
          const name = `${process.name}-${schedule.steps}`;
          rescued.set(name, answer);
          world.witness.stored.add(refreshTokenIn(answer.answerSealed));
          return name;
        }),
      drop: (name) => {
        rescued.delete(name);
      },
      kept: () => [...rescued].map(([name, answer]) => ({ name, answer })),
    },
  };
  return { process, context };
}

/** Seals nothing: whether a sealed value opens is not what is simulated. It still opens in its own place alone. */
export const openSealer: Sealer = {
  seal: (plaintext, place) => Buffer.from(JSON.stringify([plaintext, place])),
  open: (sealed, place) => {
    const [plaintext, sealedFor] = JSON.parse(Buffer.from(sealed).toString()) as [string, object];
    return JSON.stringify(sealedFor) === JSON.stringify(place) ? plaintext : undefined;
  },
  hash: (purpose) => Buffer.from(purpose),
  seed: () => Buffer.alloc(32),
};

/** The refresh token of a sealed column, or of a sealed journal. */
export function refreshTokenIn(sealed: Uint8Array): string {
  const [plaintext] = JSON.parse(Buffer.from(sealed).toString()) as [string];
  return plaintext.startsWith("{") ? (JSON.parse(plaintext) as { refresh_token: string }).refresh_token : plaintext;
}

function storeFor(world: World, process: SimulatedProcess): Store {
  const { schedule, store, witness } = world;
  const operations = store.operations(() => schedule.now);
  const failure = (): OnbehalfError<"store_unavailable"> =>
    new OnbehalfError("store_unavailable", "simulated", { hint: "none", details: { retryAfterMs: 1 } });

  const observed = (name: OperationName, args: readonly unknown[], result: unknown): void => {
    if (name === "commitAttempt" && result !== undefined && store.grant.refreshSealed !== null) {
      witness.stored.add(refreshTokenIn(store.grant.refreshSealed));
    }
    if (name === "keepLateAnswer")
      witness.stored.add(refreshTokenIn((args[0] as { answerSealed: Uint8Array }).answerSealed));
    if (name === "lapse" && result === true) judgeLapse(world, process);
  };
  const call = (name: OperationName, args: readonly unknown[]): Promise<unknown> =>
    schedule.turn(process, name, () => {
      if (schedule.chance(world.faults.storeBefore)) throw failure();
      const result: unknown = (operations[name] as (...args: readonly unknown[]) => unknown)(...args);
      observed(name, args, result);
      // A commit whose acknowledgement is lost happened all the same.
      if (writes.has(name) && schedule.chance(world.faults.storeAfter)) throw failure();
      return result;
    });
  return new Proxy({} as Store, {
    get: (_target, name) =>
      name in operations ? (...args: unknown[]) => call(name as OperationName, args) : undefined,
  });
}

/** A grant may be called lapsed on two pieces of evidence, and only where nothing that lives could still serve it. */
function judgeLapse(world: World, process: SimulatedProcess): void {
  const { store, provider, witness, schedule, rescued } = world;
  const current = store.grant.refreshSealed === null ? "" : refreshTokenIn(store.grant.refreshSealed);
  const { now } = schedule;
  if (provider.isLive(current, now)) witness.violations.push(`${process.name} flags a healthy grant`);
  const needed = provider.rotation === "none" ? 2 : 1;
  if ((witness.refusals.get(current) ?? 0) < needed)
    witness.violations.push(`${process.name} lapses on too little evidence`);
  const beside = [...store.lateAnswers, ...rescued.values()].map(({ answerSealed }) => refreshTokenIn(answerSealed));
  // What an earlier consent left is no part of this one.
  const isOurs = (token: string): boolean => provider.familyOf(token) === provider.familyOf(current);
  if (provider.rotation === "strict" && beside.some((token) => isOurs(token) && provider.isLive(token, now))) {
    witness.violations.push(`${process.name} lapses a grant whose live token is kept beside it`);
  }
  const held = witness.delivered.find(
    ({ token, process: holder }) =>
      holder.alive && isOurs(token) && !witness.stored.has(token) && provider.isLive(token, now),
  );
  if (provider.rotation === "strict" && !world.blind && held !== undefined) {
    witness.violations.push(`${process.name} lapses a grant whose new token ${held.process.name} holds, and lives`);
  }
}

function protocolFor(world: World, process: SimulatedProcess): Protocol {
  const { schedule, provider, record, witness } = world;
  const unused = async (): Promise<never> => {
    throw new TypeError("not simulated");
  };
  const silence = async (): Promise<TokenResponse> => {
    await schedule.turn(process, "times out", () => undefined, schedule.now + exchangeTimeoutMs);
    return { kind: "silence", sent: true, error: "timeout" };
  };
  /** What the provider did, and what becomes of its answer. */
  const exchange = async (token: string): Promise<TokenResponse> => {
    const { faults } = world;
    if (schedule.chance(faults.connectionRefused)) {
      await schedule.turn(process, "connection refused", () => undefined);
      return { kind: "silence", sent: false, error: "econnrefused" };
    }
    if (schedule.chance(faults.requestLost)) return silence();
    if (schedule.chance(faults.overload)) {
      await schedule.turn(process, "503", () => undefined);
      // Some overloaded servers lie about the token, too.
      return schedule.chance(0.5)
        ? { kind: "unusable", status: 503, error: "not_json" }
        : { kind: "oauth-error", status: 503, error: "invalid_grant" };
    }
    if (schedule.chance(faults.clientRefused)) {
      await schedule.turn(process, "invalid_client", () => undefined);
      return { kind: "oauth-error", status: 401, error: "invalid_client" };
    }
    let underWay: Exchange | undefined;
    const next = await schedule.turn(process, `provider takes ${token}`, () => {
      const answer = provider.refresh(token, schedule.now);
      if (answer === undefined) witness.refused(token);
      else if (answer !== token) {
        underWay = { process, rotatedAt: schedule.now, over: false };
        world.underWay.push(underWay);
      }
      return answer;
    });
    const lost = (): void => {
      if (underWay === undefined) return;
      underWay.over = true;
      witness.lostInFlight.push(underWay.rotatedAt);
    };
    if (schedule.chance(faults.answerLost)) {
      lost();
      return silence();
    }
    if (schedule.chance(faults.garbage)) {
      lost();
      await schedule.turn(process, "garbage", () => undefined);
      return { kind: "unusable", status: 200, error: "not_json" };
    }
    return schedule.turn(process, "is answered", (): TokenResponse => {
      if (underWay !== undefined) underWay.over = true;
      if (next === undefined) return { kind: "oauth-error", status: 400, error: "invalid_grant" };
      if (next !== token) witness.delivered.push({ token: next, process });
      const tokens = tokenSetOf({
        access_token: `a-${next}-${schedule.steps}`,
        expires_in: 3600,
        ...(next === token ? {} : { refresh_token: next }),
      });
      if (tokens === undefined) throw new TypeError("the simulated provider's answer is no token set");
      return { kind: "tokens", tokens };
    });
  };
  const revoke = async (token: string): Promise<RevocationResponse> => {
    const { faults } = world;
    if (schedule.chance(faults.requestLost)) {
      await silence();
      return { kind: "failed", error: "timeout" };
    }
    if (schedule.chance(faults.overload)) return { kind: "failed", error: "http_503" };
    await schedule.turn(process, `provider revokes ${token}`, () => provider.revoke(token, schedule.now));
    if (!schedule.chance(faults.answerLost)) return { kind: "done" };
    await silence();
    return { kind: "failed", error: "timeout" };
  };
  return {
    provider: record,
    client: { clientId: "client" },
    exchangeCode: unused,
    revoke: (token) => revoke(token.expose()),
    verifyIdToken: unused,
    async refresh(refreshToken) {
      const token = refreshToken.expose();
      witness.asks(process, token);
      const reply = await exchange(token);
      witness.stopsAsking(process, token);
      return reply;
    },
  };
}
