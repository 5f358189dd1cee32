import { randomUUID } from "node:crypto";
import { isOnbehalfError } from "../errors.ts";
import type { LapseReason } from "../grant.ts";
import { mayTakeOver } from "../lease.ts";
import type { Protocol } from "../oauth/protocol.ts";
import type { TokenReply } from "../oauth/token-endpoint.ts";
import type { TokenSet } from "../oauth/token-set.ts";
import { afterAnswer, backOffMs, standardRefusals } from "../refresh.ts";
import type { AfterAnswer } from "../refresh.ts";
import type { Secret } from "../secret.ts";
import type { GrantRow } from "../store/store.ts";
import { commitAnswer, commitRescued } from "./commit.ts";
import type { Answer } from "./commit.ts";
import { gateOf, holderOf, protocolOf } from "./context.ts";
import type { CustodyContext } from "./context.ts";
import type { RefreshOutcome } from "./exchanger.ts";
import type { Admission, Gate, Urgency } from "./gate.ts";
import { orphanAnswers } from "./orphans.ts";
import { openRefreshToken } from "./sealed-grant.ts";

/** How often a holder that lives is looked at, milliseconds: soon at first, for most exchanges are quick. */
const firstPollMs = 20;
const longestPollMs = 300;
/** How long a holder is waited for in all: longer than an exchange may take, and short of a caller's own patience. */
const longestWaitMs = 45_000;
/** A back-off this short is waited out rather than passed on to the caller, milliseconds. */
const patienceMs = 1_500;

/**
 * Refreshes one generation of a grant: the intent first, then the provider, then the commit onto that generation and
 * no other. What each answer means is decided in refresh.ts, and who may take over from whom in lease.ts.
 */
export async function refreshGrant(
  context: CustodyContext,
  grantId: string,
  generation: number,
  urgency: Urgency,
): Promise<RefreshOutcome> {
  const row = await context.store.grantById(grantId);
  if (row === undefined) return { kind: "ended" };
  const waitMs = (row.retryAt ?? 0) - context.clock.now();
  if (waitMs > patienceMs) return { kind: "unavailable", error: "backing_off", retryAfterMs: waitMs };
  if (waitMs > 0) await context.sleep(waitMs);

  const gate = gateOf(context, protocolOf(context, row).provider.name);
  // One's turn comes before the intent: an intent that queues would keep others from a grant they could refresh.
  const admission = await gate.admit(urgency);
  if (admission.kind === "wait") return turnedAway(gate, admission);
  const attemptId = randomUUID();
  // Listed while anything of it runs. An attempt in our name that is not listed was given up: it may be taken over.
  context.running.add(attemptId);
  const release = (): boolean => context.running.delete(attemptId);
  try {
    const lease = await acquire(context, gate, attemptId, grantId, generation);
    const { outcome, stored } = lease.kind === "begun" ? await spend(context, attemptId, lease) : settled(lease);
    stored.then(release, release);
    return await outcome;
  } catch (error) {
    await withdraw(context, attemptId, error).finally(release);
    throw error;
  } finally {
    gate.released();
  }
}

/**
 * Ends an attempt whose token never left: an error of ours other than the store's comes before the request does. An
 * intent that stood on would look like one of a crash.
 */
async function withdraw({ store, clock }: CustodyContext, attemptId: string, error: unknown): Promise<void> {
  if (!isOnbehalfError(error) || error.code === "store_unavailable") return;
  await store.endAttempt(attemptId, { error: error.code, at: clock.now(), retryAt: null });
}

function turnedAway({ refusedWith }: Gate, { waitMs, error }: Admission & { kind: "wait" }): RefreshOutcome {
  return refusedWith === undefined
    ? { kind: "unavailable", error, retryAfterMs: waitMs }
    : { kind: "misconfigured", error: refusedWith };
}

/** What callers get, and when the attempt is over. */
interface Ending {
  readonly outcome: Promise<RefreshOutcome> | RefreshOutcome;
  readonly stored: Promise<unknown>;
}

function settled(outcome: RefreshOutcome): Ending {
  return { outcome, stored: Promise.resolve() };
}

