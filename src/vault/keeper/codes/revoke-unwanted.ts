import { isUsable } from "../../../core/grant.ts";
import type { Secret } from "../../../core/secret.ts";
import { subjectHash } from "../../../crypto/keyring.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens, TokenSet } from "../../../oauth/token-set.ts";
import { endTogether } from "../../../providers/end-together.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { KeeperContext } from "../context.ts";
import type { Priority } from "../keeper.ts";
import { sendRevocation } from "../send-revocation.ts";
import { askedBy, openAnswer } from "./intake.ts";

/** How many answers that are held are looked at. */
const mostHeld = 1_000;

/**
 * Revokes what a sign-in has brought that becomes no grant, though its person is known. Some providers give a person the same
 * tokens twice, or end all that one has: somebody who chose another account than was meant must not lose what they have
 * connected with it before, nor what they are about to connect in another window.
 *
 * @param subject the verified `sub` of the person
 * @returns `left`: nothing was revoked, since that might end another grant; `later`: it is to be tried again, and until then the
 *   journal keeps what was issued
 */
export async function revokeUnwanted(
  context: KeeperContext,
  protocol: Protocol,
  { tokens }: Pick<ReceivedTokens, "tokens">,
  subject: string,
  priority: Priority,
): Promise<"revoked" | "left" | "later"> {
  const { store, clock } = context;
  const { provider } = protocol;
  // Who has consented is not known: it may be anybody whose grants end with this one.
  if (provider.identity === "none" && provider.revocationEndsSiblings) return "left";
  if ((await grantsAtRisk(context, protocol, subject)).length > 0) return "left";
  if (await isAnotherHeld(context, protocol, subject)) return "later";
  for (const token of issuedTokens(tokens)) {
    const response = await sendRevocation(context, protocol, token, priority);
    if (response.kind === "failed") return "later";
  }
  // What was stored meanwhile may have ended with it. Its next use asks, and does not promise what is gone.
  for (const { grantId } of await grantsAtRisk(context, protocol, subject)) {
    await store.markSuspect(grantId, clock.now());
  }
  return "revoked";
}

/** The tokens whose revocation ends all of an answer: a refresh token ends its access tokens (RFC 7009 section 2.1). */
export function issuedTokens({ refreshToken, accessToken, otherRefreshTokens = [] }: TokenSet): readonly Secret[] {
  const first = refreshToken ?? accessToken;
  return [...(first === undefined ? [] : [first]), ...otherRefreshTokens];
}

/** The person's grants in use that may end with a revocation. */
async function grantsAtRisk(
  { store, keyring }: KeeperContext,
  protocol: Protocol,
  subject: string,
): Promise<readonly GrantRow[]> {
  const grants = await store.grantsBySubject(subjectHash(keyring, protocol.provider.issuer, subject));
  return grants.filter(({ state, clientId }) => isUsable(state) && endsWith(protocol, clientId));
}

/** Whether the person has consented by another link too, which may still be finished. */
async function isAnotherHeld(
  { store, keyring, clock }: KeeperContext,
  protocol: Protocol,
  subject: string,
): Promise<boolean> {
  const now = clock.now();
  const held = await store.heldIntakes(Number.MAX_SAFE_INTEGER, mostHeld);
  // Of those that are held no more, some are being made into grants just now.
  const released = (await store.openIntakes()).filter((intake) => askedBy(keyring, intake)?.end === "finish");
  return [...held.filter(({ heldUntil }) => (heldUntil ?? 0) > now), ...released].some(
    (intake) => endsWith(protocol, intake.clientId) && openAnswer(keyring, intake)?.profile?.sub === subject,
  );
}

function endsWith({ provider, client }: Protocol, clientId: string): boolean {
  return clientId === client.clientId || endTogether(provider, client.clientId, clientId);
}
