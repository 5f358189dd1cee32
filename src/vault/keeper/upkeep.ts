import { isOnbehalfError } from "../../core/errors.ts";
import { keepAliveAt } from "../../core/refresh.ts";
import { mayTakeOver } from "../../core/take-over.ts";
import type { Attempt } from "../../core/take-over.ts";
import type { GrantFilter, GrantRow } from "../../store/store.ts";
import { tellError } from "../background-errors.ts";
import { protocolOf } from "../context.ts";
import { Periodic } from "../periodic.ts";
import { finishIntake, isUnderWay } from "./codes/finish-intake.ts";
import { livenessOfOwner } from "./context.ts";
import { gateOf } from "./gate/gate.ts";
import type { KeeperContext } from "./context.ts";
import { refreshGrant } from "./refresh/refresh-grant.ts";
import { commitRescued } from "./refresh/rescued-answers.ts";
import { endLateAnswers, goOnRevoking } from "./revoke/revoke-grant.ts";
import { suspectSiblings } from "./suspect-siblings.ts";

/** Milliseconds between two rounds. */
const rounds = {
  attempts: 1_000,
  rescued: 1_000,
  lateAnswers: 5_000,
  intakes: 5_000,
  revocations: 15_000,
  keepAlive: 60_000,
  sweep: 600_000,
};

/** Ended intakes are kept this long, so that a code that comes again is known for what it is. */
const intakeKeptMs = 86_400_000;
/** So many idle grants are kept alive in one round at most. */
const keepAliveBatch = 200;

/**
 * What is done without being asked wherever refresh tokens are opened: what the dead began is finished first, then
 * answers that could not be stored, half-taken codes, unconfirmed revocations; and grants that nobody uses are
 * refreshed now and then, because six months of silence would end them.
 */
export function startUpkeep(context: KeeperContext): Periodic {
  const { store, clock } = context;
  const upkeep = new Periodic((error, task) => tellError(context, error, task));
  upkeep.every("attempts", rounds.attempts, () => finishAttempts(context));
  upkeep.every("rescued answers", rounds.rescued, async () => {
    // Some may be of grants that were revoked meanwhile.
    if (await commitRescued(context)) await finishLateAnswers(context);
  });
  upkeep.every("intakes", rounds.intakes, () => finishIntakes(context));
  upkeep.every("revocations", rounds.revocations, () => finishRevocations(context));
  upkeep.every("late answers", rounds.lateAnswers, () => finishLateAnswers(context));
  upkeep.every("keep-alive", rounds.keepAlive, () => keepAlive(context));
  upkeep.every("sweep", rounds.sweep, async () => {
    await store.sweepIntakes(clock.now() - intakeKeptMs);
    await lookAtSuspects(context);
  });
  return upkeep;
}

/** Attempts of dead owners come before anything else: a grace period may be running out. All at once, for the same reason. */
export async function finishAttempts(context: KeeperContext): Promise<void> {
  // While a provider is down there may be thousands, and nothing to be done about any.
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
  if ((grant.retryAt ?? 0) > clock.now() || !mayTakeOver(attempt, liveness, rotation, clock.now())) return;
  await refreshGrant(context, { ...grant, generation: attempt.generation }, "interactive");
}

/** Answers that were journalled and never checked: their owner died, or the provider's keys were out of reach. */
async function finishIntakes(context: KeeperContext): Promise<void> {
  const { store, clock, protocols } = context;
  for (const open of await store.openIntakes()) {
    const protocol = [...protocols.values()].find(({ client }) => client.clientId === open.clientId);
    if (protocol === undefined || (await isUnderWay(context, open))) continue;
    if (open.state === "answered") await quietly(context, "intakes", finishIntake(context, protocol, open));
    else if (clock.now() - open.startedAt > intakeKeptMs) await store.forgetIntake(open.codeHash);
  }
}

async function finishRevocations(context: KeeperContext): Promise<void> {
  for await (const row of served(context, { state: "revoking" }))
    await quietly(context, "revocations", goOnRevoking(context, row.grantId));
}

async function finishLateAnswers(context: KeeperContext): Promise<void> {
  for await (const row of served(context, { state: "revoked", withLateAnswers: true })) {
    await quietly(context, "late answers", endLateAnswers(context, row.grantId));
    // One may have ended a consent that came at the same moment.
    await suspectSiblings(context, protocolOf(context, row).provider, row);
  }
}

/** Those that somebody uses are looked at by that use; the others here, so that the app hears of their end. */
async function lookAtSuspects(context: KeeperContext): Promise<void> {
  for await (const row of served(context, { state: "suspect" })) {
    await quietly(context, "sweep", refreshGrant(context, row, "background"));
  }
}

async function keepAlive(context: KeeperContext): Promise<void> {
  const { store, clock, keyring } = context;
  const now = clock.now();
  const idle = await store.idleGrants(now - keepAliveAt(0, 0), keepAliveBatch);
  for (const row of idle) {
    // The same share of the month for the same grant, in every process: a fixed number, not a new throw of the dice.
    const share = keyring.hash("keep_alive", row.grantId).readUInt32BE() / 2 ** 32;
    if (!serves(context, row) || keepAliveAt(row.accessIssuedAt ?? 0, share) > now) continue;
    if (gateOf(context, row.provider).isBlocking) continue;
    await quietly(context, "keep-alive", refreshGrant(context, row, "background"));
  }
}

/** Grants of the clients that are configured here, page by page: those of others must not stand in their way. */
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

/** One grant's failure is told by an event of its own, and does not keep the others waiting. */
async function quietly({ onFault }: KeeperContext, during: string, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isOnbehalfError(error)) onFault(error, during);
  });
}
