import { isOnbehalfError } from "../../../core/errors.ts";
import { subjectOfDeposit } from "../../../core/external-ids.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { depositOutcomeUnknown } from "../../errors/deposit-refused.ts";
import { openAnswer, openContext } from "../codes/intake.ts";
import type { IntakeContext, KnownIntake } from "../codes/intake.ts";
import { identify, renewAnswer, workOn } from "../codes/renew-answer.ts";
import type { Identified, Renew } from "../codes/renew-answer.ts";
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
  { protocol, codeHash, contextText }: KnownIntake,
  received: ReceivedTokens,
  renew?: Renew,
): Promise<GrantRow> {
  const { externalId, account, scopes: requestedScopes } = JSON.parse(contextText) as IntakeContext;
  // What came in our future was written down by a clock that has been put right since.
  const receivedAt = Math.min(received.receivedAt, context.clock.now());
  const identified = await whose(context, protocol, { ...received, receivedAt }, externalId ?? "", account, renew);
  const consent = { ...identified, requestedScopes, externalId, account, isDeposit: true as const };
  return storeConsent(context, protocol, codeHash, consent);
}

/**
 * Who has consented. Where the provider does not say it, and will not, it is whoever the app says: the token works, and
 * what the answer brought may be the only one that does.
 */
async function whose(
  { emit }: KeeperContext,
  protocol: Protocol,
  received: ReceivedTokens,
  externalId: string,
  account: string | undefined,
  renew: Renew | undefined,
): Promise<Identified> {
  const { provider } = protocol;
  let latest = received;
  const { receivedAt, tokens } = received;
  const { idToken, accessToken } = tokens;
  const isByIdToken = (provider.identity ?? "id_token") === "id_token";
  try {
    // The sign-in was somebody else's, and so was its nonce.
    const asked = { accessToken, receivedAt, nonce: undefined, isNonceUnknown: true };
    return isByIdToken && idToken !== undefined
      ? { ...received, profile: await protocol.verifyIdToken(idToken, asked) }
      : await identify(protocol, received, { externalId, account }, renew && (async () => (latest = await renew())));
  } catch (error) {
    if (isOnbehalfError(error, "code_rejected")) {
      return { ...latest, profile: { sub: subjectOfDeposit(provider.name, externalId, account) } };
    }
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
  const { keyring } = context;
  const { codeHash, startedAt } = intake;
  return workOn(context, intake, async (onOverdue) => {
    const received = openAnswer(keyring, intake);
    const contextText = openContext(keyring, intake);
    if (received === undefined || contextText === undefined) {
      throw depositOutcomeUnknown(protocol.provider.name, startedAt);
    }
    const known = { protocol, codeHash, contextText };
    return storeDeposit(context, known, received, () =>
      renewAnswer(context, { ...known, startedAt }, received, onOverdue),
    );
  });
}

/** Whether an intake is one of a deposit, as far as it opens. */
export function isDeposit(contextText: string | undefined): boolean {
  return contextText !== undefined && (JSON.parse(contextText) as IntakeContext).isDeposit === true;
}
