/** The state of one schedule: its store, its provider, its processes, and what checks them. */
import type { KeptMark } from "../../src/core/epoch.ts";
import { oidc } from "../../src/providers/oidc.ts";
import type { Provider } from "../../src/providers/provider.ts";
import type { Rotation } from "../../src/core/refresh.ts";
import { newGrant } from "../../src/store/new-grant.ts";
import type { GrantRow } from "../../src/store/grant-row.ts";
import type { Rescued } from "../../src/vault/keeper/context.ts";
import { ModelStore } from "../model-store.ts";
import { faultRates } from "./fault-rates.ts";
import type { FaultRates } from "./fault-rates.ts";
import { InvariantChecker } from "./invariant-checker.ts";
import { plainSealer } from "./plain-sealer.ts";
import type { Schedule } from "./schedule.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedProvider } from "./simulated-provider.ts";

/** What all processes of one schedule share. */
export interface Simulation {
  readonly schedule: Schedule;
  readonly store: ModelStore;
  readonly provider: SimulatedProvider;
  readonly providerRecord: Provider;
  readonly checker: InvariantChecker;
  /** The rescue journal, by name: answers that the store could not take. */
  readonly rescued: Map<string, Rescued>;
  readonly processes: SimulatedProcess[];
  /** What is remembered of the store outside of it, in a folder that all processes share. */
  readonly outside: { kept: KeptMark | undefined };
  /** A copy of the store as it was. */
  backup: ModelStore | undefined;
  /** Whether processes can know nothing of each other, as if each ran on a host of its own. */
  readonly isolated: boolean;
  faults: FaultRates;
  /** Whether processes may end: no more faults come. */
  ending: boolean;
  /** The process that holds the store's lock, between what it writes and its commit. */
  writer: SimulatedProcess | undefined;
}

/** Whether nobody can write just now. The lock of a process ends with the process. */
export function isLocked({ writer }: Simulation): boolean {
  return writer?.alive === true;
}

/** The one grant of every schedule. */
export const grantId = "g_1";

export function newSimulation(schedule: Schedule, rotation: Rotation): Simulation {
  const { random } = schedule;
  const provider = new SimulatedProvider(rotation);
  const isolated = random() < 0.2;
  const store = new ModelStore(() => schedule.now);
  const rescued = new Map<string, Rescued>();
  const checker = new InvariantChecker({ schedule, store, provider, rescued, isolated });
  const token = provider.issue();
  checker.stored.add(token);
  store.saveFromIntake(firstGrant(token, schedule.now), null, anyCode);
  const endpoint = "https://issuer.example/token";
  return {
    schedule,
    provider,
    checker,
    store,
    providerRecord: oidc({
      name: "simulated",
      issuer: "https://issuer.example",
      clientId: "client",
      endpoints: { authorizationEndpoint: endpoint, tokenEndpoint: endpoint, jwksUri: endpoint },
      rotation,
    }),
    rescued,
    outside: { kept: undefined },
    backup: undefined,
    processes: [],
    isolated,
    ending: false,
    writer: undefined,
    faults: faultRates(random),
  };
}

/** Codes are not simulated; a store asks for the hash of one. */
export const anyCode = Buffer.from("code");

/** The grant as it is in the store. */
export function storedGrant({ store }: Pick<Simulation, "store">): GrantRow {
  const grant = store.grantById(grantId);
  if (grant === undefined) throw new TypeError("the schedule's grant is not in the store");
  return grant;
}

/** A refresh token as the grant's row holds it. */
export function sealedToken(token: string, generation: number): Buffer {
  const place = { clientId: "client", column: "grants.refresh_token", recordId: grantId, generation } as const;
  return plainSealer.seal(token, place);
}

function firstGrant(token: string, now: number): GrantRow {
  return {
    grantId,
    provider: "simulated",
    issuer: "https://issuer.example",
    clientId: "client",
    subjectHash: Buffer.from("subject"),
    identityMac: null,
    lostScope: "",
    profileSealed: Buffer.from(""),
    scope: "openid",
    ...newGrant,
    stateSince: now,
    createdAt: now,
    updatedAt: now,
    refreshSealed: sealedToken(token, 1),
    refreshExpiresAt: null,
    consentExpiresAt: null,
    announceEndAt: null,
    refreshPrefixHash: null,
    refreshDigestHash: null,
    accessSealed: null,
    accessIssuedAt: null,
    accessExpiresAt: null,
  };
}
