/**
 * One refresh, as `vault/keeper/refresh/` does it: who may begin, what an answer means, how long to wait and what to do
 * next is decided by the functions of `core/` and by the real gate; only the effects are the run's.
 */
import { backOffMs, decide, waitAfterMs } from "../../src/core/refresh.ts";
import type { Decision } from "../../src/core/refresh.ts";
import { waitBeforeMs } from "../../src/core/second-look.ts";
import { nextStep } from "../../src/core/take-over.ts";
import { holderWaitMs } from "../../src/core/timing.ts";
import type { Permit } from "../../src/vault/keeper/gate/permit.ts";
import { callerWaitsMs } from "../../src/vault/keeper/refresh/commit-answer.ts";
import { nextPollMs, shortBackOffMs } from "../../src/vault/keeper/refresh/begin-attempt.ts";
import type { Process } from "./process.ts";
import { beginInStore, commitInStore, endInStore, leaveToUpkeep, retryTimes } from "./model.ts";
import type { FleetModel } from "./model.ts";

/** Why a refresh is made. */
export type Reason = "interactive" | "ahead" | "keepAlive" | "takeOver";

/** How one ended. `retryAfterMs`: when whoever waits may come again. `silent`: its process is gone. */
export type Outcome =
  | { readonly kind: "refreshed" | "newer" | "ended" | "silent" }
  | { readonly kind: "unavailable"; readonly retryAfterMs: number };

const silent: Outcome = { kind: "silent" };
const storeAway: Outcome = { kind: "unavailable", retryAfterMs: 1_000 };

interface BegunAttempt {
  readonly id: number;
  readonly permit: Permit;
  readonly takenOver: boolean;
}

/** What is to be refreshed, and who is told of it. */
export interface Asked {
  readonly grant: number;
  readonly generation: number;
  readonly reason: Reason;
  /** Whether a caller waits and has no token that works. */
  readonly needsToken: boolean;
  readonly told: {
    /** The answer is committed. */
    readonly stored: () => void;
    /** The answer is there, and the database does not take it: callers get the token all the same. */
    readonly overdue: () => void;
  };
}

export async function refreshGrant(
  model: FleetModel,
  process: Process,
  { grant, generation, reason, needsToken, told }: Asked,
): Promise<Outcome> {
  const { calendar } = model;
  const times = retryTimes(model, grant);
  const waitMs = times.retryAt === undefined ? 0 : waitBeforeMs(times, needsToken, calendar.now);
  if (waitMs > shortBackOffMs) return backOff(process, waitMs);
  if (waitMs > 0) await calendar.sleep(waitMs);
  const id = model.nextAttempt++;
  process.running.add(id);
  const begun = await begin(model, process, { id, grant, generation, reason });
  if (process.killedAt !== undefined) return silent;
  const outcome = "kind" in begun ? begun : await exchange(model, process, { ...begun, grant, generation, told });
  process.running.delete(id);
  return outcome;
}

function backOff({ gate }: Process, waitMs: number): Outcome {
  return { kind: "unavailable", retryAfterMs: gate.rejection(waitMs, "backing_off").waitMs };
}

/** As `beginAttempt`: a permit, then the attempt, by what `nextStep` says. */
async function begin(
  model: FleetModel,
  process: Process,
  { id, grant, generation, reason }: { id: number; grant: number; generation: number; reason: Reason },
): Promise<BegunAttempt | Outcome> {
  const { calendar, database, counts, attempts, rotation } = model;
  const priority = reason === "interactive" || reason === "takeOver" ? "interactive" : "background";
  let permit: Permit | undefined;
  let replaces: number | undefined;
  const giveBack = (outcome: Outcome): Outcome => {
    if (permit !== undefined) counts.idlePermits += 1;
    permit?.release();
    process.running.delete(id);
    return outcome;
  };
  for (let waitedMs = 0; waitedMs < holderWaitMs; waitedMs += nextPollMs(waitedMs)) {
    if (permit === undefined) {
      const admitted = await process.gate.admit(priority);
      if (process.killedAt !== undefined) return silent;
      if (admitted.kind === "rejected") return giveBack({ kind: "unavailable", retryAfterMs: admitted.waitMs });
      ({ permit } = admitted);
    }
    const at = calendar.now;
    const took = replaces;
    const written = await database.write(process.lane, "attempt", () =>
      beginInStore(model, { id, grant, generation, owner: process, at }, took),
    );
    if (process.killedAt !== undefined) return silent;
    if (written === undefined) return giveBack(storeAway);
    const result = written.value;
    const other = result.kind === "held" ? Number(result.attempt.attemptId) : undefined;
    const owner = other === undefined ? undefined : attempts.get(other)?.owner;
    const liveness = owner === undefined || other === undefined ? "unknown" : owner.livenessFor(process, other);
    const next = nextStep({ result, liveness, hasPermit: true, rotation, generation });
    switch (next.do) {
      case "exchange":
        return { id, permit, takenOver: replaces !== undefined };
      case "take-over":
        replaces = Number(next.attemptId);
        counts.takeOvers += 1;
        continue;
      case "wait":
        counts.idlePermits += 1;
        permit.release();
        permit = undefined;
        await calendar.sleep(nextPollMs(waitedMs));
        if (process.killedAt !== undefined) return silent;
        break;
      case "back-off":
        return giveBack(backOff(process, (model.failures.get(grant)?.retryAt ?? at) - at));
      case "get-permit":
      case "newer":
      case "ended":
        return giveBack({ kind: next.do === "ended" ? "ended" : "newer" });
    }
  }
  return giveBack({ kind: "unavailable", retryAfterMs: 1_000 });
}

