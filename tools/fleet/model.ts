/** What everything in a run shares. */
import { defined } from "../../src/core/defined.ts";
import { remainingMs } from "../../src/core/recorded-time.ts";
import type { Rotation } from "../../src/core/refresh.ts";
import type { Attempt, AttemptResult, Liveness } from "../../src/core/take-over.ts";
import type { BucketSize } from "../../src/core/token-bucket.ts";
import type { Calendar } from "./calendar.ts";
import type { Checks } from "./checks.ts";
import type { Database } from "./database.ts";
import { Durations, PerSecond } from "./figures.ts";
import { noAttempt } from "./grants.ts";
import type { Grants } from "./grants.ts";
import type { SimulatedProvider } from "./provider.ts";

/** How long an access token lives, milliseconds: Google's. */
export const tokenLifeMs = 3_599_000;

/** Kinds of events of a fixed size. */
export const events = { use: 0, ahead: 1, seen: 2 } as const;

/** A part of the protocol that is left out, to see that the run notices. */
export type Broken = "jitter" | "bucket" | "attempt" | "durability";

/** Who made an attempt. */
export interface AttemptOwner {
  readonly service: number;
  /** Which of the processes that were started. */
  readonly life: number;
  livenessFor(asking: AttemptOwner, attempt: number): Liveness;
  isWorkingOn(attempt: number): boolean;
}

export interface AttemptRow {
  readonly grant: number;
  readonly generation: number;
  readonly owner: AttemptOwner;
  readonly startedAt: number;
  endedUnknown: boolean;
}

/** What the last refresh of a grant failed with. */
export interface Failure {
  readonly failures: number;
  readonly at: number;
  readonly retryAt: number;
}

/** The columns of a grant that a step of the protocol looks at. */
export interface Row {
  readonly generation: number;
}

export class Counts {
  readonly exchanges: PerSecond;
  readonly changes: PerSecond;
  readonly gateQueue: PerSecond;
  readonly oldestWaiting: PerSecond;
  readonly waiters: PerSecond;
  readonly uses: PerSecond;
  readonly fromMemory: PerSecond;
  readonly used: PerSecond;
  readonly attemptsOpen: PerSecond;
  readonly waited = new Durations();
  deferred = 0;
  gaveUp = 0;
  waitedTooLong = 0;
  interactive = 0;
  ahead = 0;
  keepAlive = 0;
  takeOvers = 0;
  repeated = 0;
  /** Tokens that the fleet got and nobody was given. */
  unused = 0;
  /** Permits of the gate that sent nothing. */
  idlePermits = 0;
  late = 0;
  crashed = 0;

  constructor(seconds: number) {
    const series = (): PerSecond => new PerSecond(seconds);
    [this.exchanges, this.changes, this.gateQueue, this.oldestWaiting] = [series(), series(), series(), series()];
    [this.waiters, this.uses, this.fromMemory, this.used] = [series(), series(), series(), series()];
    this.attemptsOpen = series();
  }
}

export interface FleetModel {
  readonly calendar: Calendar;
  readonly grants: Grants;
  readonly database: Database;
  readonly provider: SimulatedProvider;
  readonly checks: Checks;
  readonly counts: Counts;
  /** Chance of the surroundings: who uses what, and how long the provider takes. */
  readonly random: () => number;
  /** Chance of the processes, the seam of the real code. */
  readonly jitter: () => number;
  readonly rotation: Rotation;
  readonly rate: BucketSize;
  readonly tokensInMemory: number;
  readonly broken: Broken | undefined;
  readonly attempts: Map<number, AttemptRow>;
  readonly failures: Map<number, Failure>;
  /** Answers that are kept beside their grants: the newest refresh token in them. */
  readonly late: Map<number, number>;
  nextAttempt: number;
  /** Until when attempts may be there that nobody works on. */
  ownerlessUntil: number;
}

