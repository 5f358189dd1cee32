import { defined } from "../../../core/defined.ts";
import { isOnbehalfError } from "../../../core/errors.ts";
import type { OnbehalfError } from "../../../core/errors.ts";
import type { Profile } from "../../../core/grant.ts";
import { decide, refusalsOf } from "../../../core/refresh.ts";
import type { TokenFailure } from "../../../core/refresh.ts";
import type { Secret } from "../../../core/secret.ts";
import type { SignInToIdentify } from "../../../oauth/identity.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { withAnyRefreshToken } from "../../../oauth/token-set.ts";
import type { ReceivedTokens, TokenSet } from "../../../oauth/token-set.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { codeRejected } from "../../errors/code-rejected.ts";
import { providerUnavailable } from "../../errors/provider-unavailable.ts";
import type { KeeperContext } from "../context.ts";
import { gateOf } from "../gate/gate.ts";
import type { Permit } from "../gate/permit.ts";
import { journalAnswer, workIdOf } from "./intake.ts";
import type { KnownIntake } from "./intake.ts";

/** Gets another access token for an answer that waits in the journal. */
export type Renew = () => Promise<ReceivedTokens>;

/** An answer, and who has consented. */
export interface Identified extends ReceivedTokens {
  readonly profile: Profile;
}

/**
 * Works on an intake, which is listed as under way meanwhile. The work goes on where its caller does not wait for it any
 * more: the answer was renewed, and the store does not take it.
 */
export function workOn<T>(
  { running, onFault }: KeeperContext,
  { codeHash }: Pick<IntakeRow, "codeHash">,
  work: (onOverdue: (error: OnbehalfError) => void) => Promise<T>,
): Promise<T> {
  const workId = workIdOf(codeHash);
  const overdue = Promise.withResolvers<never>();
  running.add(workId);
  const done = work(overdue.reject).finally(() => running.delete(workId));
  overdue.promise.catch(() =>
    done.catch((error: unknown) => {
      if (!isOnbehalfError(error)) onFault(error, "a sign-in");
    }),
  );
  return Promise.race([done, overdue.promise]);
}

/**
 * Finds out whose tokens an answer holds, where no ID token says it. The access token may have ended while nobody could
 * say it: then another one is got, and asked with.
 *
 * @returns the answer, or the one that took its place, with who has consented
 * @throws {OnbehalfError} as `Protocol.identify`, and `provider_unavailable` where there is no other access token just now
 */
export async function identify(
  protocol: Protocol,
  received: ReceivedTokens,
  { externalId, account }: Partial<Pick<SignInToIdentify, "externalId" | "account">>,
  renew: Renew | undefined,
): Promise<Identified> {
  const profile = await protocol.identify({ ...received, externalId, account });
  if (profile !== undefined) return { ...received, profile };
  if (renew === undefined) throw waits(protocol, "access_token_ended");
  const renewed = await renew();
  const known = await protocol.identify({ ...renewed, externalId, account });
  if (known === undefined) throw waits(protocol, "tokens_end_at_once");
  return { ...renewed, profile: known };
}

/**
 * Sends the refresh token of an answer that waits in the journal, and puts what comes in that answer's place before
 * anything else is done: it may be the only copy of the next refresh token. One process alone does so.
 *
 * @param intake as it was read
 * @param received the answer that waits. It holds a refresh token
 * @param onOverdue told where the store does not take the new answer in time; the work then goes on
 * @throws {OnbehalfError} `code_rejected`: the provider refuses the refresh token
 * @throws {OnbehalfError} `provider_unavailable`: the provider gives no tokens just now, or another process is at work
 * @throws {OnbehalfError} `store_unavailable`: nothing was sent
 */
