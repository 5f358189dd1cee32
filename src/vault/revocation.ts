import { OnbehalfError } from "../errors.ts";
import type { GrantRow } from "../store/store.ts";
import { protocolOf } from "./context.ts";
import type { CustodyContext } from "./context.ts";
import { openAccessToken, openRefreshToken } from "./sealed-grant.ts";

/**
 * Ends a grant: nothing is handed out from the first moment on, the provider is told, and only its confirmation
 * erases the tokens. Where it does not answer, the grant stays `revoking` and is tried again in the background.
 *
 * @returns the ended grant
 * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `client_misconfigured`
 * @see RFC 7009
 */
export async function revokeGrant(context: CustodyContext, row: GrantRow): Promise<GrantRow> {
  if (row.state === "revoked") return row;
  protocolOf(context, row);
  await context.store.beginRevocation(row.grantId, context.clock.now());
  return (await goOnRevoking(context, row.grantId)) ?? row;
}

/**
 * Tells the provider of a revocation that was begun. A grant that was consented to anew meanwhile is left alone: what
 * was disconnected is not what the person has just connected.
 *
 * @returns the grant as it then is; undefined where there is none
 * @throws {OnbehalfError} as {@link revokeGrant}
 */
export async function goOnRevoking(context: CustodyContext, grantId: string): Promise<GrantRow | undefined> {
  const { store, keyring, clock, emit } = context;
  const current = await store.grantById(grantId);
  if (current?.state !== "revoking") return current;
  const protocol = protocolOf(context, current);
  const { name: provider, issuer } = protocol.provider;
  // Google ends everything by any of the tokens; elsewhere the refresh token ends its access tokens, too (RFC 7009).
  const token = openRefreshToken(keyring, current) ?? openAccessToken(keyring, current);
  const reply = token === undefined ? { kind: "done" as const } : await protocol.revoke(token);
  if (reply.kind === "failed") {
    emit({ type: "revocation_waits", grantId, provider, error: reply.why });
    throw new OnbehalfError("provider_unavailable", `${provider} did not confirm the revocation (${reply.why})`, {
      hint: "nothing is handed out any more; the revocation goes on by itself until the provider confirms it",
      details: { issuer, retryAfterMs: reply.retryAfterMs ?? 5_000 },
    });
  }
  if (await store.endRevocation(grantId, current.generation, clock.now())) {
    emit({ type: "revoked", grantId, provider, siblings: await siblingsOf(context, current) });
  }
  return (await store.grantById(grantId)) ?? current;
}

/** Grants of the same person that the provider has ended with this one. */
async function siblingsOf(
  context: CustodyContext,
  { grantId, clientId, issuer, subjectHash }: GrantRow,
): Promise<string[]> {
  const { provider } = [...context.protocols.values()].find(({ client }) => client.clientId === clientId) ?? {};
  if (provider?.revocationEndsSiblings !== true) return [];
  return (await context.store.grantsBySubject(subjectHash))
    .filter((other) => other.grantId !== grantId && other.issuer === issuer)
    .filter((other) => provider.sameProject?.(clientId, other.clientId) ?? true)
    .map((other) => other.grantId);
}
