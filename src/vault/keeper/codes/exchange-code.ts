/**
 * codes/ makes a grant of a one-time code: it sends the code once, keeps the answer before anything is waited for, and
 * stores the grant. How a grant is refreshed later does not belong here.
 */
import type { OnbehalfError } from "../../../core/errors.ts";
import { refusalsOf } from "../../../core/refresh.ts";
import { isRecent } from "../../../core/recorded-time.ts";
import type { TokenFailure } from "../../../core/refresh.ts";
import { holderWaitMs } from "../../../core/timing.ts";
import { namesOtherCode } from "../../../oauth/id-token.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { isRegistered } from "../../context.ts";
import { clientMisconfigured } from "../../errors/client-misconfigured.ts";
import { codeRejected, codeReused } from "../../errors/code-rejected.ts";
import { providerUnavailable } from "../../errors/provider-unavailable.ts";
import { gateOf, tooManySignIns } from "../gate/gate.ts";
import type { KeeperContext } from "../context.ts";
import type { Permit, Rejected } from "../gate/permit.ts";
import type { CodeRequest } from "../keeper.ts";
import { assertKnownBy } from "./claim-external-id.ts";
import { afterCodeError } from "./after-code-error.ts";
import { rejectionOf, rejectionText } from "./code-rejection.ts";
import { finishIntake, isUnderWay, tellIfWaiting } from "./finish-intake.ts";
import { grantOf, openContext, sealContext, sendAndStore } from "./intake.ts";
import type { Intake, IntakeContext } from "./intake.ts";
import { journalRescued } from "./rescued-codes.ts";
import { storeAtOnce, verifyAndStore } from "./store-consent.ts";

/**
 * How long the same request gives the same result, milliseconds: a phone that did not get the answer sends it again.
 */
const replayMs = 60_000;
/** How often an intake is read again while its owner is at work, milliseconds. */
const pollMs = 50;

/**
 * Whose requests all codes count as, where a firewall blocks them. What stands in a code is chosen by whoever sends it:
 * five codes that look like an attack must not keep everybody from being served.
 */
const anyCode = "a code";

/**
 * Exchanges a code, or returns the result that the same request had before.
 *
 * @returns the grant; `held` where the request wants the answer held
 * @throws {OnbehalfError} as `Keeper.exchangeCode`
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
 */
export async function exchangeCode(
  context: KeeperContext,
  intake: Intake,
  request: CodeRequest,
): Promise<GrantRow | "held"> {
  const { store, owner, clock, sleep, keyring } = context;
  const { protocol, codeHash, contextText } = intake;
  const { clientId } = protocol.client;
  const contextSealed = sealContext(keyring, intake);
  const gate = gateOf(context, protocol.provider.name);
  let replaces: { startedAt: number } | undefined;
  let isWaiting = false;
  for (let waitedMs = 0; waitedMs < holderWaitMs; waitedMs += pollMs) {
    // While another owner is at work, reading is enough: each time that the gate is asked uses up a place of the rate.
    let known = isWaiting ? await store.intakeByCode(codeHash) : undefined;
    if (known === undefined) {
      // Ask the gate before anything is stored. Otherwise somebody without a key could fill the store with codes that
      // wait, and have every other write wait for theirs.
      const answer = await gate.admit(request.isPublic ? "public-intake" : "intake");
      if (answer.kind === "admitted") {
        const { permit } = answer;
        const begin = store.beginIntake({ codeHash, clientId, owner, contextSealed }, clock.now(), replaces);
        const begun = await begin.catch((error: unknown) => {
          permit.release();
          throw error;
        });
        if (begun.kind === "begun") {
          const send = (): Promise<ReceivedTokens> => sendCode(context, intake, request, permit);
          const storing = {
            atOnce: (received: ReceivedTokens) => storeAtOnce(context, protocol, codeHash, request, received),
            fromJournal: (received: ReceivedTokens) => verify(context, intake, request, received),
          };
          return sendAndStore<GrantRow | "held">(context, intake, send, storing, "a sign-in");
        }
        permit.release();
        known = begun.intake;
      } else {
        // A code that came before has its result, whatever the provider does now.
        known = answer.error === tooManySignIns ? undefined : await store.intakeByCode(codeHash);
        if (known === undefined || replaces !== undefined) throw notAdmitted(protocol, answer);
      }
    }
    isWaiting = false;
    if (known.state === "rejected") throw rejectedBefore(context, protocol, known);
    if (known.state === "done") return replay(context, intake, known);
    if (known.heldUntil !== null) {
      if (openContext(keyring, known) !== contextText) throw reused(context, protocol);
      return "held";
    }
    if (await isUnderWay(context, known)) {
      // Strangers who send one slow code in many requests must not have each of them wait here.
      if (request.isPublic && openContext(keyring, known) !== contextText) throw underWay(protocol);
      isWaiting = true;
      await sleep(pollMs);
      continue;
    }
    // The intake's owner is dead, or gave up half-way. Where an answer is in the journal, it is finished. Otherwise the
    // code is sent again: perhaps it was never sent, and if it was, the provider's error says so.
    if (known.state === "answered") {
      // This is another request with the same code. It must not get the first request's grant: its sender may have
      // stolen the code.
      if (openContext(keyring, known) !== contextText) throw reused(context, protocol);
      const finished = await finishIntake(context, protocol, known);
      if (finished === "discarded") throw reused(context, protocol);
      return finished;
    }
    // Its owner may have had the answer, and no store to put it into. Then the code is used up: do not send it again.
    if (await journalRescued(context, codeHash)) continue;
    replaces = { startedAt: known.startedAt };
  }
  throw underWay(protocol);
}

/**
 * The error of a code that was rejected. Nothing else is left of it, and the error belongs to the code: it tells nothing
 * of another request.
 */
