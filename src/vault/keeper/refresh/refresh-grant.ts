import { randomUUID } from "node:crypto";
import { isOnbehalfError } from "../../../core/errors.ts";
import type { LapseReason } from "../../../core/grant.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { TokenReply } from "../../../oauth/token-endpoint.ts";
import type { TokenSet } from "../../../oauth/token-set.ts";
import { afterAnswer, backOffMs, standardRefusals, waitAfterMs } from "../../../core/refresh.ts";
import type { AfterAnswer } from "../../../core/refresh.ts";
import type { Secret } from "../../../core/secret.ts";
import type { GrantRow } from "../../../store/store.ts";
import { beginAttempt } from "./begin-attempt.ts";
import type { Attempted } from "./begin-attempt.ts";
import { commitAnswer } from "./commit-answer.ts";
import type { ReceivedTokens } from "./commit-answer.ts";
import { gateOf, protocolOf } from "../../context.ts";
import type { KeeperContext } from "../../context.ts";
import type { RefreshOutcome } from "../local-keeper.ts";
import type { Permit, Priority } from "../gate/gate.ts";
import { lateAnswers } from "./late-answers.ts";
import { openRefreshToken } from "../../grants/sealed-grant.ts";
import { turnedAway } from "../gate/permit.ts";

/** A back-off this short is waited out rather than passed on to the caller, milliseconds. */
const patienceMs = 1_500;

/**
 * Refreshes one generation of a grant: the intent first, then the provider, then the commit onto that generation and
 * no other. What each answer means is decided in refresh.ts, who may take over from whom in lease.ts, and whether the
 * provider is asked just now in breaker.ts.
 */
export async function refreshGrant(
  context: KeeperContext,
  grantId: string,
  generation: number,
  priority: Priority,
): Promise<RefreshOutcome> {
  const row = await context.store.grantById(grantId);
  if (row === undefined) return { kind: "ended" };
  const gate = gateOf(context, protocolOf(context, row).provider.name);
  const waitMs = (row.retryAt ?? 0) - context.clock.now();
  if (waitMs > patienceMs) return turnedAway(gate, { waitMs, error: row.lastError ?? "backing_off" });
  if (waitMs > 0) await context.sleep(waitMs);

  const attemptId = randomUUID();
  // Listed while anything of it runs. An attempt in our name that is not listed was given up: it may be taken over.
  context.running.add(attemptId);
  const release = (): boolean => context.running.delete(attemptId);
  try {
    const lease = await beginAttempt(context, attemptId, row, generation, priority);
    const { outcome, stored } = lease.kind === "begun" ? await spend(context, attemptId, lease) : settled(lease);
    stored.then(release, release);
    return await outcome;
  } catch (error) {
    await withdraw(context, attemptId, error).finally(release);
    throw error;
  }
}

/**
 * Ends an attempt whose token never left: an error of ours other than the store's comes before the request does. An
 * intent that stood on would look like one of a crash.
 */
async function withdraw({ store, clock }: KeeperContext, attemptId: string, error: unknown): Promise<void> {
  if (!isOnbehalfError(error) || error.code === "store_unavailable") return;
  await store.endAttempt(attemptId, { error: error.code, at: clock.now(), retryAt: null });
}

/** What callers get, and when the attempt is over. */
interface Commit {
  readonly outcome: Promise<RefreshOutcome> | RefreshOutcome;
  readonly stored: Promise<unknown>;
}

function settled(outcome: RefreshOutcome): Commit {
  return { outcome, stored: Promise.resolve() };
}

async function spend(context: KeeperContext, attemptId: string, lease: Attempted): Promise<Commit> {
  try {
    return await spendWith(context, attemptId, lease);
  } finally {
    // Whatever became of it: others wait for the end of a probe.
    lease.pass.release();
  }
}

async function spendWith(
  context: KeeperContext,
  attemptId: string,
  { grant, takenOver, pass }: Attempted,
): Promise<Commit> {
  const protocol = protocolOf(context, grant);
  const refreshToken = openRefreshToken(context.keyring, grant);
  if (refreshToken === undefined) {
    await context.store.endAttempt(attemptId, { error: "no_refresh_token", at: context.clock.now(), retryAt: null });
    return settled({ kind: "ended" });
  }
  const exchange: Exchange = { context, protocol, grant, attemptId, refreshToken, takenOver, pass };
  const receivedAt = context.clock.now();
  const reply = await protocol.refresh(refreshToken);
  return reply.tokens === undefined
    ? afterFailure(exchange, verdictOn(protocol, reply))
    : accept(exchange, { tokens: reply.tokens, receivedAt });
}

function accept({ context, protocol, grant, pass }: Exchange, answer: ReceivedTokens): Commit {
  pass.success();
  return commitAnswer(context, protocol, grant, answer);
}

