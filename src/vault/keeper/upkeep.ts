import { isOnbehalfError } from "../../core/errors.ts";
import { countsKeptMs } from "../../core/quarters.ts";
import { remainingMs } from "../../core/recorded-time.ts";
import { signalKeptMs } from "../../core/signal-times.ts";
import { sessionKeptMs } from "../../core/session.ts";
import { ticketKeptMs } from "../../core/ticket.ts";
import { latestLook } from "../../core/second-look.ts";
import { mayTakeOver } from "../../core/take-over.ts";
import type { Attempt } from "../../core/take-over.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { GrantFilter } from "../../store/store.ts";
import { watchAudit } from "../audit/watch.ts";
import { tellError } from "../background-errors.ts";
import { protocolOf } from "../context.ts";
import { Periodic } from "../periodic.ts";
import { finishIntake, isUnderWay } from "./codes/finish-intake.ts";
import { journalRescued } from "./codes/rescued-codes.ts";
import { discardHeld } from "./codes/held-answers.ts";
import { openContext, workIdOf } from "./codes/intake.ts";
import type { IntakeContext } from "./codes/intake.ts";
import { maySendAgain } from "./deposits/after-deposit-error.ts";
import { finishDeposit, isDeposit } from "./deposits/store-deposit.ts";
import { livenessOfOwner } from "./context.ts";
import { replaceKeys } from "./keys/replace-keys.ts";
import { lookForDamage } from "./look-for-damage.ts";
import { gateOf } from "./gate/gate.ts";
import type { KeeperContext } from "./context.ts";
import { keepAlive } from "./keep-alive.ts";
import { lapseWithoutAccess } from "./lapse-without-access.ts";
import { RoundBackOff } from "./round-back-off.ts";
import { refreshGrant } from "./refresh/refresh-grant.ts";
import { commitRescued } from "./refresh/rescued-answers.ts";
import { endLateAnswers, goOnRevoking } from "./revoke/revoke-grant.ts";
import { suspectSiblings } from "./suspect-siblings.ts";
import { announceEnds, defaultEventsKeptMs, pruneEvents, watchConditions } from "./tell-apps.ts";
import { deliverEvents } from "./webhooks/deliver-events.ts";
import type { Webhook } from "./webhooks/send-webhook.ts";

/** How often each task of the upkeep runs: milliseconds between two rounds. */
export const rounds = {
  attempts: 1_000,
  rescued: 1_000,
  lateAnswers: 5_000,
  intakes: 5_000,
  held: 30_000,
  revocations: 15_000,
  keepAlive: 60_000,
  looks: 30_000,
  sweep: 600_000,
  rejected: 60_000,
  damage: 60_000,
  audit: 60_000,
  dataKeys: 1_000,
  ends: 60_000,
  accessEnds: 5_000,
  conditions: 1_000,
  webhooks: 1_000,
  epoch: 2_000,
};

/** How long ended intakes are kept, milliseconds, so that a code that comes a second time is recognised. */
const intakeKeptMs = 86_400_000;
/**
 * How long a rejected code is kept, milliseconds. By then the provider refuses it by itself: RFC 6749 section 4.1.2
 * recommends that codes live for ten minutes at most.
 */
const rejectedKeptMs = 600_000;
/**
 * How long links are kept after they expired, milliseconds: a day, so that the app can ask how one ended, and shorter than
 * what has become of their codes.
 */
const connectKeptMs = intakeKeptMs - 3_600_000;
/** How long after its time an answer that nobody has released is ended, milliseconds: clocks differ. */
const heldGraceMs = 60_000;
/** How many of them are read at once. */
const heldBatch = 100;
/** How many grants that are due for a look are read at once. */
const looksBatch = 100;

export interface UpkeepOptions {
  readonly eventsKeptMs?: number;
  readonly webhook?: Webhook;
  /** Looks whether the store is the one that it was. Absent: nobody looks. */
  readonly epoch?: { look(): Promise<void> };
  /** When it begins, milliseconds from now on. Default: at once. */
  readonly firstAfterMs?: number;
}

