/**
 * deposits/ makes a grant of a refresh token that the app got elsewhere: it proves the token by a refresh, whose answer is
 * what is kept, and sends none a second time. How a code becomes a grant does not belong here (codes/), though both keep
 * what is on its way in the same journal.
 */
import { isOnbehalfError } from "../../../core/errors.ts";
import type { OnbehalfError } from "../../../core/errors.ts";
import { refusalsOf } from "../../../core/refresh.ts";
import type { TokenFailure } from "../../../core/refresh.ts";
import { holderWaitMs } from "../../../core/timing.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import { clientMisconfigured } from "../../errors/client-misconfigured.ts";
import { depositOutcomeUnknown, depositRefused } from "../../errors/deposit-refused.ts";
import { providerUnavailable } from "../../errors/provider-unavailable.ts";
import { isUnderWay } from "../codes/finish-intake.ts";
import { sealContext, sendAndStore } from "../codes/intake.ts";
import type { Intake } from "../codes/intake.ts";
import { journalRescued } from "../codes/rescued-codes.ts";
import type { KeeperContext } from "../context.ts";
import { gateOf } from "../gate/gate.ts";
import type { Permit } from "../gate/permit.ts";
import type { Deposited, DepositRequest } from "../keeper.ts";
import { afterDepositError, maySendAgain } from "./after-deposit-error.ts";
import { finishDeposit, storeDeposit } from "./store-deposit.ts";
import { depositRejection, depositRejectionOf } from "./deposit-rejection.ts";
import { knownDeposit } from "./known-deposit.ts";

/** How often a deposit is read again while its owner is at work, milliseconds. */
const pollMs = 50;

/** Whose requests all deposits count as, where a firewall blocks them. */
const anyDeposit = "a deposit";

/**
 * Deposits a refresh token, or returns what it has become before.
 *
 * @throws {OnbehalfError} as `Keeper.deposit`
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
export async function depositToken(
  context: KeeperContext,
  intake: Intake,
  request: DepositRequest,
): Promise<Deposited> {
  const { store, owner, clock, sleep, keyring } = context;
  const { protocol, codeHash } = intake;
  const { rotation, name: provider } = protocol.provider;
  let replaces: { startedAt: number } | undefined;
  let wasDone = false;
  for (let waitedMs = 0; waitedMs < holderWaitMs;) {
    const before = await knownDeposit(context, intake, request);
    if (before?.kind === "grant") return { grantId: before.grantId, isNew: false };
    if (before !== undefined && !request.sendAgain && !maySendAgain(rotation, before.sentAt, clock.now())) {
      throw depositOutcomeUnknown(provider, before.sentAt);
    }
    const known = await store.intakeByCode(codeHash);
    if (known === undefined || replaces !== undefined) {
      // Asked before anything is stored, so that what waits for a place is not taken for something that was sent.
      const answer = await gateOf(context, provider).admit(request.isOneOfMany ? "background" : "intake");
      if (answer.kind === "rejected") {
        throw answer.isClientRefused
          ? misconfigured(protocol, answer.error)
          : unavailable(protocol, answer.error, answer.waitMs);
      }
      const { permit } = answer;
      const { clientId } = protocol.client;
      const begin = { codeHash, clientId, owner, contextSealed: sealContext(keyring, intake) };
      const at = clock.now();
      const begun = await store.beginIntake(begin, at, replaces).catch((error: unknown) => {
        permit.release();
        throw error;
      });
      if (begun.kind === "begun") {
        const startedAt = replaces === undefined ? at : Math.max(at, replaces.startedAt + 1);
        const sending = (): Promise<ReceivedTokens> => send(context, intake, request, permit, startedAt);
        const fromJournal = (received: ReceivedTokens): Promise<GrantRow> => storeDeposit(context, intake, received);
        const { grantId } = await sendAndStore(context, intake, sending, { fromJournal }, "a deposit");
        return { grantId, isNew: true };
      }
      permit.release();
      replaces = undefined;
      continue;
    }
    if (known.state === "rejected") throw depositRejectionOf(provider, known);
    if (known.state === "done") {
      // Most likely it was stored a moment ago, and the next look finds it. Otherwise a row was taken out.
      if (wasDone) throw depositOutcomeUnknown(provider, known.startedAt);
      wasDone = true;
      continue;
    }
    if (await isUnderWay(context, known)) {
      waitedMs += pollMs;
      await sleep(pollMs);
      continue;
    }
    if (known.state === "answered")
      return { grantId: (await finishDeposit(context, protocol, known)).grantId, isNew: true };
    // Its owner is dead, and may have had the answer, and no store to put it into.
    if (await journalRescued(context, codeHash)) continue;
    if (request.sendAgain || maySendAgain(rotation, known.startedAt, clock.now())) replaces = known;
    else await store.loseDeposit(codeHash, known.startedAt);
  }
  throw unavailable(protocol, "deposit_under_way_elsewhere", 1_000);
}

/**
 * Sends the token.
 *
 * @throws where no tokens come back. The intake has then ended in the way that fits the provider's answer
 */