interface Exchange {
  readonly context: KeeperContext;
  readonly protocol: Protocol;
  readonly grant: GrantRow;
  readonly attemptId: string;
  readonly refreshToken: Secret;
  /** The attempt stood in the name of somebody who did not end it: they may have spent the token. */
  readonly takenOver: boolean;
  readonly pass: Permit;
}

type Failure = Exclude<AfterAnswer, { do: "commit" }>;

function verdictOn({ provider }: Protocol, { answer }: TokenReply): Failure {
  const verdict = afterAnswer(answer, { ...standardRefusals, ...provider.refusals });
  // An answer of kind `tokens` has its tokens beside it and was committed; this is for the type alone.
  return verdict.do === "commit" ? { do: "retry", error: "no_access_token", ambiguous: true } : verdict;
}

async function afterFailure(exchange: Exchange, verdict: Failure): Promise<Commit> {
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
async function raiseAlarm(exchange: Exchange, error: string): Promise<RefreshOutcome> {
  const { context, protocol, grant, attemptId, pass } = exchange;
  const now = context.clock.now();
  const { name: provider } = protocol.provider;
  if (pass.clientRefused(error)) {
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
  { context, protocol, grant, attemptId, pass }: Exchange,
  { error, afterMs, ambiguous, limited }: Failure & { do: "retry" },
): Promise<RefreshOutcome> {
  const now = context.clock.now();
  const waitMs = waitAfterMs(grant.failures + 1, context.random(), afterMs);
  const { rotation, name: provider } = protocol.provider;
  const shutForMs = pass.failure({ retryAfterMs: afterMs, limited });
  // A token that does not rotate is as good as before, whatever became of the request.
  const unknown = ambiguous && rotation !== "none";
  context.emit({ type: "refresh_failed", grantId: grant.grantId, provider, error, ambiguous: unknown });
  const failure = { error, at: now, retryAt: now + waitMs };
  await (unknown
    ? context.store.endAttemptUnknown(attemptId, { ...failure, suspect: rotation === "strict" })
    : context.store.endAttempt(attemptId, failure));
  return { kind: "unavailable", error, retryAfterMs: Math.max(waitMs, shutForMs, 1_000) };
}

/**
 * The provider called the token that was sent invalid: evidence about those bytes, not yet about the grant. If
 * somebody stored a newer one meanwhile, that one counts; answers that came too late are tried next; then the
 * provider is asked once more, where asking twice does no harm.
 */
async function secondLook(
  exchange: Exchange,
  { reason, error }: { reason: LapseReason; error: string },
): Promise<Commit> {
  const { context, protocol, grant, attemptId, takenOver, pass } = exchange;
  const { store, clock } = context;
  const { grantId, generation } = grant;
  pass.success();

  const current = await store.grantById(grantId);
  if (current === undefined) return settled({ kind: "ended" });
  if (current.generation !== generation) return settled({ kind: "newer" });

  for (const lateAnswer of await lateAnswers(context, grant)) {
    const receivedAt = clock.now();
    const reply = await protocol.refresh(lateAnswer.refreshToken);
    if (reply.tokens === undefined) continue;
    const tokens: TokenSet = { ...reply.tokens, refreshToken: reply.tokens.refreshToken ?? lateAnswer.refreshToken };
    const { outcome, stored } = accept(exchange, { tokens, receivedAt });
    // Only once its successor is safe: until then it is the only copy.
    return { outcome, stored: stored.then(() => store.dropLateAnswer(lateAnswer.lateAnswerId)) };
  }

  const { rotation, name: provider } = protocol.provider;
  if (rotation === "none") {
    const admission = await gateOf(context, provider).admit("interactive");
    if (admission.kind === "wait") {
      const { waitMs } = admission;
      await store.endAttempt(attemptId, { error, at: clock.now(), retryAt: clock.now() + waitMs });
      return settled({ kind: "unavailable", error, retryAfterMs: waitMs });
    }
    const different = await askAgain({ ...exchange, pass: admission.pass });
    if (different !== undefined) return different;
  }

  const why = takenOver && rotation !== "none" ? "crash_ambiguous_rotation" : reason;
  if (await store.lapse(grantId, generation, why, error, clock.now())) {
    context.emit({ type: "lapsed", grantId, provider, reason: why });
    return settled({ kind: "ended" });
  }
  await store.endAttempt(attemptId, { error, at: clock.now(), retryAt: null });
  return settled({ kind: "newer" });
}

/** Sends the same token once more. Returns how that ended, where it was not the same refusal. */
async function askAgain(exchange: Exchange): Promise<Commit | undefined> {
  const { context, protocol, pass } = exchange;
  try {
    const receivedAt = context.clock.now();
    const again = await protocol.refresh(exchange.refreshToken);
    if (again.tokens !== undefined) return accept(exchange, { tokens: again.tokens, receivedAt });
    const verdict = verdictOn(protocol, again);
    if (verdict.do !== "second-look") return await afterFailure(exchange, verdict);
    pass.success();
    return undefined;
  } finally {
    pass.release();
  }
}
