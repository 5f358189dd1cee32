import { backOffMs, decide, waitAfterMs, waitAfterRefusalMs, refusalsOf } from "../../../core/refresh.ts";
import type { Decision, TokenFailure } from "../../../core/refresh.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { KeeperContext } from "../context.ts";
import type { RefreshOutcome } from "../keeper.ts";
import type { Attempted } from "./begin-attempt.ts";
import { endAttempt, isOutcomeUnknown } from "./end-attempt.ts";

/** An attempt whose refresh token was sent. */
export interface Exchange extends Attempted {
  readonly context: KeeperContext;
  readonly protocol: Protocol;
  readonly refreshToken: Secret;
}

/** What to do where the provider sent no tokens. */
export function decisionOn({ provider }: Protocol, failure: TokenFailure): Decision {
  return decide(failure, refusalsOf(provider));
}

/** Ends an attempt after a failure that does not ask for the person. The grant does not lapse. */
export async function settleFailure(
  exchange: Exchange,
  decision: Exclude<Decision, { do: "second-look" }>,
): Promise<RefreshOutcome> {
  switch (decision.do) {
    case "retry":
      return retryLater(exchange, decision);
    case "back-off":
      return backOffAlone(exchange, decision);
    case "alert-operator":
      return raiseAlarm(exchange, decision);
  }
}

/** The provider refuses our client. One event tells of it, not one for each grant, and the grant stays as it is. */
async function raiseAlarm(
  exchange: Exchange,
  { error, says = "" }: Decision & { do: "alert-operator" },
): Promise<RefreshOutcome> {
  const { context, grant, permit } = exchange;
  const { clock, random, emit } = context;
  const now = clock.now();
  if (permit.clientRefused(error)) {
    emit({ type: "client_refused", provider: grant.provider, clientId: grant.clientId, error });
  }
  await endAttempt(context, exchange, { error, says, at: now, retryAt: now + backOffMs(grant.failures + 1, random()) });
  return { kind: "misconfigured", error };
}

/**
 * The provider works and refuses this grant, in a code that says nothing of the person. Nobody else is held back: five
 * such grants would otherwise look like an outage, and keep everybody from being served.
 */
async function backOffAlone(
  exchange: Exchange,
  { error, says = "", afterMs, isOurs }: Decision & { do: "back-off" },
): Promise<RefreshOutcome> {
  const { context, grant, permit } = exchange;
  const { grantId, provider, clientId } = grant;
  const { clock, random, emit } = context;
  const now = clock.now();
  const waitMs = waitAfterRefusalMs(grant.failures + 1, random(), afterMs);
  const failure = { error, says, at: now, retryAt: now + waitMs };
  if (isOurs) {
    if (permit.requestRefused(error)) emit({ type: "client_refused", provider, clientId, error });
    await endAttempt(context, exchange, failure);
    return { kind: "misconfigured", error };
  }
  permit.success();
  emit({ type: "refresh_failed", grantId, provider, error, ambiguous: isOutcomeUnknown(context, exchange) });
  if (grant.lastError !== error) emit({ type: "unknown_refusal", grantId, provider, error });
  await endAttempt(context, exchange, failure);
  return { kind: "unavailable", error, retryAfterMs: Math.max(waitMs, 1_000) };
}

/** The provider failed: the grant is refreshed later. */
async function retryLater(
  exchange: Exchange,
  { error, afterMs, ambiguous, limited, blocked, isUp }: Decision & { do: "retry" },
): Promise<RefreshOutcome> {
  const { context, grant, permit } = exchange;
  const { clock, random, emit } = context;
  const { grantId, provider } = grant;
  const now = clock.now();
  const waitMs = waitAfterMs(grant.failures + 1, random(), afterMs);
  const whose = blocked === true ? grantId : undefined;
  if (isUp === true) permit.success();
  const blockedForMs = isUp === true ? 0 : permit.failure({ retryAfterMs: afterMs, limited, blocked: whose });
  const unknown = isOutcomeUnknown(context, exchange, ambiguous);
  emit({ type: "refresh_failed", grantId, provider, error, ambiguous: unknown });
  await endAttempt(context, exchange, { error, at: now, retryAt: now + waitMs }, ambiguous);
  return { kind: "unavailable", error, retryAfterMs: Math.max(waitMs, blockedForMs, 1_000) };
}
