import type { LapseReason } from "../../../core/grant.ts";
import { gateOf } from "../gate/gate.ts";
import { commitAnswer, settled } from "./commit-answer.ts";
import type { Commit } from "./commit-answer.ts";
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
 * Sends the refresh tokens of late answers. Returns the commit of the first one that works; undefined where none does.
 */
async function tryLateAnswers({ context, protocol, grant }: Exchange): Promise<Commit | undefined> {
  for (const { lateAnswerId, refreshToken } of await lateAnswers(context, grant)) {
    const receivedAt = context.clock.now();
    const response = await protocol.refresh(refreshToken);
    if (response.kind !== "tokens") continue;
    const tokens = { ...response.tokens, refreshToken: response.tokens.refreshToken ?? refreshToken };
    const { outcome, stored } = commitAnswer(context, grant, { tokens, receivedAt });
    // Drop the late answer only once the new tokens are stored: until then it holds the only copy.
    return { outcome, stored: stored.then(() => context.store.dropLateAnswer(lateAnswerId)) };
  }
  return undefined;
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