function rejectedBefore(context: KeeperContext, protocol: Protocol, { rejection, endedAt }: IntakeRow): OnbehalfError {
  const isKept = rejection !== null && isRecent(endedAt ?? 0, context.clock.now(), replayMs + 1);
  return (isKept ? rejectionOf(rejection) : undefined) ?? reused(context, protocol);
}

async function verify(
  context: KeeperContext,
  { protocol, codeHash }: Intake,
  request: CodeRequest,
  received: ReceivedTokens,
): Promise<GrantRow | "held"> {
  try {
    return await verifyAndStore(context, protocol, codeHash, request, received);
  } catch (error) {
    tellIfWaiting(context, protocol, error);
    throw error;
  }
}

/**
 * Sends the code.
 *
 * @throws where no tokens come back. The intake has then ended in the way that fits the provider's answer
 */
async function sendCode(
  context: KeeperContext,
  { protocol, codeHash }: Intake,
  { code, redirectUri, codeVerifier }: CodeRequest,
  permit: Permit,
): Promise<ReceivedTokens> {
  const { clock } = context;
  try {
    const receivedAt = clock.now();
    const response = await protocol.exchangeCode({ code, redirectUri, codeVerifier });
    if (response.kind !== "tokens") throw await afterFailure(context, protocol, codeHash, response, permit);
    permit.success();
    const { tokens, date = "" } = response;
    const answeredAt = Date.parse(date);
    return {
      tokens,
      receivedAt,
      ...(Number.isNaN(answeredAt) ? {} : { answeredAt }),
      // Compared now, and kept with the answer: the code is not there any more when the token is verified later.
      ...(tokens.idToken !== undefined && namesOtherCode(tokens.idToken, code) ? { isOtherCode: true as const } : {}),
    };
  } finally {
    permit.release();
  }
}

/** Ends the intake of a code that brought no tokens. Returns the error for its sender. */
async function afterFailure(
  { store, clock, emit }: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  failure: TokenFailure,
  permit: Permit,
): Promise<OnbehalfError> {
  const { provider, client } = protocol;
  const decision = afterCodeError(failure, refusalsOf(provider));
  if (decision.do === "reject") {
    permit.success();
    const error = codeRejected(decision.error);
    // Only while the intake is `spending`: another, slower process may be storing the answer to the same code.
    await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "spending");
    emit({ type: "code_rejected", provider: provider.name, error: error.message });
    return error;
  }
  // As far as is known, the code was not used up. So it may be sent again, with other parameters or the same.
  await store.forgetIntake(codeHash);
  switch (decision.do) {
    case "correct": {
      permit.success();
      const error = codeRejected(decision.error);
      emit({ type: "code_rejected", provider: provider.name, error: error.message });
      return error;
    }
    case "wrong-request":
    case "alert-operator": {
      const { error } = decision;
      const isNews = decision.do === "alert-operator" ? permit.clientRefused(error) : permit.requestRefused(error);
      if (isNews) emit({ type: "client_refused", provider: provider.name, clientId: client.clientId, error });
      return misconfigured(protocol, error);
    }
    case "retry": {
      const { error, afterMs = 0, ambiguous, limited, blocked, isUp } = decision;
      if (isUp === true) permit.success();
      const failure = { retryAfterMs: afterMs, limited, blocked: blocked && anyCode };
      const blockedForMs = isUp === true ? 0 : permit.failure(failure);
      return unavailable(protocol, error, Math.max(afterMs, blockedForMs, 1_000), ambiguous);
    }
  }
}

/** Returns or throws the result that the same request had before. For any other request, the code was used before. */
async function replay(context: KeeperContext, { protocol, contextText }: Intake, known: IntakeRow): Promise<GrantRow> {
  const { clock, keyring } = context;
  if (isRecent(known.endedAt ?? 0, clock.now(), replayMs + 1) && openContext(keyring, known) === contextText) {
    if (known.rejection !== null) throw rejectionOf(known.rejection) ?? reused(context, protocol);
    const row = await grantOf(context, known);
    if (row !== undefined) {
      await assertKnownBy(context, protocol, row, JSON.parse(contextText) as IntakeContext);
      return row;
    }
  }
  throw reused(context, protocol);
}

function reused({ emit }: KeeperContext, { provider }: Protocol): OnbehalfError<"code_rejected"> {
  emit({ type: "code_reused", provider: provider.name });
  return codeReused();
}

/** The gate lets no code through now. Nothing was stored or sent. */
function notAdmitted(protocol: Protocol, { isClientRefused, error, waitMs }: Rejected): OnbehalfError {
  return isClientRefused ? misconfigured(protocol, error) : unavailable(protocol, error, waitMs);
}

function underWay(protocol: Protocol): OnbehalfError<"provider_unavailable"> {
  return unavailable(protocol, "code_exchange_under_way_elsewhere", 1_000);
}

function unavailable(
  { provider }: Protocol,
  error: string,
  retryAfterMs: number,
  mayBeSpent = false,
): OnbehalfError<"provider_unavailable"> {
  const { name, issuer } = provider;
  const reassurance = mayBeSpent
    ? "send the same code again: the provider then says whether it still works"
    : "nothing was lost, and the same code may be sent again while it lives";
  return providerUnavailable(`${name} did not exchange the code`, error, reassurance, { issuer, retryAfterMs });
}

function misconfigured(protocol: Protocol, error: string): OnbehalfError<"client_misconfigured"> {
  const { provider, client, authentication } = protocol;
  const at = { provider: provider.name, clientId: client.clientId, issuer: provider.issuer };
  return clientMisconfigured({ ...at, authentication, isRegistered: isRegistered(protocol) }, error);
}
