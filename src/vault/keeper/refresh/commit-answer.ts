import type { GrantState } from "../../../core/grant-state.ts";
import { answerOfAnotherGrant, waitAfterMs } from "../../../core/refresh.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { TokenResponse } from "../../../oauth/token-endpoint.ts";
import { noAccessToken, scopeAfter } from "../../../oauth/token-set.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow, TokenColumns } from "../../../store/grant-row.ts";
import type { KeeperContext } from "../context.ts";
import type { RefreshOutcome } from "../keeper.ts";
import {
  accessExpiresAt,
  endsOf,
  isOfAnotherGrant,
  livingAccess,
  openRefreshToken,
  sealTokens,
} from "../sealed-tokens.ts";
import { changeOf, tellScopeChange } from "../scope-change.ts";
import { keepLateAnswer, keepOtherRefreshTokens } from "../late-answers.ts";
import { rescueUnlessStored, storeDurably } from "../store-durably.ts";
import { sealForRescue } from "./rescue-journal.ts";

/**
 * How long callers wait for a store that fails after the answer has come, milliseconds. They then get the access token,
 * although it is not stored yet.
 */
export const callerWaitsMs = 1_000;

/** What came back for a refresh token that was sent. */
export interface Answered {
  readonly response: TokenResponse;
  /** When the request was sent, milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * Sends a refresh token of a grant. Every refresh is sent here, so that one rule holds: an answer whose ID token names
 * another grant is none. Nothing of it may be handed out, committed or kept.
 *
 * @throws {OnbehalfError} as `Protocol.refresh`
 */
export async function sendRefreshToken(
  context: KeeperContext,
  protocol: Protocol,
  grant: GrantRow,
  refreshToken: Secret,
): Promise<Answered> {
  const receivedAt = context.clock.now();
  const response = await protocol.refresh(refreshToken);
  if (response.kind !== "tokens" || !isOfAnotherGrant(context, grant, response.tokens)) return { response, receivedAt };
  return { response: { kind: "unusable", status: 200, error: answerOfAnotherGrant }, receivedAt };
}

/** An answer that is being committed. */
export interface Commit {
  /** What callers get. */
  readonly outcome: Promise<RefreshOutcome> | RefreshOutcome;
  /** Resolves when the answer is stored, which may be long after callers got the outcome. */
  readonly stored: Promise<unknown>;
}

/** An outcome after which there is nothing to store. */
export function settled(outcome: RefreshOutcome): Commit {
  return { outcome, stored: Promise.resolve() };
}

/**
 * Commits an answer onto the generation whose refresh token was sent. Where the store fails, this is tried again until
 * it works, and the answer is kept in the rescue journal meanwhile: this process may hold the only copy of the new
 * refresh token.
 *
 * @param sent the grant's own refresh token, where it was that one which was sent
 */
export function commitAnswer(context: KeeperContext, grant: GrantRow, received: ReceivedTokens, sent?: Secret): Commit {
  const { grantId, provider } = grant;
  const columns = tokenColumns(context, grant, received, sent);
  const rescue = rescueUnlessStored(context, () => sealForRescue(context.keyring, grant, received));
  const { stored, soon } = storeDurably(
    context,
    async () => {
      const end = await commitOnce(context, grant, received, columns);
      await rescue.stored();
      return end;
    },
    {
      during: "a commit",
      callerWaitsMs,
      async onFailure(_error, failures) {
        // Whatever the failure is, the answer must not be lost when this process ends.
        await rescue.now();
        if (failures === 1) context.emit({ type: "answer_kept", grantId, provider, as: "memory" });
      },
    },
  );
  const outcome = soon.then((end): RefreshOutcome => {
    if (end.kind === "overdue") return outcomeOf(grant, received, false);
    return end.value === "active" ? outcomeOf(grant, received, true) : { kind: "newer" };
  });
  return { outcome, stored };
}

function outcomeOf(grant: GrantRow, { tokens, receivedAt }: ReceivedTokens, isStored: boolean): RefreshOutcome {
  const { accessToken } = tokens;
  // The refresh token is stored all the same. The next refresh sends it, after the back-off that is stored with it.
  if (accessToken === undefined) return { kind: "unavailable", error: noAccessToken, retryAfterMs: 1_000 };
  return {
    kind: "refreshed",
    accessToken,
    issuedAt: receivedAt,
    expiresAt: accessExpiresAt(tokens, receivedAt, true),
    scope: scopeAfter(tokens, grant.scope),
    isStored,
  };
}

/**
 * The token columns of the generation that an answer makes.
 *
 * @param grant as it stood at the generation whose token was sent
 * @param own its refresh token, where that is open already
 * @throws {OnbehalfError} `grant_unreadable`: the answer brings no refresh token, and the stored one does not open
 */
export function tokenColumns(
  context: KeeperContext,
  grant: GrantRow,
  received: ReceivedTokens,
  own?: Secret,
): TokenColumns {
  const { keyring } = context;
  const { tokens, receivedAt } = received;
  const kept = {
    // The stored refresh token is opened only where it is kept. Where the answer replaces it, it may be damaged.
    ...(tokens.refreshToken === undefined ? { refreshToken: own ?? openRefreshToken(keyring, grant) } : {}),
    ends: endsOf(grant),
    ...(tokens.accessToken === undefined ? { access: livingAccess(keyring, grant, receivedAt) } : {}),
  };
  // RFC 6749 section 6: an answer without a scope changes none, whether or not the refresh token is a new one.
  const scope = scopeAfter(tokens, grant.scope);
  const lostScope = scope === grant.scope ? grant.lostScope : changeOf(context, grant, scope).missing.join(" ");
  return sealTokens(context, grant, grant.generation + 1, received, { scope, lostScope }, kept);
}

/**
 * Tries once to store an answer: on the grant, or beside it as a late answer where the grant has another generation, or
 * has ended.
 *
 * @returns the state of the grant; undefined where the answer was kept beside it
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function commitOnce(
  context: KeeperContext,
  grant: GrantRow,
  received: ReceivedTokens,
  columns: TokenColumns,
): Promise<GrantState | undefined> {
  const { store, clock, random, emit, protocols } = context;
  const { grantId, provider, generation } = grant;
  const { tokens } = received;
  if (tokens.otherRefreshTokens !== undefined) await keepOtherRefreshTokens(context, grant, received);
  // A revocation that may end other grants makes them suspect. Where that happened after our request was sent, it may
  // have ended the tokens of this answer too, so the grant stays suspect.
  const endsSiblings = protocols.get(provider)?.provider.revocationEndsSiblings === true;
  const suspectSince = endsSiblings ? received.receivedAt : undefined;
  const at = clock.now();
  const failure =
    tokens.accessToken === undefined
      ? { error: noAccessToken, retryAt: at + waitAfterMs(grant.failures + 1, random()) }
      : undefined;
  const state =
    (await store.commitAttempt(grantId, generation, columns, at, suspectSince, failure)) ??
    (await stateOfOurs(context, grantId, columns));
  if (state === undefined) {
    await keepLateAnswer(context, grant, received);
    emit({ type: "answer_kept", grantId, provider, as: "orphan" });
    return undefined;
  }
  if (failure === undefined) emit({ type: "refreshed", grantId, provider, generation: generation + 1 });
  else emit({ type: "refresh_failed", grantId, provider, error: failure.error, ambiguous: false });
  if (grant.state === "lapsed") emit({ type: "recovered", grantId, provider });
  if (columns.scope !== grant.scope) tellScopeChange(context, grant, columns.scope);
  return state;
}

/**
 * The state of the grant where an earlier commit of the same answer was reported as failed but was carried out. Then
 * the row holds exactly the bytes that we sealed.
 */
async function stateOfOurs(
  { store }: KeeperContext,
  grantId: string,
  { accessSealed, refreshSealed }: TokenColumns,
): Promise<GrantState | undefined> {
  const row = await store.grantById(grantId);
  const isOurs =
    row !== undefined && isSame(row.accessSealed, accessSealed) && isSame(row.refreshSealed, refreshSealed);
  return isOurs ? row.state : undefined;
}

function isSame(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0;
}