/** Sends the token, and does what the answer requires. */
async function exchange(
  model: FleetModel,
  process: Process,
  { id, permit, takenOver, grant, generation, told }: BegunAttempt & Pick<Asked, "grant" | "generation" | "told">,
): Promise<Outcome> {
  const { calendar, database, provider, grants, checks, counts, jitter, rotation } = model;
  const receivedAt = calendar.now;
  checks.that(
    grants.generation[grant] === generation || takenOver || model.broken === "attempt",
    () => `grant ${grant} is sent for generation ${generation}, and is at ${grants.generation[grant]}`,
  );
  const answer = await provider.exchange(grant, grants.stored[grant] ?? 0, () => {
    const isFirst = grants.answered[grant] !== ((generation + 1) & 0xffff);
    checks.that(isFirst || takenOver, () => `grant ${grant} was exchanged twice at generation ${generation}`);
    if (!isFirst) counts.repeated += 1;
    grants.answered[grant] = generation + 1;
    counts.exchanges.add(Math.floor(calendar.now / 1_000));
  });
  if (process.killedAt !== undefined) return silent;
  if (answer.kind === "tokens") {
    permit.success();
    return commit(model, process, { grant, generation, refreshToken: answer.refreshToken, receivedAt }, told);
  }
  const now = calendar.now;
  const decision = decide(answer);
  const failures = (model.failures.get(grant)?.failures ?? 0) + 1;
  const { waitMs, blockedForMs, isUnknown } = settle(
    decision,
    permit,
    failures,
    jitter,
    takenOver && rotation !== "none",
  );
  permit.release();
  const failure = { at: now, retryAt: now + waitMs };
  const isAmbiguous = rotation !== "none" && isUnknown;
  const ended = await database.write(process.lane, "end", () => endInStore(model, id, failure, isAmbiguous));
  if (process.killedAt !== undefined) return silent;
  if (ended === undefined) leaveToUpkeep(model);
  return { kind: "unavailable", retryAfterMs: Math.max(waitMs, blockedForMs, 1_000) };
}

/** As `settleFailure`: what the gate is told, and how long the grant waits. */
function settle(
  decision: Decision,
  permit: Permit,
  failures: number,
  jitter: () => number,
  takenOver: boolean,
): { readonly waitMs: number; readonly blockedForMs: number; readonly isUnknown: boolean } {
  if (decision.do !== "retry") {
    permit.success();
    return { waitMs: backOffMs(failures, jitter()), blockedForMs: 0, isUnknown: takenOver };
  }
  const { afterMs, ambiguous, limited, isUp } = decision;
  const waitMs = waitAfterMs(failures, jitter(), afterMs);
  if (isUp === true) permit.success();
  const blockedForMs = isUp === true ? 0 : permit.failure({ retryAfterMs: afterMs, limited });
  return { waitMs, blockedForMs, isUnknown: ambiguous || takenOver };
}

/** As `commitAnswer` and `storeDurably`: tried until the database has taken it. */
async function commit(
  model: FleetModel,
  process: Process,
  answer: { grant: number; generation: number; refreshToken: number; receivedAt: number },
  told: Asked["told"],
): Promise<Outcome> {
  const { calendar, database, jitter, broken } = model;
  for (let failures = 1; ; failures += 1) {
    const written = await database.write(process.lane, "commit", () => {
      const isNewest = commitInStore(model, answer);
      if (isNewest) told.stored();
      return isNewest;
    });
    if (process.killedAt !== undefined) return silent;
    if (written !== undefined) return { kind: written.value ? "refreshed" : "newer" };
    if (broken === "durability") {
      leaveToUpkeep(model);
      return storeAway;
    }
    if (failures === 1) calendar.timer(calendar.now + callerWaitsMs, told.overdue);
    await calendar.sleep(50 + backOffMs(failures, jitter(), 100, 5_000));
    if (process.killedAt !== undefined) return silent;
  }
}
