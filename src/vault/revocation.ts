import { OnbehalfError } from "../errors.ts";
import type { GrantRow } from "../store/store.ts";
import { protocolOf } from "./context.ts";
import type { VaultContext } from "./context.ts";
import { openAccessToken, openRefreshToken } from "./sealed-grant.ts";

/**
 * Ends a grant: nothing is handed out from the first moment on, the provider is told, and only its confirmation
 * erases the tokens. Where it does not answer, the grant stays `revoking` and is tried again in the background.
 *
 * @returns the ended grant
 * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `client_misconfigured`
 * @see RFC 7009
 */
export async function revokeGrant(context: VaultContext, row: GrantRow): Promise<GrantRow> {
  const { store, keyring, clock, emit } = context;
  const { grantId } = row;
  if (row.state === "revoked") return row;
  const protocol = protocolOf(context, row);
  const { name: provider, issuer } = protocol.provider;

  await store.beginRevocation(grantId, clock.now());
  const current = (await store.grantById(grantId)) ?? row;
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
  context: VaultContext,
  { grantId, clientId, issuer, subjectHash }: GrantRow,
): Promise<string[]> {
  const { provider } = [...context.protocols.values()].find(({ client }) => client.clientId === clientId) ?? {};
  if (provider?.revocationEndsSiblings !== true) return [];
  return (await context.store.grantsBySubject(subjectHash))
    .filter((other) => other.grantId !== grantId && other.issuer === issuer)
    .filter((other) => provider.sameProject?.(clientId, other.clientId) ?? true)
    .map((other) => other.grantId);
}
