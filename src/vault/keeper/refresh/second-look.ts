import { defined } from "../../../core/defined.ts";
import type { LapseReason } from "../../../core/grant-state.ts";
import { waitAfterMs } from "../../../core/refresh.ts";
import type { Decision } from "../../../core/refresh.ts";
import { afterRefusal, lookAgainMs } from "../../../core/second-look.ts";
import { gateOf } from "../gate/gate.ts";
import type { RefreshOutcome } from "../keeper.ts";
import { commitAnswer, sendRefreshToken, settled } from "./commit-answer.ts";
import type { Commit } from "./commit-answer.ts";
import { endAttempt, isOutcomeUnknown } from "./end-attempt.ts";
import { decisionOn, settleFailure } from "./failed-exchange.ts";
import type { Exchange } from "./failed-exchange.ts";
import { lateAnswers } from "../late-answers.ts";
import { whyLapsed } from "../../grants/diagnosed.ts";
import { isOfAnotherGrant } from "../sealed-tokens.ts";

/**
 * Decides what becomes of a grant after the provider has called the sent token invalid. That says something about this
 * token, but not yet about the grant, so:
 *
 * 1. Where another process has stored a newer token meanwhile, that one counts.
 * 2. The refresh tokens of late answers are tried.
 * 3. Where the provider does not rotate, so that asking twice does no harm, the same token is sent once more: a minute
 *    later where nobody has to wait for it, otherwise after a moment.
 * 4. Only then does the grant lapse. At such a provider it is looked at once more some hours later.
 *
 * @param needsToken whether a caller waits and has no token that works
 */
export async function secondLook(
  exchange: Exchange,
  { reason, error, says = "" }: { readonly reason: LapseReason; readonly error: string; readonly says?: string },
  needsToken: boolean,
): Promise<Commit> {
  const { context, protocol, grant, takenOver, permit } = exchange;
  const { store, clock, sleep, emit } = context;
  const { grantId, generation } = grant;
  permit.success();

  const moved = await whereMoved(exchange);
  if (moved !== undefined) return moved;
  const late = await tryLateAnswers(exchange);
  if (late !== undefined) return late;

  const { rotation, name: provider } = protocol.provider;
  let next = afterRefusal(grant, rotation === "none", needsToken, clock.now());
  if (next.do === "look-now") {
    await sleep(next.waitMs);
    const since = (await whereMoved(exchange)) ?? (await askAgain(exchange, { error, says }));
    if (since !== undefined) return since;
    next = { do: "lapse", lookAt: clock.now() + lookAgainMs.afterLapse };
  }
  const at = clock.now();
  switch (next.do) {
    case "look-later": {
      const { lookAt } = next;
      emit({ type: "refresh_failed", grantId, provider, error, ambiguous: false });
      await endAttempt(context, exchange, { error, says, at, retryAt: lookAt, lookAt });
      return settled({ kind: "unavailable", error, retryAfterMs: lookAt - at });
    }
    case "stay-lapsed":
      await endAttempt(context, exchange, { error, says, at, retryAt: null, lookAt: null });
      return settled({ kind: "ended" });
    case "lapse":
      break;
  }
  const isAmbiguous = takenOver && rotation !== "none";
  // Whatever made the provider refuse it may have happened after the backup was made.
  const isOld = reason === "invalid_grant" && context.epoch?.isFromBackup(grant.accessIssuedAt) === true;
  const why = isOld ? "restored_from_backup" : isAmbiguous ? "crash_ambiguous_rotation" : reason;
  const found = await whyLapsed(context, grant, { reason: why, error, says, at });
  if (await store.lapse(grantId, generation, why, error, at, next.lookAt, says, found)) {
    const { dependsOn, fix } = found;
    emit({ type: "lapsed", grantId, provider, reason: found.reason, dependsOn, fix });
    return settled({ kind: "ended" });
  }
  await store.endAttempt(exchange.attemptId, { error, says, at, retryAt: null });
  return settled({ kind: "newer" });
}

/** How a refresh ends whose grant is gone or at another generation by now; undefined where it is as it was. */
async function whereMoved({ context, grant }: Exchange): Promise<Commit | undefined> {
  const current = await context.store.grantById(grant.grantId);
  if (current === undefined) return settled({ kind: "ended" });
  return current.generation === grant.generation ? undefined : settled({ kind: "newer" });
}

/**
 * Sends the refresh tokens of late answers. Returns the commit of the first one that works; undefined where the provider
 * refuses them all. One that it did not judge may be the only token that works, so the grant waits for its answer.
 */
async function tryLateAnswers(exchange: Exchange): Promise<Commit | undefined> {
  const { context, protocol, grant } = exchange;
  const unjudged: (Decision & { do: "retry" })[] = [];
  for (const { lateAnswerId, tokens: late } of await lateAnswers(context, grant)) {
    // One that an earlier version kept: nobody compared its ID token then.
    if (isOfAnotherGrant(context, grant, late)) continue;
    const { refreshToken, scope } = late;
    const { response, receivedAt } = await sendRefreshToken(context, protocol, grant, refreshToken);
    if (response.kind !== "tokens") {
      const decision = decisionOn(protocol, response);
      if (decision.do === "retry") unjudged.push(decision);
      continue;
    }
    const answer = response.tokens;
    // Where neither answer says what it covers, it is the grant's own token of another time.
    const said = answer.scope === undefined && answer.scopeUnread !== true ? defined({ scope }) : {};
    const tokens = { ...answer, ...said, refreshToken: answer.refreshToken ?? refreshToken };
    const commit = commitAnswer(context, grant, { tokens, receivedAt });
    // Drop the late answer only once the new tokens are stored: until then it holds the only copy.
    const stored = commit.stored.then(() => context.store.dropLateAnswer(lateAnswerId));
    // Whoever is told that its tokens are stored finds it gone. A sign-in sees by that whether its consent was used.
    const outcome = Promise.resolve(commit.outcome).then(async (end) => {
      if (end.kind === "refreshed" && end.isStored) await stored.catch(() => undefined);
      return end;
    });
    return { outcome, stored };
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

/**
 * Sends the same token once more, where the gate lets it through.
 *
 * @param refused what the provider refused the token with
 * @returns how that ended; undefined where the provider refused the token again
 */
async function askAgain(
  first: Exchange,
  refused: { readonly error: string; readonly says: string },
): Promise<Commit | undefined> {
  const { context, protocol, grant, attemptId, refreshToken } = first;
  const answer = await gateOf(context, protocol.provider.name).admit("interactive");
  if (answer.kind === "rejected") {
    const { waitMs } = answer;
    const at = context.clock.now();
    await context.store.endAttempt(attemptId, { ...refused, at, retryAt: at + waitMs });
    return settled({ kind: "unavailable", error: refused.error, retryAfterMs: waitMs });
  }
  const { permit } = answer;
  const exchange = { ...first, permit };
  try {
    const { response, receivedAt } = await sendRefreshToken(context, protocol, grant, refreshToken);
    if (response.kind === "tokens") {
      permit.success();
      return commitAnswer(context, grant, { tokens: response.tokens, receivedAt }, refreshToken);
    }
    const decision = decisionOn(protocol, response);
    if (decision.do !== "second-look") return settled(await settleFailure(exchange, decision));
    permit.success();
    return undefined;
  } finally {
    permit.release();
  }
}