/**
 * Starts what a keeper does without being asked. It finishes attempts of dead processes, stores answers that could not
 * be stored, finishes code exchanges that were given up half-way, and sends unconfirmed revocations again. It also
 * refreshes grants that nobody uses before their refresh tokens end for want of use.
 */
export function startUpkeep(
  context: KeeperContext,
  { eventsKeptMs = defaultEventsKeptMs, webhook, epoch, firstAfterMs }: UpkeepOptions = {},
): Periodic {
  const { store, clock } = context;
  const upkeep = new Periodic((error, task) => tellError(context, error, task), firstAfterMs);
  const backOffs = {
    intakes: new RoundBackOff(),
    revocations: new RoundBackOff(),
    lateAnswers: new RoundBackOff(),
    keepAlive: new RoundBackOff(),
  };
  /** What asks a provider, or tells somebody of what may have been told already, waits while the store stands still. */
  const unlessStill = (task: string, ms: number, work: (signal: AbortSignal) => Promise<void>): void => {
    upkeep.every(task, ms, async (signal) => {
      if (context.epoch?.isStandingStill !== true) await work(signal);
    });
  };
  if (epoch !== undefined) upkeep.every("epoch", rounds.epoch, () => epoch.look());
  unlessStill("attempts", rounds.attempts, () => finishAttempts(context));
  unlessStill("rescued answers", rounds.rescued, async () => {
    // Some answers may belong to grants that were revoked meanwhile. They became late answers, which must be revoked.
    if (await commitRescued(context)) await finishLateAnswers(context, new RoundBackOff());
    if (await journalRescued(context)) await finishIntakes(context, new RoundBackOff());
  });
  unlessStill("intakes", rounds.intakes, () => finishIntakes(context, backOffs.intakes));
  unlessStill("held sign-ins", rounds.held, () => discardOverdue(context));
  unlessStill("revocations", rounds.revocations, () => finishRevocations(context, backOffs.revocations));
  unlessStill("late answers", rounds.lateAnswers, () => finishLateAnswers(context, backOffs.lateAnswers));
  unlessStill("keep-alive", rounds.keepAlive, () => keepAlive(context, backOffs.keepAlive));
  unlessStill("looks", rounds.looks, () => takeLooks(context));
  let since = clock.now() - intakeKeptMs;
  upkeep.every("rejected codes", rounds.rejected, async () => {
    const before = clock.now() - rejectedKeptMs;
    await store.sweepRejected(since, before);
    since = before;
  });
  upkeep.every("sweep", rounds.sweep, async () => {
    await store.sweepIntakes(clock.now() - intakeKeptMs);
    await store.sweepConnects(clock.now() - connectKeptMs);
    await store.sweepTickets(clock.now() - ticketKeptMs);
    await store.sweepSessions(clock.now() - sessionKeptMs);
    await store.sweepSignals(clock.now() - signalKeptMs);
    await store.sweepDashboard(clock.now(), clock.now() - countsKeptMs);
    if (context.epoch?.isStandingStill !== true) await lookAtSuspects(context);
  });
  upkeep.every("data keys", rounds.dataKeys, replaceKeys(context));
  upkeep.every("damage", rounds.damage, lookForDamage(context));
  upkeep.every("audit log", rounds.audit, watchAudit(context));
  upkeep.every("old events", rounds.sweep, (signal) => pruneEvents(context, eventsKeptMs, signal));
  unlessStill("ends of consents", rounds.ends, (signal) => announceEnds(context, signal));
  unlessStill("ends of access", rounds.accessEnds, (signal) => lapseWithoutAccess(context, signal));
  upkeep.every("conditions of providers", rounds.conditions, watchConditions(context));
  if (webhook !== undefined) unlessStill("webhooks", rounds.webhooks, deliverEvents(context, webhook));
  return upkeep;
}

/**
 * Finishes the attempts of dead owners, most often of all tasks and all at once: a grace period may be running out,
 * after which the provider no longer accepts the token.
 */
