import { isOnbehalfError } from "../../../core/errors.ts";
import type { Profile } from "../../../core/grant.ts";
import { subjectOfDeposit } from "../../../core/external-ids.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { depositOutcomeUnknown } from "../../errors/deposit-refused.ts";
import { openAnswer, openContext, workIdOf } from "../codes/intake.ts";
import type { Intake, IntakeContext } from "../codes/intake.ts";
import { storeConsent } from "../codes/store-consent.ts";
import type { KeeperContext } from "../context.ts";

/**
 * Finds out whose token was deposited, and stores the grant. The answer must be in the journal already; it stays there
 * where this throws, but for `external_id_conflict`.
 *
 * @throws {OnbehalfError} `id_token_invalid`: the ID token of the answer does not verify
 * @throws {OnbehalfError} `external_id_conflict`: the grant is stored without the external id
 * @throws {OnbehalfError} `provider_unavailable`, `configuration_invalid`, `store_unavailable`, `grant_unreadable`
 */
export async function storeDeposit(
  context: KeeperContext,
  { protocol, codeHash, contextText }: Pick<Intake, "protocol" | "codeHash" | "contextText">,
  received: ReceivedTokens,
): Promise<GrantRow> {
  const { externalId, account, scopes: requestedScopes } = JSON.parse(contextText) as IntakeContext;
  // What came in our future was written down by a clock that has been put right since.
  const receivedAt = Math.min(received.receivedAt, context.clock.now());
  const profile = await whose(context, protocol, { ...received, receivedAt }, externalId ?? "", account);
  const consent = { ...received, receivedAt, profile, requestedScopes, externalId, account, isDeposit: true as const };
  return storeConsent(context, protocol, codeHash, consent);
}

/**
 * Who has consented. Where the provider does not say it, and will not, it is whoever the app says: the token works, and
 * what the answer brought may be the only one that does.
 */
async function whose(
  { emit }: KeeperContext,
  protocol: Protocol,
  { tokens, receivedAt }: ReceivedTokens,
  externalId: string,
  account: string | undefined,
): Promise<Profile> {
  const { provider } = protocol;
  const { idToken, accessToken } = tokens;
  const isByIdToken = (provider.identity ?? "id_token") === "id_token";
  try {
    // The sign-in was somebody else's, and so was its nonce.
    return isByIdToken && idToken !== undefined
      ? await protocol.verifyIdToken(idToken, { accessToken, receivedAt, nonce: undefined, isNonceUnknown: true })
      : await protocol.identify({ tokens, externalId, account });
  } catch (error) {
    if (isOnbehalfError(error, "code_rejected")) return { sub: subjectOfDeposit(provider.name, externalId, account) };
    // Revoking nothing: the token is sound, and most likely a setting of ours is wrong.
    if (isOnbehalfError(error, "id_token_invalid")) {
      emit({ type: "id_token_refused", provider: provider.name, check: error.details.check });
    }
    throw error;
  }
}

/**
 * Finishes a deposit whose answer is in the journal: its owner died, or the provider's keys could not be read.
 *
 * @throws {OnbehalfError} `deposit_outcome_unknown`: the journal does not open
 * @throws {OnbehalfError} what {@link storeDeposit} throws
 */
export async function finishDeposit(context: KeeperContext, protocol: Protocol, intake: IntakeRow): Promise<GrantRow> {
  const { keyring, running } = context;
  const { codeHash, startedAt } = intake;
  const workId = workIdOf(codeHash);
  running.add(workId);
  try {
    const received = openAnswer(keyring, intake);
    const contextText = openContext(keyring, intake);
    if (received === undefined || contextText === undefined) {
      throw depositOutcomeUnknown(protocol.provider.name, startedAt);
    }
    return await storeDeposit(context, { protocol, codeHash: Buffer.from(codeHash), contextText }, received);
  } finally {
    running.delete(workId);
  }
}

/** Whether an intake is one of a deposit, as far as it opens. */
export function isDeposit(contextText: string | undefined): boolean {
  return contextText !== undefined && (JSON.parse(contextText) as IntakeContext).isDeposit === true;
}
