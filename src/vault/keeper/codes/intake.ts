import { codeHash as hashOfCode, isMac, resultMac } from "../../../crypto/keyring.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { SealedPlace } from "../../../crypto/places.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { fromJournal, journalText } from "../../../oauth/token-set.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { KeeperContext } from "../context.ts";
import type { CodeRequest, Hold } from "../keeper.ts";

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
  readonly moveExternalId?: true | undefined;
  readonly scopes: readonly string[];
  readonly hold?: Hold | undefined;
  /** What becomes of an answer that was held. Absent: it is held still, or never was. */
  readonly end?: "finish" | "discard";
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
    moveExternalId: moveExternalId || undefined,
    scopes,
    hold,
  };
  // JSON leaves out what is undefined.
  const contextText = JSON.stringify(context);
  return { protocol, codeHash, contextText, key: `${codeHash.toString("hex")} ${contextText}` };
}

/** Seals what was requested. */
export function sealContext(keyring: Sealer, { codeHash, protocol, contextText }: Intake): Buffer {
  return keyring.seal(contextText, intakePlace("context", codeHash, protocol.client.clientId));
}

/** Seals the provider's answer for the journal. */
export function sealAnswer(
  keyring: Sealer,
  { codeHash, protocol }: Pick<Intake, "codeHash" | "protocol">,
  received: ReceivedTokens,
): Buffer {
  return keyring.seal(journalText(received).expose(), intakePlace("answer", codeHash, protocol.client.clientId));
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
  return text === undefined ? undefined : fromJournal(text);
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
