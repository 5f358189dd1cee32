import { codeHash as hashOfCode, isMac, resultMac } from "../../../crypto/keyring.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { SealedPlace } from "../../../crypto/places.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { fromJournal as readJournal, journalText } from "../../../oauth/token-set.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import { isOnbehalfError } from "../../../core/errors.ts";
import type { KeeperContext, RescuedCodeAnswer } from "../context.ts";
import type { CodeRequest, Hold } from "../keeper.ts";
import { rescueUnlessStored, storeDurably } from "../store-durably.ts";
import type { DurableWrite } from "../store-durably.ts";

/** What is stored with an intake, so that another process can finish it. */
export interface IntakeContext {
  readonly provider: string;
  /** It is no code but a refresh token that was deposited. */
  readonly isDeposit?: true | undefined;
  readonly redirectUri?: string | undefined;
  readonly codeVerifier?: string | undefined;
  readonly nonce?: string | undefined;
  readonly isNonceOptional?: true | undefined;
  readonly isNonceUnknown?: true | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly externalId?: string | undefined;
  readonly account?: string | undefined;
  /** Who alone may have consented. Absent: whoever did. */
  readonly subject?: string | undefined;
  readonly moveExternalId?: true | undefined;
  readonly scopes: readonly string[];
  readonly hold?: Hold | undefined;
  /** What becomes of an answer that was held. Absent: it is held still, or never was. */
  readonly end?: "finish" | "discard";
}

/** What was requested with the code: what the answer must fit, and what is stored with it. */
export interface AskedOfSignIn extends Pick<
  IntakeContext,
  "nonce" | "externalId" | "account" | "subject" | "scopes" | "hold" | "end"
> {
  readonly isNonceOptional?: boolean | undefined;
  readonly isNonceUnknown?: boolean | undefined;
  /** Whether that id, or its label, may be taken from another grant that is in use. */
  readonly moveExternalId?: boolean | undefined;
}

/** Whether somebody has consented whom the sign-in was not for. */
export function isOtherPerson({ subject }: Pick<AskedOfSignIn, "subject">, { sub }: { readonly sub: string }): boolean {
  return subject !== undefined && sub !== subject;
}

/** One code on its way to a grant, with what several steps need. */
export interface Intake {
  readonly protocol: Protocol;
  readonly codeHash: Buffer;
  /** What was requested, as text. Equal requests have equal texts. */
  readonly contextText: string;
  /**
   * Equal requests have equal keys, and share one exchange. A request with another nonce or user id has another key,
   * and an answer of its own.
   */
  readonly key: string;
}

/** What is known of an intake that was written down. */
export type KnownIntake = Pick<Intake, "protocol" | "contextText"> & { readonly codeHash: Uint8Array };

/**
 * How long a caller waits for a store that fails after the provider has answered, milliseconds. The work then goes on.
 */
const callerWaitsMs = 5_000;

/** Makes the intake of a request. It is stored under a keyed hash of the code; the code itself is stored nowhere. */
export function intakeOf(keyring: Sealer, protocol: Protocol, request: CodeRequest): Intake {
  const { provider, client } = protocol;
  const {
    code,
    redirectUri,
    codeVerifier,
    nonce,
    isNonceOptional,
    isNonceUnknown,
    externalId,
    account,
    subject,
    moveExternalId,
    scopes,
    hold,
  } = request;
  const codeHash = hashOfCode(keyring, client.clientId, code.expose());
  const context: IntakeContext = {
    provider: provider.name,
    redirectUri,
    codeVerifier: codeVerifier?.expose(),
    nonce,
    isNonceOptional: isNonceOptional || undefined,
    isNonceUnknown: isNonceUnknown || undefined,
    idempotencyKey: request.idempotencyKey?.expose(),
    externalId,
    account,
    subject,
    moveExternalId: moveExternalId || undefined,
    scopes,
    hold,
  };
  // JSON leaves out what is undefined.
  const contextText = JSON.stringify(context);
  return { protocol, codeHash, contextText, key: `${codeHash.toString("hex")} ${contextText}` };
}

/** Seals what was requested. */
export function sealContext(keyring: Sealer, { codeHash, protocol, contextText }: KnownIntake): Buffer {
  return keyring.seal(contextText, intakePlace("context", codeHash, protocol.client.clientId));
}

/** Seals the provider's answer for the journal. */
export function sealAnswer(
  keyring: Sealer,
  { codeHash, protocol }: Omit<KnownIntake, "contextText">,
  received: ReceivedTokens,
): Buffer {
  return keyring.seal(journalText(received).expose(), intakePlace("answer", codeHash, protocol.client.clientId));
}

/** Seals the answer to a code for the rescue journal, with what is needed to finish the sign-in without the store. */
export function sealCodeForRescue(keyring: Sealer, intake: KnownIntake, received: ReceivedTokens): RescuedCodeAnswer {
  return {
    codeHash: intake.codeHash,
    clientId: intake.protocol.client.clientId,
    contextSealed: sealContext(keyring, intake),
    answerSealed: sealAnswer(keyring, intake, received),
  };
}

/** What is left to do about an answer that was stored without the journal. */
type AfterStoring<T> = () => Promise<T>;

/**
 * Keeps the provider's answer in the journal, before anything that can fail is done with it: it may be the only copy of the
 * refresh token.
 *
 * @param atOnce stores what comes of the answer in the place of the journal, where it need not wait for anybody; resolves with
 *   undefined where it must. It is tried once
 * @returns what `atOnce` gave
 */
