import type { OnbehalfError } from "../../../core/errors.ts";
import { isUsable } from "../../../core/grant.ts";
import type { Secret } from "../../../core/secret.ts";
import { subjectHash } from "../../../crypto/keyring.ts";
import { claimedSubject, namesOurServerOtherwise } from "../../../oauth/id-token.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens, TokenSet } from "../../../oauth/token-set.ts";
import type { KeeperContext } from "../context.ts";
import { sendRevocation } from "../send-revocation.ts";
import { rejectionText } from "./code-rejection.ts";

/** Revokes what was issued in a sign-in whose ID token did not verify. Nothing of it was handed out. */
export async function quarantine(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  { tokens }: ReceivedTokens,
  error: OnbehalfError<"id_token_invalid">,
): Promise<void> {
  const { store, clock, emit } = context;
  emit({ type: "id_token_refused", provider: protocol.provider.name, check: error.details.check });
  if (await endsNothingElse(context, protocol, tokens.idToken)) {
    for (const token of issuedTokens(tokens)) {
      const response = await sendRevocation(context, protocol, token, "interactive");
      // While the provider may still confirm, the journal keeps what was issued, and upkeep tries again.
      if (response.kind === "failed") return;
    }
  }
  await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
}

/** The tokens whose revocation ends all of an answer: a refresh token ends its access tokens (RFC 7009 section 2.1). */
function issuedTokens({ refreshToken, accessToken, otherRefreshTokens = [] }: TokenSet): readonly Secret[] {
  const first = refreshToken ?? accessToken;
  return [...(first === undefined ? [] : [first]), ...otherRefreshTokens];
}

/**
 * Whether revoking these tokens ends nothing else. Where it would also end a usable grant of the person, an attacker
 * could have that grant ended by sending the person's code with a wrong nonce. Tokens that came without an ID token are
 * not revoked either: nobody knows whose grant that would end. Nor are those of a sign-in that failed by our settings.
 */
async function endsNothingElse(
  { store, keyring }: KeeperContext,
  { provider }: Protocol,
  idToken: ReceivedTokens["tokens"]["idToken"],
): Promise<boolean> {
  if (idToken === undefined) return false;
  // Our own settings are wrong. To revoke would end what the person granted for no fault of theirs.
  if (namesOurServerOtherwise(idToken, provider)) return false;
  const subject = claimedSubject(idToken);
  if (!provider.revocationEndsSiblings || subject === undefined) return true;
  const grants = await store.grantsBySubject(subjectHash(keyring, provider.issuer, subject));
  return !grants.some(({ state }) => isUsable(state));
}