async function send(
  context: KeeperContext,
  { protocol, codeHash }: Intake,
  { refreshToken }: DepositRequest,
  permit: Permit,
  startedAt: number,
): Promise<ReceivedTokens> {
  const { clock, store } = context;
  try {
    const receivedAt = clock.now();
    const response = await protocol.refresh(refreshToken).catch(async (error: unknown) => {
      // An OnbehalfError comes before the request is sent.
      if (isOnbehalfError(error)) await store.forgetIntake(codeHash);
      throw error;
    });
    if (response.kind !== "tokens") {
      throw await afterFailure(context, protocol, { codeHash, startedAt }, response, permit);
    }
    permit.success();
    const { tokens, date = "" } = response;
    const answeredAt = Date.parse(date);
    return {
      // Where the provider sends no other, the one that was deposited is the one that is kept: it is nowhere else here.
      tokens: { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken },
      receivedAt,
      ...(Number.isNaN(answeredAt) ? {} : { answeredAt }),
    };
  } finally {
    permit.release();
  }
}

/** Ends the intake of a token that brought no tokens. Returns the error for whoever deposits it. */
async function afterFailure(
  { store, clock, emit }: KeeperContext,
  protocol: Protocol,
  { codeHash, startedAt }: { readonly codeHash: Uint8Array; readonly startedAt: number },
  failure: TokenFailure,
  permit: Permit,
): Promise<OnbehalfError> {
  const { provider, client } = protocol;
  const decision = afterDepositError(failure, provider.rotation, refusalsOf(provider));
  if (decision.do === "refuse") {
    permit.success();
    const error = depositRefused(provider.name, decision.error);
    // Only while the intake is `spending`: another, slower process may be storing the answer to the same token.
    await store.rejectIntake(codeHash, depositRejection(error), clock.now(), "spending");
    return error;
  }
  if (decision.do !== "retry") {
    await store.forgetIntake(codeHash);
    const { error } = decision;
    const isNews = decision.do === "alert-operator" ? permit.clientRefused(error) : permit.requestRefused(error);
    if (isNews) emit({ type: "client_refused", provider: provider.name, clientId: client.clientId, error });
    return misconfigured(protocol, error);
  }
  const { error, afterMs = 0, limited, blocked, isUp, isLost } = decision;
  if (isLost) await store.loseDeposit(codeHash, startedAt);
  else await store.forgetIntake(codeHash);
  if (isUp === true) permit.success();
  const blockedForMs =
    isUp === true ? 0 : permit.failure({ retryAfterMs: afterMs, limited, blocked: blocked && anyDeposit });
  const retryAfterMs = Math.max(afterMs, blockedForMs, 1_000);
  return isLost && !maySendAgain(provider.rotation, startedAt, clock.now() + retryAfterMs)
    ? depositOutcomeUnknown(provider.name, startedAt)
    : unavailable(protocol, error, retryAfterMs);
}

function unavailable(
  { provider }: Protocol,
  error: string,
  retryAfterMs: number,
): OnbehalfError<"provider_unavailable"> {
  const { name, issuer } = provider;
  const reassurance = "nothing was lost, and the same token may be deposited again";
  return providerUnavailable(`${name} did not refresh the token`, error, reassurance, { issuer, retryAfterMs });
}

function misconfigured(
  { provider, client, authentication }: Protocol,
  error: string,
): OnbehalfError<"client_misconfigured"> {
  const { name, issuer } = provider;
  return clientMisconfigured({ provider: name, clientId: client.clientId, issuer, authentication }, error);
}
