/**
 * revoke/ ends grants: it tells the provider, and erases the tokens once the provider has confirmed. A grant that the
 * provider ends by itself does not belong here: refresh/ finds that out.
 */
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
 * Ends a grant. From the first moment on, no token of it is handed out. The provider is told, and only its confirmation
 * erases the tokens. Where the provider does not confirm, the grant stays `revoking`, and upkeep tries again.
 *
 * @returns the grant as it is then
 * @throws {OnbehalfError} as `Keeper.revoke`
 * @see https://www.rfc-editor.org/rfc/rfc7009
 */
export async function revokeGrant(context: KeeperContext, row: GrantRow): Promise<GrantRow> {
  if (row.state === "revoked") return row;
  protocolOf(context, row);
  await context.store.beginRevocation(row.grantId, context.clock.now());
  return (await goOnRevoking(context, row.grantId)) ?? row;
}

/**
 * Tells the provider of a revocation that was begun. Where the person has consented again meanwhile, the grant is left
 * alone: the person disconnected the old consent, not the new one. A new consent that came while the request was on its
 * way may have been ended by the provider all the same, so that grant becomes `suspect`.
 *
 * @returns the grant as it is then; undefined where there is none
 * @throws {OnbehalfError} as {@link revokeGrant}
 */
export async function goOnRevoking(context: KeeperContext, grantId: string): Promise<GrantRow | undefined> {
  const { store, keyring, clock, emit } = context;
  const current = await store.grantById(grantId);
  if (current?.state !== "revoking") return current;
  const protocol = protocolOf(context, current);
  const { provider } = protocol;
  // At Google, each token of a grant ends the whole grant. Elsewhere the refresh token ends its access tokens as well
  // (RFC 7009 section 2.1).
  const token = openRefreshToken(keyring, current) ?? openAccessToken(keyring, current);
  if (token !== undefined) await tell(context, protocol, grantId, token);
  await endLateAnswers(context, grantId);
  // Suspect the siblings before the end is stored, so that no crash in between can leave them out. Do it again
  // afterwards, for grants that were stored in between.
  const early = await suspectSiblings(context, provider, current);
  const ended = await store.endRevocation(grantId, current.generation, clock.now());
  const siblings = [...new Set([...early, ...(await suspectSiblings(context, provider, current))])];
  if (ended) emit({ type: "revoked", grantId, provider: provider.name, siblings });
  return (await store.grantById(grantId)) ?? current;
}

/**
 * Revokes the late answers of a grant that is being revoked or has been. A refresh that was under way at the time may
 * have brought a new refresh token, and a provider that rotates does not end that one with the old one. Each late
 * answer is kept until the provider has confirmed its revocation.
 *
 * @throws {OnbehalfError} as {@link revokeGrant}
 */
export async function endLateAnswers(context: KeeperContext, grantId: string): Promise<void> {
  const { store, keyring, emit } = context;
  for (const lateAnswer of await store.lateAnswersOf(grantId)) {
    // Read the grant before each one: the person may have connected it again, and revoking a late answer might then end
    // the new consent, too.
    const grant = await store.grantById(grantId);
    if (grant === undefined || !isEnding(grant.state)) return;
    const protocol = protocolOf(context, grant);
    const tokens = openLateAnswer(keyring, grant.clientId, lateAnswer)?.tokens;
    // It is damaged: nobody can use it any more, and nobody can revoke it.
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
    hint: "no token is handed out any more; the revocation is sent again until the provider confirms it",
    details: { issuer, retryAfterMs },
  });
}
