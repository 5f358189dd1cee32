import { backOffMs, decide, standardRefusals, waitAfterMs } from "../../../core/refresh.ts";
import type { Decision, TokenFailure } from "../../../core/refresh.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { KeeperContext } from "../context.ts";
import type { RefreshOutcome } from "../keeper.ts";
import type { Attempted } from "./begin-attempt.ts";

/** An attempt whose refresh token was sent. */
export interface Exchange extends Attempted {
  readonly context: KeeperContext;
  readonly protocol: Protocol;
  readonly refreshToken: Secret;
}

/** What to do where the provider sent no tokens. */
export function decisionOn({ provider }: Protocol, failure: TokenFailure): Decision {
  return decide(failure, { ...standardRefusals, ...provider.refusals });
}

/** Ends an attempt after a failure that says nothing about the grant. The grant does not lapse. */
export async function settleFailure(
  exchange: Exchange,
  decision: Exclude<Decision, { do: "second-look" }>,
): Promise<RefreshOutcome> {
  return decision.do === "retry" ? retryLater(exchange, decision) : raiseAlarm(exchange, decision.error);
}

/** The provider refuses our client. One event tells of it, not one for each grant, and the grant stays as it is. */
async function raiseAlarm(
  { context, protocol, grant, attemptId, takenOver, permit }: Exchange,
  error: string,
): Promise<RefreshOutcome> {
  const { store, clock, random, emit } = context;
  const now = clock.now();
  if (permit.clientRefused(error)) {
    emit({ type: "client_refused", provider: protocol.provider.name, clientId: grant.clientId, error });
  }
  const failure = { error, at: now, retryAt: now + backOffMs(grant.failures + 1, random()) };
  const { rotation } = protocol.provider;
  // The owner before may have used up the token, and whoever comes next must know.
  await (takenOver && rotation !== "none"
    ? store.endAttemptUnknown(attemptId, { ...failure, suspect: rotation === "strict" })
    : store.endAttempt(attemptId, failure));
  return { kind: "misconfigured", error };
}

/** The provider failed: the grant is refreshed later. */
async function retryLater(
  { context, protocol, grant, attemptId, takenOver, permit }: Exchange,
  { error, afterMs, ambiguous, limited }: Decision & { do: "retry" },
): Promise<RefreshOutcome> {
  const { store, clock, random, emit } = context;
  const now = clock.now();
  const waitMs = waitAfterMs(grant.failures + 1, random(), afterMs);
  const { rotation, name: provider } = protocol.provider;
  const blockedForMs = permit.failure({ retryAfterMs: afterMs, limited });
  // A token that does not rotate is still valid, whether the provider handled the request or not.
  const unknown = (ambiguous || takenOver) && rotation !== "none";
  emit({ type: "refresh_failed", grantId: grant.grantId, provider, error, ambiguous: unknown });
  const failure = { error, at: now, retryAt: now + waitMs };
  await (unknown
    ? store.endAttemptUnknown(attemptId, { ...failure, suspect: rotation === "strict" })
    : store.endAttempt(attemptId, failure));
  return { kind: "unavailable", error, retryAfterMs: Math.max(waitMs, blockedForMs, 1_000) };
}
