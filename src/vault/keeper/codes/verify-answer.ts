import { isOnbehalfError } from "../../../core/errors.ts";
import type { OnbehalfError } from "../../../core/errors.ts";
import { defined } from "../../../core/defined.ts";
import { isUsable } from "../../../core/grant.ts";
import type { Secret } from "../../../core/secret.ts";
import { claimedSubject, namesOurServerOtherwise } from "../../../oauth/id-token.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens, TokenSet } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/store.ts";
import { idTokenMissing } from "../../errors/code-rejected.ts";
import { subjectHash } from "../../grants/sealed-grant.ts";
import type { KeeperContext } from "../context.ts";
import { sendRevocation } from "../send-revocation.ts";
import { rejectionText } from "./code-rejection.ts";
import { storeConsent } from "./store-consent.ts";

/** What was requested with the code: what the answer must fit, and what is stored with it. */
export interface AskedOfSignIn {
  readonly nonce?: string | undefined;
  readonly externalId?: string | undefined;
  /** Whether that id may be taken from another grant that is in use. */
  readonly moveExternalId?: boolean;
  readonly scopes: readonly string[];
}

/**
 * Verifies who signed in, and stores the grant. The answer must be in the journal already.
 *
 * @throws {OnbehalfError} `id_token_invalid`: no grant is stored, and what was issued is revoked, unless that might end
 *   another grant
 * @throws {OnbehalfError} `provider_unavailable`: the keys could not be read; the answer stays in the journal
 * @throws {OnbehalfError} `configuration_invalid`: the provider's discovery document is wrong; the answer stays in the
 *   journal
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function verifyAndStore(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  { nonce, externalId, moveExternalId, scopes: requestedScopes }: AskedOfSignIn,
  received: ReceivedTokens,
): Promise<GrantRow> {
  const { receivedAt } = received;
  const { idToken, accessToken } = received.tokens;
  try {
    if (idToken === undefined) throw idTokenMissing();
    const profile = await protocol.verifyIdToken(idToken, { accessToken, receivedAt, nonce });
    const consent = { ...received, profile, requestedScopes, ...defined({ externalId, moveExternalId }) };
    return await storeConsent(context, protocol, codeHash, consent);
  } catch (error) {
    if (isOnbehalfError(error, "id_token_invalid")) await quarantine(context, protocol, codeHash, received, error);
    throw error;
  }
}

/** Revokes what was issued in a sign-in whose ID token did not verify. Nothing of it was handed out. */
async function quarantine(
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
