/**
 * refresh/ makes the next generation of a grant out of the last, and drops no answer. How a code becomes a grant does
 * not belong here, nor do the decisions, which this folder only carries out: what a failure means (core/refresh.ts),
 * who may take over from whom (core/take-over.ts), and whether the provider is called now (core/breaker.ts).
 */
import { randomUUID } from "node:crypto";
import { isOnbehalfError } from "../../../core/errors.ts";
import { waitBeforeMs } from "../../../core/second-look.ts";
import type { OpenSpan } from "../../../core/spans/spans.ts";
import { protocolOf } from "../../context.ts";
import type { KeeperContext } from "../context.ts";
import type { Priority, RefreshOutcome, SeenGrant } from "../keeper.ts";
import { openRefreshToken } from "../sealed-tokens.ts";
import { backOff, beginAttempt, shortBackOffMs } from "./begin-attempt.ts";
import type { Attempted } from "./begin-attempt.ts";
import { commitAnswer, sendRefreshToken, settled } from "./commit-answer.ts";
import type { Answered, Commit } from "./commit-answer.ts";
import { endAttempt } from "./end-attempt.ts";
import { decisionOn, settleFailure } from "./failed-exchange.ts";
import type { Exchange } from "./failed-exchange.ts";
import { secondLook } from "./second-look.ts";

/**
 * Refreshes one generation of a grant. First the attempt is written, then the provider is called, then the answer is
 * committed onto that generation and no other.
 *
 * @param seen the grant as the caller read it
 * @throws {OnbehalfError} as `Keeper.refresh`
 */
export async function refreshGrant(
  context: KeeperContext,
  seen: SeenGrant,
  priority: Priority,
): Promise<RefreshOutcome> {
  let end: RefreshOutcome["kind"] | "failed" = "failed";
  try {
    const outcome = await watched(context, seen, (span) => refreshOnce(context, seen, priority, span));
    end = outcome.kind;
    return outcome;
  } finally {
    const ends = context.refreshes?.get(seen.provider) ?? new Map<string, number>();
    context.refreshes?.set(seen.provider, ends.set(end, (ends.get(end) ?? 0) + 1));
  }
}

/** Makes a span of a refresh, where somebody watches. */
async function watched(
  { spans }: KeeperContext,
  { grantId, provider }: SeenGrant,
  refresh: (span?: OpenSpan) => Promise<RefreshOutcome>,
): Promise<RefreshOutcome> {
  if (spans === undefined) return refresh();
  const attributes = { "onbehalf.grant.id": grantId, "onbehalf.provider": provider, "onbehalf.shared": false };
  return spans.run({ name: "onbehalf.refresh", kind: "internal", attributes }, async (span) => {
    const outcome = await refresh(span);
    span.set({ "onbehalf.outcome": outcome.kind });
    if ("error" in outcome) span.fail(outcome.error);
    return outcome;
  });
}

async function refreshOnce(
  context: KeeperContext,
  seen: SeenGrant,
  priority: Priority,
  span?: OpenSpan,
): Promise<RefreshOutcome> {
  const { clock, sleep, running } = context;
  // Before anything is touched: another process may have that client.
  const { rotation } = protocolOf(context, seen).provider;
  const deferred = context.epoch?.isStandingStill === true ? context.epoch.deferred(rotation, priority) : undefined;
  if (deferred !== undefined) return deferred;
  const needsToken = priority === "interactive" && !holdsToken(seen, clock.now());
  // Only after a failure is there anything to wait for.
  const waitMs = typeof seen.retryAt === "number" ? waitBeforeMs(seen, needsToken, clock.now()) : 0;
  if (waitMs > shortBackOffMs) return backOff(context, seen);
  if (waitMs > 0) await sleep(waitMs);

  const attemptId = randomUUID();
  span?.set({ "onbehalf.attempt.id": attemptId });
  // The attempt is listed for as long as any work on it runs. An attempt of this vault that is not listed was given up,
  // and may be taken over.
  running.add(attemptId);
  const unlist = (): boolean => running.delete(attemptId);
  try {
    const attempted = await beginAttempt(context, attemptId, seen, priority);
    const commit = attempted.kind === "attempted" ? await exchange(context, attempted, needsToken) : settled(attempted);
    commit.stored.then(unlist, (error: unknown) => {
      unlist();
      if (!isOnbehalfError(error)) context.onFault(error, "a commit");
    });
    return await commit.outcome;
  } catch (error) {
    unlist();
    throw error;
  }
}

/**
 * Whether the grant holds an access token that works, as far as is known.
 *
 * @param now milliseconds since the epoch
 */
function holdsToken({ accessExpiresAt, isAccessRefused }: SeenGrant, now: number): boolean {
  return isAccessRefused !== true && (accessExpiresAt ?? 0) > now;
}

/**
 * Sends the token, and does what its answer requires.
 *
 * @param needsToken whether a caller waits and has no token that works
 */
async function exchange(context: KeeperContext, attempted: Attempted, needsToken: boolean): Promise<Commit> {
  const { grant, attemptId, permit } = attempted;
  try {
    const sent = await send(context, attempted);
    if (sent === undefined) {
      const at = context.clock.now();
      await context.store.endAttempt(attemptId, { error: "no_refresh_token", at, retryAt: null, lookAt: null });
      return settled({ kind: "ended" });
    }
    const { response, receivedAt } = sent;
    if (response.kind === "tokens") {
      permit.success();
      return commitAnswer(context, grant, { tokens: response.tokens, receivedAt }, sent.refreshToken);
    }
    const decision = decisionOn(sent.protocol, response);
    if (decision.do === "second-look") return await secondLook(sent, decision, needsToken);
    return settled(await settleFailure(sent, decision));
  } finally {
    // Release the permit however the exchange ended: other requests may wait for the end of this probe.
    permit.release();
  }
}

/**
 * Sends the grant's refresh token; undefined where the grant holds none. An OnbehalfError here comes before the request
 * is sent. The attempt must then be ended, or other processes would believe that this one crashed.
 */
async function send(context: KeeperContext, attempted: Attempted): Promise<(Exchange & Answered) | undefined> {
  const { grant } = attempted;
  const at = context.clock.now();
  try {
    const protocol = protocolOf(context, grant);
    const refreshToken = openRefreshToken(context.keyring, grant);
    if (refreshToken === undefined) return undefined;
    const answered = await sendRefreshToken(context, protocol, grant, refreshToken);
    return { ...attempted, context, protocol, refreshToken, ...answered };
  } catch (error) {
    if (isOnbehalfError(error)) {
      await endAttempt(context, attempted, { error: error.code, at, retryAt: null, lookAt: null });
    }
    throw error;
  }
}
