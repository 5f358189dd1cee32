import type { Grant, GrantRef } from "../../core/grant.ts";
import { waitFor } from "../../core/single-flight.ts";
import type { Provider } from "../../providers/provider.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { currentPrincipal, learnClient, protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { grantNotFound } from "../errors/grant-not-found.ts";
import { seenGrant } from "../grants/diagnosed.ts";
import { askedBy, findGrant, lookupHashes } from "../grants/find-grant.ts";
import { grantOf } from "../grants/sealed-grant.ts";
import type { AskedTie } from "../grants/sealed-grant.ts";
import { codeRequest } from "../keeper/codes/code-request.ts";
import type { SettledCode } from "../keeper/codes/code-request.ts";
import { depositRequest } from "../keeper/deposits/deposit-request.ts";
import type { DepositOptions } from "../keeper/deposits/deposit-request.ts";
import type { Keeper } from "../keeper/keeper.ts";
import type { TokenCache } from "./token-cache.ts";

/** What is needed to ask the keeper, and to drop from the cache what its work has changed. */
export interface KeeperCalls {
  readonly context: VaultContext;
  readonly keeper: Keeper;
  readonly cache: TokenCache;
}

function unconfirmedHint({ name, connectionsPage }: Provider): string {
  const where = connectionsPage === undefined ? `in their account at ${name}` : `at ${connectionsPage}`;
  return `${name} did not confirm the revocation; the tokens are erased here, and the person can remove the app ${where}`;
}

/** Exchanges a code; see `Vault.exchangeCode`. */
export async function exchangeCode(
  { context, keeper, cache }: KeeperCalls,
  provider: Provider,
  options: SettledCode,
): Promise<Grant> {
  const request = { ...codeRequest(options, provider), principal: currentPrincipal() };
  options.signal?.throwIfAborted();
  const grantId = await waitFor(keeper.exchangeCode(provider.name, request), options.signal);
  return grantMade({ context, keeper, cache }, grantId, options);
}

/** Deposits a refresh token; see `Vault.deposit`. */
export async function deposit(calls: KeeperCalls, provider: Provider, options: DepositOptions): Promise<Grant> {
  const request = { ...depositRequest(options, provider), principal: currentPrincipal() };
  options.signal?.throwIfAborted();
  const { grantId } = await waitFor(calls.keeper.deposit(provider.name, request), options.signal);
  return grantMade(calls, grantId, options);
}

/** The grant that the keeper has made, or has made known by an external id. */
export async function grantMade({ context, cache }: KeeperCalls, grantId: string, asked: AskedTie): Promise<Grant> {
  cache.invalidate([grantId]);
  const row = await context.store.grantById(grantId);
  if (row === undefined) throw grantNotFound();
  await learnClient(context, row);
  const grant = isPlain(row) ? grantOf(context.keyring, row, asked) : seenGrant(context, row, asked);
  // The person, or any of its users, may have been known by another grant, or by none: also those whom nobody has named
  // now, where the grant was over.
  const external = grant.externalIds.flatMap((tie) => lookupHashes(context, tie));
  cache.invalidate([], [row.subjectHash, ...external]);
  return grant;
}

/** Whether there is nothing that a diagnosis could find fault with, as of most grants that were just made. */
function isPlain(row: GrantRow): boolean {
  const { state, failures, refreshSealed, refreshExpiresAt, consentExpiresAt, lostScope, withheldScope } = row;
  const hasEnd = refreshExpiresAt !== null || consentExpiresAt !== null;
  return state === "active" && failures === 0 && refreshSealed !== null && !hasEnd && lostScope + withheldScope === "";
}

/** Revokes a grant; see `Vault.revoke`. */
export async function revoke(
  { context, keeper, cache }: KeeperCalls,
  ref: GrantRef | Grant,
  signal: AbortSignal | undefined,
): Promise<Grant> {
  const named = typeof ref === "object" && "grantId" in ref ? ref.grantId : ref;
  const { grantId, subjectHash } = await findGrant(context, named);
  cache.invalidate([grantId]);
  // The provider may end other grants of the same person as well. Drop their tokens from memory too: the next use of
  // each then reads its row, which tells.
  const all = (await context.store.grantsBySubject(subjectHash)).map((row) => row.grantId);
  await waitFor(keeper.revoke(grantId, currentPrincipal()), signal).finally(() => cache.invalidate(all));
  const row = await findGrant(context, { grantId });
  const grant = seenGrant(context, row, askedBy(ref));
  if (grant.reason !== "revoked_unconfirmed") return grant;
  const { provider } = protocolOf(context, grant);
  return { ...grant, hint: unconfirmedHint(provider) };
}