async function spend(
  context: CustodyContext,
  attemptId: string,
  { grant, takenOver }: { readonly grant: GrantRow; readonly takenOver: boolean },
): Promise<Ending> {
  const protocol = protocolOf(context, grant);
  const refreshToken = openRefreshToken(context.keyring, grant);
  if (refreshToken === undefined) {
    await context.store.endAttempt(attemptId, { error: "no_refresh_token", at: context.clock.now(), retryAt: null });
    return settled({ kind: "ended" });
  }
  const exchange: Exchange = { context, protocol, grant, attemptId, refreshToken, takenOver };
  const receivedAt = context.clock.now();
  const reply = await protocol.refresh(refreshToken);
  return reply.tokens === undefined
    ? afterFailure(exchange, verdictOn(protocol, reply))
    : accept(exchange, { tokens: reply.tokens, receivedAt });
}

function accept({ context, protocol, grant }: Exchange, answer: Answer): Ending {
  gateOf(context, protocol.provider.name).succeeded();
  return commitAnswer(context, protocol, grant, answer);
}

interface Exchange {
  readonly context: CustodyContext;
  readonly protocol: Protocol;
  readonly grant: GrantRow;
  readonly attemptId: string;
  readonly refreshToken: Secret;
  /** The attempt stood in the name of somebody who did not end it: they may have spent the token. */
  readonly takenOver: boolean;
}

type Failure = Exclude<AfterAnswer, { do: "commit" }>;

function verdictOn({ provider }: Protocol, { answer }: TokenReply): Failure {
  const verdict = afterAnswer(answer, { ...standardRefusals, ...provider.refusals });
  // An answer of kind `tokens` has its tokens beside it and was committed; this is for the type alone.
  return verdict.do === "commit" ? { do: "retry", error: "no_access_token", ambiguous: true } : verdict;
}

async function afterFailure(exchange: Exchange, verdict: Failure): Promise<Ending> {
  switch (verdict.do) {
    case "second-look":
      return secondLook(exchange, verdict);
    case "alert-operator":
      return settled(await raiseAlarm(exchange, verdict.error));
    case "retry":
      return settled(await retryLater(exchange, verdict));
  }
}

/** Our own configuration is refused: said aloud, once, and the grant stays as it is. */
async function raiseAlarm({ context, protocol, grant, attemptId }: Exchange, error: string): Promise<RefreshOutcome> {
  const now = context.clock.now();
  const { name: provider } = protocol.provider;
  if (gateOf(context, provider).refused(error)) {
    context.emit({ type: "client_refused", provider, clientId: grant.clientId, error });
  }
  await context.store.endAttempt(attemptId, {
    error,
    at: now,
    retryAt: now + backOffMs(grant.failures + 1, context.random()),
  });
  return { kind: "misconfigured", error };
}

async function retryLater(
  { context, protocol, grant, attemptId }: Exchange,
  { error, afterMs, ambiguous }: Failure & { do: "retry" },
): Promise<RefreshOutcome> {
  const now = context.clock.now();
  const waitMs = afterMs ?? backOffMs(grant.failures + 1, context.random());
  const { rotation, name: provider } = protocol.provider;
  gateOf(context, provider).failed(afterMs);
  // A token that does not rotate is as good as before, whatever became of the request.
  const unknown = ambiguous && rotation !== "none";
  context.emit({ type: "refresh_failed", grantId: grant.grantId, provider, error, ambiguous: unknown });
  const failure = { error, at: now, retryAt: now + waitMs };
  await (unknown
    ? context.store.endAttemptUnknown(attemptId, { ...failure, suspect: rotation === "strict" })
    : context.store.endAttempt(attemptId, failure));
  return { kind: "unavailable", error, retryAfterMs: Math.max(waitMs, 1_000) };
}

/**
 * The provider called the token that was sent invalid: evidence about those bytes, not yet about the grant. If
 * somebody stored a newer one meanwhile, that one counts; answers that came too late are tried next; then the
 * provider is asked once more, where asking twice does no harm.
 */
