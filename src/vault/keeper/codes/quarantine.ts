import { OnbehalfError, isOnbehalfError } from "../../../core/errors.ts";
import { isUsable } from "../../../core/grant.ts";
import { isRecent } from "../../../core/recorded-time.ts";
import { subjectHash } from "../../../crypto/keyring.ts";
import { claimedSubject, clockDifferenceMs, namesOurServerOtherwise } from "../../../oauth/id-token.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens, TokenSet } from "../../../oauth/token-set.ts";
import type { KeeperContext } from "../context.ts";
import { otherAccountError } from "../../errors/code-rejected.ts";
import { sendRevocation } from "../send-revocation.ts";
import { rejectionText } from "./code-rejection.ts";
import type { CodeRejection } from "./code-rejection.ts";
import { issuedTokens, revokeUnwanted } from "./revoke-unwanted.ts";

/** How long a sign-in waits for our clock to be put right, milliseconds. */
const clockWaitMs = 86_400_000;

/**
 * Revokes what was issued in a sign-in whose ID token did not verify, or is of another person than was meant. Nothing of it was handed out. Where it was not in
 * time because our own clock is wrong, nothing is revoked: the answer stays in the journal, and the sign-in is finished
 * if the clock is put right within a day. Where nobody knows who has consented, nothing is revoked either: nobody knows
 * which other grant that would end.
 *
 * @returns the error for whoever signs in
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function quarantine(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  received: ReceivedTokens,
  error: CodeRejection,
): Promise<CodeRejection> {
  const { store, clock, emit } = context;
  const { tokens, profile } = received;
  const { name: provider } = protocol.provider;
  if (isOnbehalfError(error, "code_rejected")) {
    if (error.details.providerError === otherAccountError && profile !== undefined) {
      const end = await revokeUnwanted(context, protocol, received, profile.sub, "interactive");
      if (end === "later") return error;
    }
    await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
    emit({ type: "code_rejected", provider, error: error.message });
    return error;
  }
  const { check } = error.details;
  const isAboutTime = check === "exp" || check === "iat" || check === "nbf";
  const differenceMs =
    isAboutTime && tokens.idToken !== undefined ? clockDifferenceMs(tokens.idToken, received) : undefined;
  if (differenceMs !== undefined) {
    const ours = clockIsWrong(provider, check, differenceMs);
    emit({ type: "id_token_refused", provider, check, clockAheadMs: -differenceMs });
    if (!isRecent(received.receivedAt, clock.now(), clockWaitMs)) {
      await store.rejectIntake(codeHash, rejectionText(ours), clock.now(), "answered");
    }
    return ours;
  }
  emit({ type: "id_token_refused", provider, check });
  if (!(await isRevoked(context, protocol, tokens))) return error;
  await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
  return error;
}

/**
 * Revokes what was issued, unless that might end something else.
 *
 * @returns false: the provider may still confirm. The journal keeps what was issued, and upkeep tries again
 */
async function isRevoked(context: KeeperContext, protocol: Protocol, tokens: TokenSet): Promise<boolean> {
  if (!(await endsNothingElse(context, protocol, tokens.idToken))) return true;
  for (const token of issuedTokens(tokens)) {
    const response = await sendRevocation(context, protocol, token, "interactive");
    if (response.kind === "failed") return false;
  }
  return true;
}

/** @param differenceMs how far the provider's clock is ahead of ours, milliseconds */
function clockIsWrong(provider: string, check: string, differenceMs: number): OnbehalfError<"id_token_invalid"> {
  const seconds = Math.round(Math.abs(differenceMs) / 1000);
  return new OnbehalfError(
    "id_token_invalid",
    `the ID token failed the check of ${check}: this machine's clock is ${seconds} s ${differenceMs > 0 ? "behind" : "ahead of"} ${provider}'s`,
    {
      hint: "set this machine's clock, best with NTP; nothing was revoked, and the sign-in is finished once the clock is right",
      details: { check },
    },
  );
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
