import { OnbehalfError } from "../../../core/errors.ts";
import type { GrantState } from "../../../core/grant.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { Secret } from "../../../core/secret.ts";
import type { GrantRow } from "../../../store/store.ts";
import { protocolOf } from "../../context.ts";
import { openAccessToken } from "../../grants/sealed-grant.ts";
import type { KeeperContext } from "../context.ts";
import { openLateAnswer } from "../refresh/late-answers.ts";
import { openRefreshToken } from "../sealed-tokens.ts";
import { suspectSiblings } from "../suspect-siblings.ts";

/**
 * Ends a grant: nothing is handed out from the first moment on, the provider is told, and only its confirmation
 * erases the tokens. Where it does not answer, the grant stays `revoking` and is tried again in the background.
 *
 * @returns the ended grant
 * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `client_misconfigured`
 * @see RFC 7009
 */
export async function revokeGrant(context: KeeperContext, row: GrantRow): Promise<GrantRow> {
  if (row.state === "revoked") return row;
  protocolOf(context, row);
  await context.store.beginRevocation(row.grantId, context.clock.now());
  return (await goOnRevoking(context, row.grantId)) ?? row;
}

/**
 * Tells the provider of a revocation that was begun. A grant that was consented to anew meanwhile is left alone: what
 * was disconnected is not what the person has just connected. Where the provider may have ended the new consent all the
 * same, because it came while the request was on its way, the grant is suspected.
 *
 * @returns the grant as it then is; undefined where there is none
 * @throws {OnbehalfError} as {@link revokeGrant}
 */
export async function goOnRevoking(context: KeeperContext, grantId: string): Promise<GrantRow | undefined> {
  const { store, keyring, clock, emit } = context;
  const current = await store.grantById(grantId);
  if (current?.state !== "revoking") return current;
  const protocol = protocolOf(context, current);
  const { provider } = protocol;
  // Google ends everything by any of the tokens; elsewhere the refresh token ends its access tokens, too (RFC 7009).
  const token = openRefreshToken(keyring, current) ?? openAccessToken(keyring, current);
  if (token !== undefined) await tell(context, protocol, grantId, token);
  await endLateAnswers(context, grantId);
  // Before the end is stored, so that a crash cannot forget it; and after, for what was committed in between.
  const early = await suspectSiblings(context, provider, current);
  const ended = await store.endRevocation(grantId, current.generation, clock.now());
  const siblings = [...new Set([...early, ...(await suspectSiblings(context, provider, current))])];
  if (ended) emit({ type: "revoked", grantId, provider: provider.name, siblings });
  return (await store.grantById(grantId)) ?? current;
}

/**
 * Revokes what came too late to be committed to a grant that is being ended, or has been: a refresh that was under way
 * may have brought a new refresh token, of which a provider that rotates has not been told. Each is kept until it has.
 *
 * @throws {OnbehalfError} as {@link revokeGrant}
 */
export async function endLateAnswers(context: KeeperContext, grantId: string): Promise<void> {
  const { store, keyring, emit } = context;
  for (const lateAnswer of await store.lateAnswersOf(grantId)) {
    // Looked at each time: to end it for a grant that the person has connected again might end that one, too.
    const grant = await store.grantById(grantId);
    if (grant === undefined || !isEnding(grant.state)) return;
    const protocol = protocolOf(context, grant);
    const tokens = openLateAnswer(keyring, grant.clientId, lateAnswer)?.tokens;
    // Damaged: nobody can ever use it, nor end it.
    if (tokens === undefined) emit({ type: "unreadable", grantId, provider: grant.provider });
    else await tell(context, protocol, grantId, tokens.refreshToken ?? tokens.accessToken);
    await store.dropLateAnswer(lateAnswer.lateAnswerId);
  }
}

function isEnding(state: GrantState): boolean {
  return state === "revoking" || state === "revoked";
}

async function tell({ emit }: KeeperContext, protocol: Protocol, grantId: string, token: Secret): Promise<void> {
  const { name: provider, issuer } = protocol.provider;
  const response = await protocol.revoke(token);
  if (response.kind !== "failed") return;
  const { error, retryAfterMs = 5_000 } = response;
  emit({ type: "revocation_waits", grantId, provider, error });
  throw new OnbehalfError("provider_unavailable", `${provider} did not confirm the revocation (${error})`, {
    hint: "no token is handed out any more; the revocation is tried again until the provider confirms it",
    details: { issuer, retryAfterMs },
  });
}