export function journalAnswer<T>(
  context: KeeperContext,
  intake: KnownIntake,
  received: ReceivedTokens,
  atOnce?: () => Promise<AfterStoring<T> | undefined>,
): DurableWrite<AfterStoring<T> | undefined> {
  const { store, keyring, emit } = context;
  const rescue = rescueUnlessStored(context, () => sealCodeForRescue(keyring, intake, received));
  let untried = atOnce;
  async function write(): Promise<AfterStoring<T> | undefined> {
    const storing = untried;
    // Where this fails, the answer must be kept before anything is done with it again.
    untried = undefined;
    const after = await storing?.();
    if (after === undefined) {
      await store.journalAnswer(intake.codeHash, sealAnswer(keyring, intake, received), sealContext(keyring, intake));
    }
    await rescue.stored();
    return after;
  }
  return storeDurably(context, write, {
    during: "the journal of an answer",
    callerWaitsMs,
    async onFailure(error, failures) {
      // Whatever the failure is, the answer must not be lost when this process ends.
      await rescue.now();
      if (failures > 1 || !isOnbehalfError(error)) return;
      emit({ type: "store_failed", during: "the journal of an answer", message: error.message });
    },
  });
}

/** What is done with an answer. */
interface Storing<T> {
  /** Once it is in the journal. */
  readonly fromJournal: (received: ReceivedTokens) => Promise<T>;
  /** In the place of the journal, as {@link journalAnswer} says. Absent: each answer goes into the journal. */
  readonly atOnce?: (received: ReceivedTokens) => Promise<AfterStoring<T> | undefined>;
}

/**
 * Sends what an intake is about, keeps the answer before it is checked by anything that may take long, and stores what comes
 * of it. The work goes on when the caller does not wait for it any more.
 *
 * @param send throws where no tokens come back
 * @param what it is, where an error is nobody's fault
 * @throws {OnbehalfError} `store_unavailable`: the store does not take the answer in time; what `send` and `storing` throw
 */
export async function sendAndStore<T>(
  context: KeeperContext,
  intake: Intake,
  send: () => Promise<ReceivedTokens>,
  { fromJournal, atOnce }: Storing<T>,
  what: "a sign-in" | "a deposit",
): Promise<T> {
  const { running, onFault } = context;
  const workId = workIdOf(intake.codeHash);
  const unlist = (): boolean => running.delete(workId);
  running.add(workId);
  let received: ReceivedTokens;
  try {
    received = await send();
  } catch (error) {
    unlist();
    throw error;
  }
  // If this process dies, the answer is the only copy of the new refresh token.
  const journal = journalAnswer(context, intake, received, atOnce && (() => atOnce(received)));
  const done = journal.stored.then((after) => (after === undefined ? fromJournal(received) : after()));
  done.then(unlist, unlist);
  const soon = await journal.soon;
  if (soon.kind === "stored") return done;
  done.catch((error: unknown) => {
    // No caller waits for it any more. An OnbehalfError has been told by an event, or upkeep does it again.
    if (!isOnbehalfError(error)) onFault(error, what);
  });
  throw soon.error;
}

/** What was requested, as text; undefined where it does not open. */
export function openContext(
  keyring: Sealer,
  { codeHash, clientId, contextSealed }: Pick<IntakeRow, "codeHash" | "clientId" | "contextSealed">,
): string | undefined {
  return keyring.open(contextSealed, intakePlace("context", codeHash, clientId));
}

/** What was requested; undefined where it does not open. */
export function askedBy(keyring: Sealer, row: Parameters<typeof openContext>[1]): IntakeContext | undefined {
  const text = openContext(keyring, row);
  return text === undefined ? undefined : (JSON.parse(text) as IntakeContext);
}

/** The grant that a code has become; undefined where it has become none, or the row does not prove which. */
export async function grantOf(
  { store, keyring }: Pick<KeeperContext, "store" | "keyring">,
  { state, codeHash, grantId, endedAt, resultMac: mac }: IntakeRow,
): Promise<GrantRow | undefined> {
  if (state !== "done" || grantId === null) return undefined;
  // Whoever writes the database could let a code of their own mean the grant of somebody else.
  return isMac(mac, resultMac(keyring, codeHash, grantId, endedAt ?? 0)) ? store.grantById(grantId) : undefined;
}

/** The provider's answer; undefined where there is none yet, or it does not open. */
export function openAnswer(
  keyring: Sealer,
  { codeHash, clientId, answerSealed }: Pick<IntakeRow, "codeHash" | "clientId" | "answerSealed">,
): ReceivedTokens | undefined {
  if (answerSealed === null) return undefined;
  const text = keyring.open(answerSealed, intakePlace("answer", codeHash, clientId));
  return text === undefined ? undefined : readJournal(text);
}

/** Under which name work on an intake is listed in this process. */
export function workIdOf(codeHash: Uint8Array): string {
  return `intake:${Buffer.from(codeHash).toString("hex")}`;
}

/** Where what is kept of a code stands. */
export function intakePlace(
  what: "answer" | "context" | "assertion",
  codeHash: Uint8Array,
  clientId: string,
): SealedPlace {
  return { clientId, column: `intakes.${what}`, recordId: Buffer.from(codeHash).toString("hex"), generation: 0 };
}
