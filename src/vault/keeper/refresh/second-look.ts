import type { LapseReason } from "../../../core/grant.ts";
import { gateOf } from "../gate/gate.ts";
import { commitAnswer, settled } from "./commit-answer.ts";
import type { Commit } from "./commit-answer.ts";
import { decisionOn, settleFailure } from "./failed-exchange.ts";
import type { Exchange } from "./failed-exchange.ts";
import { lateAnswers } from "./late-answers.ts";

/**
 * The provider called the token that was sent invalid: evidence about that token, not yet about the grant. Where
 * somebody stored a newer one meanwhile, the newer one counts. Answers that came too late are tried next. Then the
 * provider is asked once more, where asking twice does no harm. Only then does the grant lapse.
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

/** Sends the refresh tokens of late answers. Returns the commit of the first that works; undefined where none does. */
async function tryLateAnswers({ context, protocol, grant }: Exchange): Promise<Commit | undefined> {
  for (const { lateAnswerId, refreshToken } of await lateAnswers(context, grant)) {
    const receivedAt = context.clock.now();
    const response = await protocol.refresh(refreshToken);
    if (response.kind !== "tokens") continue;
    const tokens = { ...response.tokens, refreshToken: response.tokens.refreshToken ?? refreshToken };
    const { outcome, stored } = commitAnswer(context, grant, { tokens, receivedAt });
    // Only once its successor is safe: until then it is the only copy.
    return { outcome, stored: stored.then(() => context.store.dropLateAnswer(lateAnswerId)) };
  }
  return undefined;
}

/** Sends the same token once more. Returns how that ended; undefined where the provider said the same again. */
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
