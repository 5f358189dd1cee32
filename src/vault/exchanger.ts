import { randomUUID } from "node:crypto";
import type { LapseReason } from "../grant.ts";
import { leaseTimes, mayTakeOver } from "../lease.ts";
import type { Attempt, Liveness } from "../lease.ts";
import type { Protocol } from "../oauth/protocol.ts";
import type { TokenReply } from "../oauth/token-endpoint.ts";
import type { TokenSet } from "../oauth/token-set.ts";
import { afterAnswer, backOffMs, standardRefusals } from "../refresh.ts";
import type { AfterAnswer } from "../refresh.ts";
import type { Secret } from "../secret.ts";
import type { GrantRow } from "../store/store.ts";
import { commitAnswer } from "./commit.ts";
import { protocolOf } from "./context.ts";
import type { VaultContext } from "./context.ts";
import { livenessOf } from "./process-identity.ts";
import { orphanAnswers } from "./orphans.ts";
import { openRefreshToken } from "./sealed-grant.ts";

/** How a refresh ended. The token itself is read from the store, which is the truth. */
export type RefreshOutcome =
  /** A newer generation is stored: by us, or by whoever was first. */
  | { readonly kind: "newer" }
  /** The answer is held in memory until the store takes it; it may be handed out meanwhile. */
  | { readonly kind: "held-in-memory"; readonly accessToken: Secret; readonly expiresAt: number }
  /** The grant is no longer usable; its row says why. */
  | { readonly kind: "ended" }
  | { readonly kind: "unavailable"; readonly error: string; readonly retryAfterMs: number }
  | { readonly kind: "misconfigured"; readonly error: string };

/**
 * The one narrow door to refresh tokens: spends them and commits what comes back. Runs in process for the embedded
 * library; nothing outside of it opens a refresh token.
 */
export interface Exchanger {
  /**
   * Refreshes a generation of a grant, once, whoever asks and from wherever. Goes on when nobody waits any more.
   *
   * @throws {OnbehalfError} `store_unavailable`: no intent could be written, so nothing was spent
   * @throws {OnbehalfError} `grant_unreadable`, `client_misconfigured`
   */
  refresh(grantId: string, generation: number): Promise<RefreshOutcome>;
}

/** How often a holder that lives is looked at, milliseconds. */
const pollMs = 40;
/** A back-off this short is waited out rather than passed on to the caller, milliseconds. */
const patienceMs = 1_500;

export function exchanger(context: VaultContext): Exchanger {
  return {
    async refresh(grantId, generation) {
      const waitMs = await waitOutBackOff(context, grantId);
      if (waitMs !== undefined) return { kind: "unavailable", error: "backing_off", retryAfterMs: waitMs };
      const attemptId = randomUUID();
      // Listed while anything of it runs. An attempt in our name that is not listed was given up: it may be taken over.
      context.running.add(attemptId);
      const release = (): boolean => context.running.delete(attemptId);
      try {
        const lease = await acquire(context, attemptId, grantId, generation);
        const { outcome, stored } = lease.kind === "begun" ? await spend(context, attemptId, lease) : settled(lease);
        stored.then(release, release);
        return await outcome;
      } catch (error) {
        release();
        throw error;
      }
    },
  };
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
  context: VaultContext,
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
    : commitAnswer(context, protocol, grant, { tokens: reply.tokens, receivedAt });
}

interface Exchange {
  readonly context: VaultContext;
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

/** Our own configuration is refused: said aloud, once per attempt, and the grant stays as it is. */
async function raiseAlarm({ context, protocol, grant, attemptId }: Exchange, error: string): Promise<RefreshOutcome> {
  const now = context.clock.now();
  const { name: provider } = protocol.provider;
  context.emit({ type: "client_refused", provider, clientId: grant.clientId, error });
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

  const current = await store.grantById(grantId);
  if (current === undefined) return settled({ kind: "ended" });
  if (current.generation !== generation) return settled({ kind: "newer" });

  for (const orphan of await orphanAnswers(context, grant)) {
    const receivedAt = clock.now();
    const reply = await protocol.refresh(orphan.refreshToken);
    if (reply.tokens === undefined) continue;
    const tokens: TokenSet = { ...reply.tokens, refreshToken: reply.tokens.refreshToken ?? orphan.refreshToken };
    const { outcome, stored } = commitAnswer(context, protocol, grant, { tokens, receivedAt });
    // Only once its successor is safe: until then it is the only copy.
    return { outcome, stored: stored.then(() => store.dropOrphan(orphan.orphanId)) };
  }

  const { rotation, name: provider } = protocol.provider;
  if (rotation === "none") {
    const receivedAt = clock.now();
    const again = await protocol.refresh(exchange.refreshToken);
    if (again.tokens !== undefined) return commitAnswer(context, protocol, grant, { tokens: again.tokens, receivedAt });
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

/** Milliseconds still to wait, where that is more than a caller should be held for; waits out a short one itself. */
async function waitOutBackOff({ store, clock }: VaultContext, grantId: string): Promise<number | undefined> {
  const leftMs = ((await store.grantById(grantId))?.retryAt ?? 0) - clock.now();
  if (leftMs > patienceMs) return leftMs;
  if (leftMs > 0) await sleep(leftMs);
  return undefined;
}

type Lease =
  | { readonly kind: "begun"; readonly grant: GrantRow; readonly takenOver: boolean }
  | Extract<RefreshOutcome, { kind: "newer" | "ended" | "unavailable" }>;

/** Writes the intent, or waits for whoever holds it; takes over from the dead. */
async function acquire(context: VaultContext, attemptId: string, grantId: string, generation: number): Promise<Lease> {
  const { store, owner } = context;
  let replaces: string | undefined;
  for (let waitedMs = 0; waitedMs < 2 * leaseTimes.exchangeMs; waitedMs += pollMs) {
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
        if (mayTakeOver(begun.attempt, holderOf(context, begun.attempt), rotation, begun.now)) {
          replaces = begun.attempt.attemptId;
          continue;
        }
        await sleep(pollMs);
      }
    }
  }
  return { kind: "unavailable", error: "refresh_under_way_elsewhere", retryAfterMs: 1_000 };
}

export function holderOf({ running, owner }: VaultContext, attempt: Attempt): Liveness {
  const liveness = livenessOf(attempt.owner, owner);
  return liveness === "mine" && !running.has(attempt.attemptId) ? "dead" : liveness;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
