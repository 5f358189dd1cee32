import { OnbehalfError } from "../../../core/errors.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import { codeReused } from "../../errors/code-rejected.ts";
import type { KeeperContext } from "../context.ts";
import type { Hold } from "../keeper.ts";
import { rejectionOf, rejectionText } from "./code-rejection.ts";
import { grantOf, sealAnswer } from "./intake.ts";
import { revokeUnwanted } from "./revoke-unwanted.ts";

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
  const end =
    profile === undefined ? "left" : await revokeUnwanted(context, protocol, { tokens }, profile.sub, "background");
  if (end === "later") return;
  const error = new OnbehalfError("code_rejected", "the connect link was not finished by whom it was made for", {
    hint: "make a new link, and finish it with its verifier within fifteen minutes",
    details: {},
  });
  await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
  emit({ type: "sign_in_discarded", provider: protocol.provider.name, revoked: end === "revoked" });
}
