import { OnbehalfError } from "../../../core/errors.ts";
import { isUsable } from "../../../core/grant.ts";
import { subjectHash } from "../../../crypto/keyring.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import { endTogether } from "../../../providers/end-together.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import { codeReused } from "../../errors/code-rejected.ts";
import type { KeeperContext } from "../context.ts";
import type { Hold } from "../keeper.ts";
import { sendRevocation } from "../send-revocation.ts";
import { rejectionOf, rejectionText } from "./code-rejection.ts";
import { grantOf, sealAnswer } from "./intake.ts";
import { issuedTokens } from "./quarantine.ts";

/**
 * Holds an answer whose person is known.
 *
 * @returns `held`; or the grant, where another process has released it and stored it meanwhile
 * @throws {OnbehalfError} the error that ended it meanwhile
 */
export async function holdAnswer(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  { until }: Hold,
  received: ReceivedTokens,
): Promise<GrantRow | "held"> {
  const { store, keyring, emit } = context;
  const sealed = sealAnswer(keyring, { codeHash: Buffer.from(codeHash), protocol }, received);
  if (await store.holdIntake(codeHash, sealed, until)) {
    emit({ type: "sign_in_held", provider: protocol.provider.name });
    return "held";
  }
  const known = await store.intakeByCode(codeHash);
  if (known?.state === "rejected") throw rejectionOf(known.rejection ?? "") ?? codeReused();
  return (known === undefined ? undefined : await grantOf(context, known)) ?? "held";
}

/**
 * Revokes what an answer has brought that nobody has proved to be theirs, and erases it. While the provider does not
 * confirm, the journal keeps it, and upkeep tries again.
 */
export async function discardAnswer(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  { tokens, profile }: ReceivedTokens,
): Promise<void> {
  const { store, clock, emit } = context;
  const revokes = profile !== undefined && (await endsNothingElse(context, protocol, profile.sub));
  if (revokes) {
    for (const token of issuedTokens(tokens)) {
      const response = await sendRevocation(context, protocol, token, "background");
      if (response.kind === "failed") return;
    }
  }
  const error = new OnbehalfError("code_rejected", "the connect link was not finished by whom it was made for", {
    hint: "make a new link, and finish it with its verifier within fifteen minutes",
    details: {},
  });
  await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
  emit({ type: "sign_in_discarded", provider: protocol.provider.name, revoked: revokes });
}

/**
 * Whether revoking these tokens ends nothing else. Some providers give a person the same tokens twice, or end all that one
 * has; somebody who is sent a link must not lose what they have connected before.
 */
async function endsNothingElse(
  { store, keyring }: KeeperContext,
  { provider, client }: Protocol,
  subject: string,
): Promise<boolean> {
  // Who has consented is not known: it may be anybody whose grants end with this one.
  if (provider.identity === "none" && provider.revocationEndsSiblings) return false;
  const grants = await store.grantsBySubject(subjectHash(keyring, provider.issuer, subject));
  return !grants.some(
    ({ state, clientId }) =>
      isUsable(state) && (clientId === client.clientId || endTogether(provider, client.clientId, clientId)),
  );
}