async function secondLook(
  exchange: Exchange,
  { reason, error }: { reason: LapseReason; error: string },
): Promise<Ending> {
  const { context, protocol, grant, attemptId, takenOver } = exchange;
  const { store, clock } = context;
  const { grantId, generation } = grant;
  gateOf(context, protocol.provider.name).succeeded();

  const current = await store.grantById(grantId);
  if (current === undefined) return settled({ kind: "ended" });
  if (current.generation !== generation) return settled({ kind: "newer" });

  for (const orphan of await orphanAnswers(context, grant)) {
    const receivedAt = clock.now();
    const reply = await protocol.refresh(orphan.refreshToken);
    if (reply.tokens === undefined) continue;
    const tokens: TokenSet = { ...reply.tokens, refreshToken: reply.tokens.refreshToken ?? orphan.refreshToken };
    const { outcome, stored } = accept(exchange, { tokens, receivedAt });
    // Only once its successor is safe: until then it is the only copy.
    return { outcome, stored: stored.then(() => store.dropOrphan(orphan.orphanId)) };
  }

  const { rotation, name: provider } = protocol.provider;
  if (rotation === "none") {
    const admission = await gateOf(context, provider).admit("caller");
    if (admission.kind === "wait") {
      const { waitMs } = admission;
      await store.endAttempt(attemptId, { error, at: clock.now(), retryAt: clock.now() + waitMs });
      return settled({ kind: "unavailable", error, retryAfterMs: waitMs });
    }
    const receivedAt = clock.now();
    const again = await protocol.refresh(exchange.refreshToken);
    if (again.tokens !== undefined) return accept(exchange, { tokens: again.tokens, receivedAt });
    const verdict = verdictOn(protocol, again);
    if (verdict.do !== "second-look") return afterFailure(exchange, verdict);
  }

  const why = takenOver && rotation !== "none" ? "crash_ambiguous_rotation" : reason;
  if (await store.lapse(grantId, generation, why, error, clock.now())) {
    context.emit({ type: "lapsed", grantId, provider, reason: why });
    return settled({ kind: "ended" });
  }
  await store.endAttempt(attemptId, { error, at: clock.now(), retryAt: null });
  return settled({ kind: "newer" });
}

type Lease =
  | { readonly kind: "begun"; readonly grant: GrantRow; readonly takenOver: boolean }
  | Extract<RefreshOutcome, { kind: "newer" | "ended" | "unavailable" }>;

/** Writes the intent, or waits for whoever holds it; takes over from the dead. */
async function acquire(
  context: CustodyContext,
  gate: Gate,
  attemptId: string,
  grantId: string,
  generation: number,
): Promise<Lease> {
  const { store, owner, sleep } = context;
  let replaces: string | undefined;
  let pollMs = firstPollMs;
  for (let waitedMs = 0; waitedMs < longestWaitMs; waitedMs += pollMs) {
    const begun = await store.beginAttempt({ attemptId, grantId, generation, owner }, replaces);
    switch (begun.kind) {
      case "begun":
        return { kind: "begun", grant: begun.grant, takenOver: replaces !== undefined };
      case "gone":
        return { kind: "ended" };
      case "moved":
        return { kind: begun.grant.generation === generation ? "ended" : "newer" };
      case "held": {
        const grant = await store.grantById(grantId);
        if (grant === undefined) return { kind: "ended" };
        const { rotation } = protocolOf(context, grant).provider;
        const liveness = await holderOf(context, begun.attempt.owner, begun.attempt.attemptId);
        if (mayTakeOver(begun.attempt, liveness, rotation, begun.now)) {
          // Its answer may be in the journal, and the token that we would send is used up.
          if (!(await commitRescued(context, grantId))) replaces = begun.attempt.attemptId;
          continue;
        }
        // Whoever waits here asks nothing: the provider is not to be judged by how long that takes.
        gate.released();
        pollMs = Math.min(longestPollMs, pollMs * 1.5);
        await sleep(pollMs);
      }
    }
  }
  return { kind: "unavailable", error: "refresh_under_way_elsewhere", retryAfterMs: 1_000 };
}
