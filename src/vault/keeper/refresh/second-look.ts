import { defined } from "../../../core/defined.ts";
import type { LapseReason } from "../../../core/grant.ts";
import { waitAfterMs } from "../../../core/refresh.ts";
import type { Decision } from "../../../core/refresh.ts";
import { gateOf } from "../gate/gate.ts";
import type { RefreshOutcome } from "../keeper.ts";
import { commitAnswer, settled } from "./commit-answer.ts";
import type { Commit } from "./commit-answer.ts";
import { endAttempt, isOutcomeUnknown } from "./end-attempt.ts";
import { decisionOn, settleFailure } from "./failed-exchange.ts";
import type { Exchange } from "./failed-exchange.ts";
import { lateAnswers } from "../late-answers.ts";

/**
 * Decides what becomes of a grant after the provider has called the sent token invalid. That says something about this
 * token, but not yet about the grant, so:
 *
 * 1. Where another process has stored a newer token meanwhile, that one counts.
 * 2. The refresh tokens of late answers are tried.
 * 3. Where the provider does not rotate, so that asking twice does no harm, the same token is sent once more.
 * 4. Only then does the grant lapse.
 */
export async function secondLook(
  exchange: Exchange,
  { reason, error }: { readonly reason: LapseReason; readonly error: string },
): Promise<Commit> {
  const { context, protocol, grant, attemptId, takenOver, permit } = exchange;
  const { store, clock, emit } = context;
  const { grantId, generation } = grant;
  permit.success();

  const current = await store.grantById(grantId);
  if (current === undefined) return settled({ kind: "ended" });
  if (current.generation !== generation) return settled({ kind: "newer" });

  const late = await tryLateAnswers(exchange);
  if (late !== undefined) return late;

  const { rotation, name: provider } = protocol.provider;
  if (rotation === "none") {
    const answer = await gateOf(context, provider).admit("interactive");
    if (answer.kind === "rejected") {
      const { waitMs } = answer;
      await store.endAttempt(attemptId, { error, at: clock.now(), retryAt: clock.now() + waitMs });
      return settled({ kind: "unavailable", error, retryAfterMs: waitMs });
    }
    const different = await askAgain({ ...exchange, permit: answer.permit });
    if (different !== undefined) return different;
  }

  const why = takenOver && rotation !== "none" ? "crash_ambiguous_rotation" : reason;
  if (await store.lapse(grantId, generation, why, error, clock.now())) {
    emit({ type: "lapsed", grantId, provider, reason: why });
    return settled({ kind: "ended" });
  }
  await store.endAttempt(attemptId, { error, at: clock.now(), retryAt: null });
  return settled({ kind: "newer" });
}

/**
 * Sends the refresh tokens of late answers. Returns the commit of the first one that works; undefined where the provider
 * refuses them all. One that it did not judge may be the only token that works, so the grant waits for its answer.
 */
async function tryLateAnswers(exchange: Exchange): Promise<Commit | undefined> {
  const { context, protocol, grant } = exchange;
  const unjudged: (Decision & { do: "retry" })[] = [];
  for (const { lateAnswerId, refreshToken, scope } of await lateAnswers(context, grant)) {
    const receivedAt = context.clock.now();
    const response = await protocol.refresh(refreshToken);
    if (response.kind !== "tokens") {
      const decision = decisionOn(protocol, response);
      if (decision.do === "retry") unjudged.push(decision);
      continue;
    }
    const answer = response.tokens;
    // Where neither answer says what it covers, it is the grant's own token of another time.
    const said = answer.scope === undefined && answer.scopeUnread !== true ? defined({ scope }) : {};
    const tokens = { ...answer, ...said, refreshToken: answer.refreshToken ?? refreshToken };
    const { outcome, stored } = commitAnswer(context, grant, { tokens, receivedAt });
    // Drop the late answer only once the new tokens are stored: until then it holds the only copy.
    return { outcome, stored: stored.then(() => context.store.dropLateAnswer(lateAnswerId)) };
  }
  const [decision] = unjudged;
  return decision === undefined ? undefined : settled(await waitForVerdict(exchange, decision));
}

/** The provider failed when it was asked about a late answer. The grant does not lapse before it has been asked again. */
async function waitForVerdict(
  exchange: Exchange,
  { error, afterMs, ambiguous }: Decision & { do: "retry" },
): Promise<RefreshOutcome> {
  const { context, grant } = exchange;
  const { clock, random, emit } = context;
  const { grantId, provider } = grant;
  const at = clock.now();
  const waitMs = waitAfterMs(grant.failures + 1, random(), afterMs);
  emit({ type: "refresh_failed", grantId, provider, error, ambiguous: isOutcomeUnknown(context, exchange, ambiguous) });
  await endAttempt(context, exchange, { error, at, retryAt: at + waitMs }, ambiguous);
  return { kind: "unavailable", error, retryAfterMs: Math.max(waitMs, 1_000) };
}

/** Sends the same token once more. Returns how that ended; undefined where the provider refused the token again. */
async function askAgain(exchange: Exchange): Promise<Commit | undefined> {
  const { context, protocol, grant, permit, refreshToken } = exchange;
  try {
    const receivedAt = context.clock.now();
    const response = await protocol.refresh(refreshToken);
    if (response.kind === "tokens") {
      permit.success();
      return commitAnswer(context, grant, { tokens: response.tokens, receivedAt });
    }
    const decision = decisionOn(protocol, response);
    if (decision.do !== "second-look") return settled(await settleFailure(exchange, decision));
    permit.success();
    return undefined;
  } finally {
    permit.release();
  }
}