export async function finishAttempts(context: KeeperContext): Promise<void> {
  // While every provider is down, there may be thousands of attempts, and none of them can be finished.
  if ([...context.gates.values()].every(({ isBlocking }) => isBlocking)) return;
  const attempts = await context.store.attempts();
  await Promise.all(attempts.map((attempt) => quietly(context, "attempts", finishAttempt(context, attempt))));
}

async function finishAttempt(context: KeeperContext, attempt: Attempt): Promise<void> {
  const { store, clock } = context;
  const liveness = await livenessOfOwner(context, attempt.owner, attempt.attemptId);
  if (liveness === "alive" || liveness === "mine") return;
  const grant = await store.grantById(attempt.grantId);
  if (grant === undefined || !serves(context, grant)) return;
  const { rotation, name: provider } = protocolOf(context, grant).provider;
  if (gateOf(context, provider).isBlocking) return;
  if (remainingMs(grant.retryAt, grant.lastErrorAt, clock.now()) > 0) return;
  if (!mayTakeOver(attempt, liveness, rotation, clock.now())) return;
  await refreshGrant(context, { ...grant, generation: attempt.generation }, "interactive");
}

/**
 * Finishes sign-ins whose answer is in the journal: their process died, the provider's keys could not be read, or what
 * was issued must be revoked. One that fails again is tried ever less often.
 */
async function finishIntakes(context: KeeperContext, backOff: RoundBackOff): Promise<void> {
  const { store, clock, protocols } = context;
  backOff.nextRound();
  for (const open of await store.openIntakes()) {
    const contextText = openContext(context.keyring, open);
    const protocol = protocolOfIntake(protocols, open.clientId, contextText);
    if (protocol === undefined || (await isUnderWay(context, open))) continue;
    if (open.state === "answered") {
      const workId = workIdOf(open.codeHash);
      if (!backOff.isDue(workId)) continue;
      // Counted beforehand: whatever ends it, by success or by failure, takes it off the next round's list.
      backOff.failed(workId);
      const finish = isDeposit(contextText) ? finishDeposit : finishIntake;
      await quietly(context, "intakes", finish(context, protocol, open));
    } else if (isDeposit(contextText) && !maySendAgain(protocol.provider.rotation, open.startedAt, clock.now())) {
      // The token may be used up. Whoever deposits it again next month must not send it.
      if (!(await journalRescued(context, open.codeHash))) await store.loseDeposit(open.codeHash, open.startedAt);
    } else if (clock.now() - open.startedAt > intakeKeptMs) await store.forgetIntake(open.codeHash);
  }
}

/** Ends what held answers have brought that nobody has released in time. */
async function discardOverdue(context: KeeperContext): Promise<void> {
  const { store, clock, protocols, keyring } = context;
  for (const held of await store.heldIntakes(clock.now() - heldGraceMs, heldBatch)) {
    const protocol = protocolOfIntake(protocols, held.clientId, openContext(keyring, held));
    if (protocol !== undefined) await quietly(context, "held sign-ins", discardHeld(context, protocol, held));
  }
}

/**
 * Where an intake's code came from. Two providers may have given us the same client id: the answer of one must not be
 * judged as the other's. What does not open is ended by any of that client.
 */
function protocolOfIntake(
  protocols: KeeperContext["protocols"],
  clientId: string,
  contextText: string | undefined,
): ReturnType<KeeperContext["protocols"]["get"]> {
  const ours = [...protocols.values()].filter(({ client }) => client.clientId === clientId);
  if (contextText === undefined) return ours[0];
  const { provider: name } = JSON.parse(contextText) as IntakeContext;
  return ours.find(({ provider }) => provider.name === name);
}

/** How many revocations in a row may fail at a provider before the rest wait for the next round. */
const failedRevocations = 5;

