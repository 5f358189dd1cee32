/**
 * revoke/ ends grants: it tells the provider, and erases the tokens once the provider has confirmed. A grant that the
 * provider ends by itself does not belong here: refresh/ finds that out.
 */
import { defined } from "../../../core/defined.ts";
import { OnbehalfError } from "../../../core/errors.ts";
import type { GrantState } from "../../../core/grant-state.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { Secret } from "../../../core/secret.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import { protocolOf } from "../../context.ts";
import { openAccessToken } from "../../grants/sealed-grant.ts";
import type { KeeperContext } from "../context.ts";
import type { Priority } from "../keeper.ts";
import { openLateAnswer } from "../late-answers.ts";
import { isOfAnotherGrant, openRefreshToken } from "../sealed-tokens.ts";
import { sendRevocation } from "../send-revocation.ts";
import { suspectSiblings } from "../suspect-siblings.ts";

/**
 * Ends a grant. From the first moment on, no token of it is handed out. The provider is told, and the tokens are erased
 * once it has confirmed, or has refused in a way that no retry changes. Where it does neither, the grant stays
 * `revoking`, and upkeep tries again.
 *
 * @returns the grant as it is then
 * @throws {OnbehalfError} as `Keeper.revoke`
 * @see https://www.rfc-editor.org/rfc/rfc7009
 */
export async function revokeGrant(context: KeeperContext, row: GrantRow): Promise<GrantRow> {
  if (row.state === "revoked") return row;
  protocolOf(context, row);
  await context.store.beginRevocation(row.grantId, context.clock.now());
  return (await goOnRevoking(context, row.grantId, "interactive")) ?? row;
}

/**
 * Tells the provider of a revocation that was begun. Where the person has consented again meanwhile, the grant is left
 * alone: the person disconnected the old consent, not the new one. A new consent that came while the request was on its
 * way may have been ended by the provider all the same, so that grant becomes `suspect`.
 *
 * @returns the grant as it is then; undefined where there is none
 * @throws {OnbehalfError} as {@link revokeGrant}
 */
export async function goOnRevoking(
  context: KeeperContext,
  grantId: string,
  priority: Priority,
): Promise<GrantRow | undefined> {
  const { store, keyring, clock, emit } = context;
  const current = await store.grantById(grantId);
  if (current?.state !== "revoking") return current;
  const protocol = protocolOf(context, current);
  const { provider } = protocol;
  // At Google, each token of a grant ends the whole grant. Elsewhere the refresh token ends its access tokens as well
  // (RFC 7009 section 2.1).
  const token = openRefreshToken(keyring, current) ?? openAccessToken(keyring, current);
  const told = token === undefined ? undefined : await tell(context, protocol, grantId, token, priority);
  const unconfirmed = (await endLateAnswers(context, grantId, priority)) ?? told;
  // Suspect the siblings before the end is stored, so that no crash in between can leave them out. Do it again
  // afterwards, for grants that were stored in between.
  const early = await suspectSiblings(context, provider, current);
  const reason = unconfirmed === undefined ? "revoked" : "revoked_unconfirmed";
  const ended = await store.endRevocation(grantId, current.generation, clock.now(), reason);
  const siblings = [...new Set([...early, ...(await suspectSiblings(context, provider, current))])];
  if (ended) emit({ type: "revoked", grantId, provider: provider.name, siblings, ...defined({ unconfirmed }) });
  return (await store.grantById(grantId)) ?? current;
}

/**
 * Revokes the late answers of a grant that is being revoked or has been. A refresh that was under way at the time may
 * have brought a new refresh token, and a provider that rotates does not end that one with the old one. Each late
 * answer is kept until the provider has confirmed its revocation, or has refused for good.
 *
 * @returns why the provider did not confirm one of them; undefined where it confirmed all
 * @throws {OnbehalfError} as {@link revokeGrant}
 */
export async function endLateAnswers(
  context: KeeperContext,
  grantId: string,
  priority: Priority,
): Promise<string | undefined> {
  const { store, keyring, emit } = context;
  let unconfirmed: string | undefined;
  for (const lateAnswer of await store.lateAnswersOf(grantId)) {
    // Read the grant before each one: the person may have connected it again, and revoking a late answer might then end
    // the new consent, too.
    const grant = await store.grantById(grantId);
    if (grant === undefined || !isEnding(grant.state)) return unconfirmed;
    const protocol = protocolOf(context, grant);
    const tokens = openLateAnswer(keyring, grant.clientId, lateAnswer)?.tokens;
    const token = tokens?.refreshToken ?? tokens?.accessToken;
    // It is damaged: nobody can use it any more, and nobody can revoke it.
    if (tokens === undefined || token === undefined) emit({ type: "unreadable", grantId, provider: grant.provider });
    // Otherwise an earlier version kept another person's answer, and to revoke it would end that person's grant.
    else if (!isOfAnotherGrant(context, grant, tokens))
      unconfirmed = (await tell(context, protocol, grantId, token, priority)) ?? unconfirmed;
    await store.dropLateAnswer(lateAnswer.lateAnswerId);
  }
  return unconfirmed;
}

function isEnding(state: GrantState): boolean {
  return state === "revoking" || state === "revoked";
}

/**
 * Tells the provider that a token is revoked.
 *
 * @returns why the provider did not confirm, and never will; undefined where it did
 * @throws {OnbehalfError} `provider_unavailable`: it may confirm later
 */
async function tell(
  context: KeeperContext,
  protocol: Protocol,
  grantId: string,
  token: Secret,
  priority: Priority,
): Promise<string | undefined> {
  const { emit } = context;
  const { name: provider, issuer } = protocol.provider;
  const response = await sendRevocation(context, protocol, token, priority);
  switch (response.kind) {
    case "done":
      return undefined;
    case "unsupported":
      return "unsupported";
    case "refused":
      return response.error;
    case "failed":
      break;
  }
  const { error, retryAfterMs = 5_000 } = response;
  emit({ type: "revocation_waits", grantId, provider, error });
  throw new OnbehalfError("provider_unavailable", `${provider} did not confirm the revocation (${error})`, {
    hint: "no token is handed out any more; the revocation is sent again until the provider confirms it",
    details: { issuer, retryAfterMs },
  });
}
