import { isOnbehalfError } from "../../../core/errors.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { fromJournal, journalText } from "../../../oauth/token-set.ts";
import { backOffMs } from "../../../core/refresh.ts";
import type { IntakeRow } from "../../../store/store.ts";
import type { CodeRequest } from "./code-request.ts";
import type { ReceivedTokens } from "../refresh/commit-answer.ts";
import type { KeeperContext } from "../../context.ts";

/** What an intake must remember to be finished by somebody else. */
export interface IntakeContext {
  readonly provider: string;
  readonly redirectUri?: string;
  readonly codeVerifier?: string;
  readonly nonce?: string;
  readonly externalId?: string;
  readonly scopes: readonly string[];
}

/** After so many failures callers wait no longer; the journal is tried on. */
const failuresBeforeAnswer = 4;

/** The sealed parts of intakes: what was asked, and what the provider answered. Codes themselves are stored nowhere. */
export class IntakeJournal {
  readonly #context: KeeperContext;

  constructor(context: KeeperContext) {
    this.#context = context;
  }

  /** Where a code's intake is filed. */
  codeHash({ client }: Protocol, { code }: CodeRequest): Buffer {
    return this.#context.keyring.hash("code", client.clientId, code.expose());
  }

  sealContext(codeHash: Uint8Array, clientId: string, text: string): Buffer {
    return this.#context.keyring.seal("refresh", text, placeOf("context", codeHash, clientId));
  }

  /** Undefined where it does not open. */
  openContext({ codeHash, clientId, contextSealed }: IntakeRow): string | undefined {
    return this.#context.keyring.open("refresh", contextSealed, placeOf("context", codeHash, clientId));
  }

  /** Undefined where there is none, or it does not open. */
  openAnswer({ codeHash, clientId, answerSealed }: IntakeRow): ReceivedTokens | undefined {
    if (answerSealed === null) return undefined;
    const text = this.#context.keyring.open("refresh", answerSealed, placeOf("answer", codeHash, clientId));
    return text === undefined ? undefined : fromJournal(text);
  }

  /**
   * Keeps an answer, however long the store takes to come back: the code is spent, and this is the only copy.
   *
   * @param onTrouble told once that the store fails for longer than a caller should wait
   */
  async keepAnswer(
    codeHash: Uint8Array,
    clientId: string,
    { tokens, receivedAt }: ReceivedTokens,
    onTrouble: (error: unknown) => void,
  ): Promise<void> {
    const { store, keyring, sleep, random, emit } = this.#context;
    const text = journalText(tokens, receivedAt).expose();
    const sealed = keyring.seal("refresh", text, placeOf("answer", codeHash, clientId));
    for (let failures = 1; ; failures++) {
      try {
        await store.journalAnswer(codeHash, sealed);
        return;
      } catch (error) {
        if (!isOnbehalfError(error, "store_unavailable")) throw error;
        if (failures === 1) emit({ type: "store_failed", during: "the journal of an answer", message: error.message });
        if (failures === failuresBeforeAnswer) onTrouble(error);
        await sleep(50 + backOffMs(failures, random(), 100, 5_000));
      }
    }
  }
}

/** The facts of a request, in one fixed order, so that equal requests have equal texts. */
export function contextTextOf(
  { provider }: Protocol,
  { redirectUri, codeVerifier, nonce, externalId, scopes }: CodeRequest,
): string {
  const context: IntakeContext = {
    provider: provider.name,
    ...(redirectUri === undefined ? {} : { redirectUri }),
    ...(codeVerifier === undefined ? {} : { codeVerifier: codeVerifier.expose() }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(externalId === undefined ? {} : { externalId }),
    scopes,
  };
  return JSON.stringify(context);
}

function placeOf(
  what: "answer" | "context",
  codeHash: Uint8Array,
  clientId: string,
): { clientId: string; column: string; recordId: string; generation: number } {
  return { clientId, column: `intakes.${what}`, recordId: Buffer.from(codeHash).toString("hex"), generation: 0 };
}