async function finishRevocations(context: KeeperContext, backOff: RoundBackOff): Promise<void> {
  const inARow = new Map<string, number>();
  backOff.nextRound();
  for await (const { grantId, provider } of served(context, { state: "revoking" })) {
    // While the revocation endpoint hangs, each try takes half a minute.
    if ((inARow.get(provider) ?? 0) >= failedRevocations || !backOff.isDue(grantId)) continue;
    const ended = await quietly(context, "revocations", goOnRevoking(context, grantId, "background"));
    if (!ended) backOff.failed(grantId);
    inARow.set(provider, ended ? 0 : (inARow.get(provider) ?? 0) + 1);
  }
}

async function finishLateAnswers(context: KeeperContext, backOff: RoundBackOff): Promise<void> {
  backOff.nextRound();
  for await (const row of served(context, { state: "revoked", withLateAnswers: true })) {
    if (!backOff.isDue(row.grantId)) continue;
    const ended = await quietly(context, "late answers", endLateAnswers(context, row.grantId, "background"));
    if (!ended) backOff.failed(row.grantId);
    // Revoking a late answer may have ended a new consent that came at the same moment.
    await suspectSiblings(context, protocolOf(context, row).provider, row);
  }
}

/**
 * Refreshes suspect grants. Where a grant is in use, its next use does that; where it is not, the app would never learn
 * that it has ended.
 */
async function lookAtSuspects(context: KeeperContext): Promise<void> {
  for await (const row of served(context, { state: "suspect" })) {
    await quietly(context, "sweep", refreshGrant(context, row, "background"));
  }
}

/**
 * Takes the looks that are due: second ones at grants that nobody has used since the provider refused them, and last
 * ones at grants that have lapsed.
 */
export async function takeLooks(context: KeeperContext): Promise<void> {
  const { store, clock } = context;
  interface Search {
    readonly before: number;
    readonly first?: Pick<GrantRow, "grantId" | "lookAt">;
  }
  // Each search asks the clock when it begins: a round can take minutes, and by the time of its start, the looks that it
  // put off itself would seem to be put off for too long.
  const searches: readonly (() => Search)[] = [
    () => ({ before: clock.now() }),
    // Later than any look is put off: a clock was ahead when it was written.
    () => ({ before: Number.MAX_SAFE_INTEGER, first: { lookAt: latestLook(clock.now()), grantId: "" } }),
  ];
  for (const search of searches) {
    const { before, first } = search();
    // Page after page: grants of clients that are not configured here stay due, and must not hide the others.
    for (let after = first; ;) {
      const rows: readonly GrantRow[] = await store.grantsToLookAt(before, looksBatch, after);
      for (const row of rows) {
        const isResting = remainingMs(row.retryAt, row.lastErrorAt, clock.now()) > 0;
        if (!serves(context, row) || isResting || gateOf(context, row.provider).isBlocking) continue;
        await quietly(context, "looks", refreshGrant(context, row, "background"));
      }
      if (rows.length < looksBatch) break;
      after = rows.at(-1);
    }
  }
}

/**
 * The grants that belong to clients that are configured here. It reads page after page: grants of other clients may
 * fill whole pages, and must not keep these from being found.
 */
async function* served(
  context: KeeperContext,
  filter: Pick<GrantFilter, "state" | "withLateAnswers">,
): AsyncGenerator<GrantRow> {
  const limit = 100;
  for (let after = ""; ;) {
    const rows = await context.store.listGrants({ ...filter, after, limit });
    for (const row of rows) if (serves(context, row)) yield row;
    if (rows.length < limit) return;
    after = rows.at(-1)?.grantId ?? after;
  }
}

function serves({ protocols }: KeeperContext, { provider, clientId }: { provider: string; clientId: string }): boolean {
  return protocols.get(provider)?.client.clientId === clientId;
}

/**
 * Waits for work on one grant. Its failure has an event of its own, and must not keep other grants from being served.
 *
 * @returns whether it succeeded
 */
async function quietly({ onFault }: KeeperContext, during: string, work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (!isOnbehalfError(error)) onFault(error, during);
    return false;
  }
}