export async function renewAnswer(
  context: KeeperContext,
  { startedAt, ...intake }: KnownIntake & { readonly startedAt: number },
  received: ReceivedTokens,
  onOverdue: (error: OnbehalfError) => void,
): Promise<ReceivedTokens> {
  const { store, owner, clock } = context;
  const { protocol, codeHash } = intake;
  const { refreshToken } = withAnyRefreshToken(received.tokens);
  if (refreshToken === undefined) throw waits(protocol, "no_refresh_token");
  const admitted = await gateOf(context, protocol.provider.name).admit("intake");
  if (admitted.kind === "rejected") throw waits(protocol, admitted.error, admitted.waitMs);
  const { permit } = admitted;
  try {
    // A refresh token that rotates must not be sent by two: the second one would be refused, and end the sign-in.
    const isOurs = await store.takeIntake(codeHash, owner, clock.now(), { startedAt });
    if (!isOurs) throw waits(protocol, "code_exchange_under_way_elsewhere", 1_000);
    const sentAt = clock.now();
    const response = await protocol.refresh(refreshToken);
    if (response.kind !== "tokens") throw afterFailure(context, protocol, response, permit);
    permit.success();
    const renewed = renewedAnswer(received, refreshToken, response.tokens, sentAt);
    const journal = journalAnswer(context, intake, renewed);
    void journal.soon.then((soon) => {
      if (soon.kind === "overdue") onOverdue(soon.error);
    });
    await journal.stored;
    return renewed;
  } finally {
    permit.release();
  }
}

/**
 * The answer to a refresh, with what the answer before it said and this one does not repeat.
 *
 * @param sent the refresh token that was sent; it stays, where no other came
 * @param sentAt milliseconds since the epoch
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
function renewedAnswer(before: ReceivedTokens, sent: Secret, tokens: TokenSet, sentAt: number): ReceivedTokens {
  const { otherRefreshTokens: held = [], scope, scopeUnread, subject, ...old } = before.tokens;
  const refreshToken = tokens.refreshToken ?? sent;
  const others = [...held, ...(tokens.otherRefreshTokens ?? [])];
  const kept = others.filter((each) => each.expose() !== refreshToken.expose() && each.expose() !== sent.expose());
  const elapsedSeconds = Math.max(0, Math.floor((sentAt - before.receivedAt) / 1_000));
  // 0: it has no end. What is over by now keeps its last second.
  const left = (life: number | undefined): number | undefined =>
    life === undefined || life === 0 ? life : Math.max(1, life - elapsedSeconds);
  return {
    receivedAt: sentAt,
    tokens: defined({
      ...tokens,
      refreshToken,
      otherRefreshTokens: kept.length === 0 ? undefined : kept,
      refreshTokenExpiresInSeconds: tokens.refreshTokenExpiresInSeconds ?? left(old.refreshTokenExpiresInSeconds),
      consentExpiresInSeconds: tokens.consentExpiresInSeconds ?? left(old.consentExpiresInSeconds),
      ...(tokens.scope === undefined ? { scope, scopeUnread } : {}),
      subject: tokens.subject ?? subject,
    }),
  };
}

/** What a refusal means for a sign-in that waits: only a word about the token or the person ends it. */
function afterFailure(
  { emit }: KeeperContext,
  protocol: Protocol,
  failure: TokenFailure,
  permit: Permit,
): OnbehalfError {
  const { provider, client } = protocol;
  const decision = decide(failure, refusalsOf(provider));
  const { error } = decision;
  switch (decision.do) {
    case "second-look":
      permit.success();
      return codeRejected(error);
    case "alert-operator":
    case "back-off": {
      const isAlarm = decision.do === "alert-operator" || decision.isOurs;
      if (!isAlarm) permit.success();
      else if (decision.do === "alert-operator" ? permit.clientRefused(error) : permit.requestRefused(error)) {
        emit({ type: "client_refused", provider: provider.name, clientId: client.clientId, error });
      }
      return waits(protocol, error, 30_000);
    }
    case "retry": {
      const { afterMs, limited, blocked, isUp } = decision;
      if (isUp === true) permit.success();
      const blockedForMs =
        isUp === true ? 0 : permit.failure({ retryAfterMs: afterMs, limited, blocked: blocked && "a code" });
      return waits(protocol, error, Math.max(afterMs ?? 0, blockedForMs, 1_000));
    }
  }
}

function waits({ provider }: Protocol, error: string, retryAfterMs = 5_000): OnbehalfError<"provider_unavailable"> {
  const { name, issuer } = provider;
  return providerUnavailable(
    `${name} does not say who has consented just now`,
    error,
    "nothing was lost: the sign-in is finished by itself",
    { issuer, retryAfterMs },
  );
}