/** The transaction that writes an attempt, as `beginAttempt` of the store. */
export function beginInStore(
  { grants, attempts, failures, checks, calendar, broken }: FleetModel,
  attempt: { id: number; grant: number; generation: number; owner: AttemptOwner; at: number },
  replaces: number | undefined,
): AttemptResult<Row> {
  const { id, grant, generation, owner, at } = attempt;
  const row = { generation: grants.generation[grant] ?? 0 };
  if (row.generation !== generation) return { kind: "moved", grant: row };
  const failure = failures.get(grant);
  if (failure !== undefined && remainingMs(failure.retryAt, failure.at, at) > 0) {
    return { kind: "backing-off", grant: row };
  }
  const standing = grants.attempt[grant] ?? noAttempt;
  const other = attempts.get(standing);
  if (other !== undefined) {
    const isStale = other.generation !== generation;
    if (!isStale && standing !== replaces && broken !== "attempt") {
      return { kind: "held", attempt: attemptOf(standing, other), now: calendar.now };
    }
    attempts.delete(standing);
  }
  checks.that(!attempts.has(id), () => `attempt ${id} is written twice`);
  attempts.set(id, { grant, generation, owner, startedAt: calendar.now, endedUnknown: false });
  grants.attempt[grant] = id;
  return { kind: "begun", grant: row };
}

function attemptOf(id: number, { grant, generation, owner, startedAt, endedUnknown }: AttemptRow): Attempt {
  return {
    attemptId: String(id),
    grantId: String(grant),
    generation,
    owner: { node: String(owner.service), pid: owner.life, startedAt: "", vault: "" },
    startedAt,
    endedUnknown,
  };
}

/** The transaction that stores an answer onto its lineage. Returns whether it is the grant's newest generation now. */
export function commitInStore(
  model: FleetModel,
  {
    grant,
    generation,
    refreshToken,
    receivedAt,
  }: { grant: number; generation: number; refreshToken: number; receivedAt: number },
): boolean {
  const { grants, attempts, failures, late, checks } = model;
  if (grants.generation[grant] !== generation) {
    late.set(grant, Math.max(refreshToken, late.get(grant) ?? 0));
    model.counts.late += 1;
    return false;
  }
  checks.that(generation < 65_535, () => "a generation does not fit its array");
  if (((grants.asked[grant] ?? 0) & givenOut) === 0) model.counts.unused += 1;
  grants.asked[grant] = (grants.asked[grant] ?? 0) & ~givenOut;
  grants.generation[grant] = generation + 1;
  grants.stored[grant] = refreshToken;
  grants.issuedAt[grant] = receivedAt;
  failures.delete(grant);
  const standing = grants.attempt[grant] ?? noAttempt;
  if ((attempts.get(standing)?.generation ?? generation) <= generation) dropAttempt(model, standing);
  return true;
}

/** Set beside the hour in {@link Grants.asked} where the present token was handed out. */
export const givenOut = 0x80;

/** The transaction that ends an attempt which brought nothing. */
export function endInStore(
  model: FleetModel,
  id: number,
  failure: { at: number; retryAt: number | null },
  isUnknown: boolean,
): void {
  const row = model.attempts.get(id);
  if (row === undefined) return;
  if (isUnknown) {
    row.endedUnknown = true;
    leaveToUpkeep(model);
  } else dropAttempt(model, id);
  if (failure.retryAt === null || model.grants.generation[row.grant] !== row.generation) return;
  const failures = (model.failures.get(row.grant)?.failures ?? 0) + 1;
  model.failures.set(row.grant, { failures, at: failure.at, retryAt: failure.retryAt });
}

/** An attempt is left that nobody works on: upkeep looks for such ones from now on. */
export function leaveToUpkeep(model: FleetModel): void {
  model.ownerlessUntil = model.calendar.now + 600_000;
}

function dropAttempt({ attempts, grants }: FleetModel, id: number): void {
  const row = attempts.get(id);
  if (row === undefined) return;
  attempts.delete(id);
  if (grants.attempt[row.grant] === id) grants.attempt[row.grant] = noAttempt;
}

/** What a process knows of a grant's last failure, as in its row. */
export function retryTimes(
  { failures }: FleetModel,
  grant: number,
): { readonly retryAt?: number; readonly lastErrorAt?: number; readonly lookAt: null } {
  const failure = failures.get(grant);
  return defined({ retryAt: failure?.retryAt, lastErrorAt: failure?.at, lookAt: null });
}
