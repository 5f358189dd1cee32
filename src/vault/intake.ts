import { OnbehalfError, isOnbehalfError } from "../errors.ts";
import type { Protocol } from "../oauth/protocol.ts";
import { fromJournal, journalText } from "../oauth/token-set.ts";
import { afterAnswer, standardRefusals } from "../refresh.ts";
import type { TokenAnswer } from "../refresh.ts";
import type { GrantRow, IntakeRow } from "../store/store.ts";
import type { CodeRequest } from "./code-request.ts";
import { gateOf, holderOf } from "./context.ts";
import type { CustodyContext } from "./context.ts";
import { codeRejected, codeReused, idTokenMissing, isRejection, rejectionOf, rejectionText } from "./rejection.ts";
import { storeConsent } from "./consent.ts";
import type { Consent } from "./consent.ts";

/** For this long the same request gives the same result: a phone that lost the answer tries again. */
const replayMs = 60_000;
/** How often a living owner's intake is looked at, and for how long in all, milliseconds. */
const pollMs = 50;
const longestWaitMs = 45_000;

/** What an intake must remember to be finished by somebody else. Sealed. */
interface IntakeContext {
  readonly provider: string;
  readonly redirectUri?: string;
  readonly codeVerifier?: string;
  readonly nonce?: string;
  readonly externalId?: string;
  readonly scopes: readonly string[];
}

/** Takes codes in: spends each once, keeps the answer before checking it, stores the grant. */
export class Intake {
  readonly #context: CustodyContext;

  constructor(context: CustodyContext) {
    this.#context = context;
  }

  /** Tells requests apart: only the very same one may be joined. Another nonce or user id is answered on its own. */
  requestKey(protocol: Protocol, request: CodeRequest): string {
    return JSON.stringify([this.#codeHash(protocol, request).toString("hex"), contextOf(protocol, request)]);
  }

  /**
   * Exchanges a code, or gives the result it gave before.
   *
   * @throws {OnbehalfError} `code_rejected`, `id_token_invalid`, `client_misconfigured`, `provider_unavailable`,
   *   `store_unavailable`
   */
  async take(protocol: Protocol, request: CodeRequest): Promise<GrantRow> {
    const { store, owner, clock, sleep } = this.#context;
    const codeHash = this.#codeHash(protocol, request);
    const contextText = JSON.stringify(contextOf(protocol, request));
    const intake = {
      codeHash,
      clientId: protocol.client.clientId,
      owner,
      contextSealed: this.#seal("context", codeHash, protocol.client.clientId, contextText),
    };
    let replaces: { startedAt: number } | undefined;
    for (let waitedMs = 0; waitedMs < longestWaitMs; waitedMs += pollMs) {
      const begun = await store.beginIntake(intake, clock.now(), replaces);
      if (begun.kind === "begun") return this.#holding(codeHash, () => this.#spend(protocol, request, codeHash));
      const { intake: known } = begun;
      if (known.state === "done" || known.state === "rejected") return this.#replay(protocol, known, contextText);
      if (await this.isUnderWay(known)) {
        await sleep(pollMs);
        continue;
      }
      // Its owner is gone, or gave up half-way. An answer that came is finished; without one, the same code is sent
      // again: it may never have left, and if it did, the provider's refusal says so.
      if (known.state === "answered") {
        // Finishing it would give the first request's grant to somebody who only got hold of its code.
        if (!this.#isSame(known, contextText)) throw this.#reused(protocol);
        return this.finish(protocol, known);
      }
      replaces = { startedAt: known.startedAt };
    }
    throw unavailable(protocol, "code_exchange_under_way_elsewhere", 1_000);
  }

  /** Whether somebody is at work on an intake: only one that was given up may be taken over. */
  async isUnderWay({ codeHash, owner, startedAt }: IntakeRow): Promise<boolean> {
    const liveness = await holderOf(this.#context, owner, runningId(codeHash));
    if (liveness === "unknown") return this.#context.clock.now() - startedAt < longestWaitMs;
    return liveness !== "dead";
  }

  /**
   * Finishes an intake whose answer is in the journal.
   *
   * @throws {OnbehalfError} as {@link take}
   */
  async finish(protocol: Protocol, intake: IntakeRow): Promise<GrantRow> {
    return this.#holding(intake.codeHash, () => this.#finish(protocol, intake));
  }

  /** Marks an intake as ours to work on while `work` runs. */
  async #holding<T>(codeHash: Uint8Array, work: () => Promise<T>): Promise<T> {
    const id = runningId(codeHash);
    this.#context.running.add(id);
    try {
      return await work();
    } finally {
      this.#context.running.delete(id);
    }
  }

  async #finish(protocol: Protocol, { codeHash, clientId, answerSealed, contextSealed }: IntakeRow): Promise<GrantRow> {
    const { store } = this.#context;
    const text = answerSealed === null ? undefined : this.#open("answer", codeHash, clientId, answerSealed);
    const contextText = this.#open("context", codeHash, clientId, contextSealed);
    const answer = text === undefined ? undefined : fromJournal(text);
    if (answer === undefined || contextText === undefined) {
      // Nothing can be made of it, by anybody: the person has to sign in again.
      await store.rejectIntake(codeHash, rejectionText(codeReused()), this.#context.clock.now(), "answered");
      throw codeReused();
    }
    const { nonce, externalId, scopes } = JSON.parse(contextText) as IntakeContext;
    return this.#verifyAndStore(protocol, codeHash, {
      ...answer,
      requestedScopes: scopes,
      ...(nonce === undefined ? {} : { nonce }),
      ...(externalId === undefined ? {} : { externalId }),
    });
  }

  async #spend(protocol: Protocol, request: CodeRequest, codeHash: Buffer): Promise<GrantRow> {
    const { store, clock, emit } = this.#context;
    const { code, redirectUri, codeVerifier, nonce, externalId } = request;
    const gate = gateOf(this.#context, protocol.provider.name);
    const admission = await gate.admit("caller");
    if (admission.kind === "wait") {
      await store.forgetIntake(codeHash);
      throw unavailable(protocol, admission.error, admission.waitMs);
    }
    const receivedAt = clock.now();
    const { answer, tokens } = await protocol
      .exchangeCode({
        code,
        ...(redirectUri === undefined ? {} : { redirectUri }),
        ...(codeVerifier === undefined ? {} : { codeVerifier }),
      })
      .finally(() => gate.released());
    if (tokens === undefined) {
      const error = this.#refusal(protocol, answer);
      if (isRejection(error)) {
        // Out of `spending` only: the refusal may be of a code whose answer somebody slower than us is journalling.
        await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "spending");
        emit({ type: "code_rejected", provider: protocol.provider.name, error: error.message });
      } else {
        await store.forgetIntake(codeHash);
      }
      throw error;
    }
    gate.succeeded();
    // Stored before it is checked: if we fail now, this response is the only copy of the new refresh token.
    const sealed = this.#seal("answer", codeHash, protocol.client.clientId, journalText(tokens, receivedAt).expose());
    await store.journalAnswer(codeHash, sealed);
    return this.#verifyAndStore(protocol, codeHash, {
      tokens,
      receivedAt,
      requestedScopes: request.scopes,
      ...(nonce === undefined ? {} : { nonce }),
      ...(externalId === undefined ? {} : { externalId }),
    });
  }

  async #verifyAndStore(
    protocol: Protocol,
    codeHash: Uint8Array,
    answer: Omit<Consent, "profile"> & { readonly nonce?: string },
  ): Promise<GrantRow> {
    const { store, clock, emit } = this.#context;
    const { tokens, nonce } = answer;
    const provider = protocol.provider.name;
    try {
      if (tokens.idToken === undefined) throw idTokenMissing();
      const profile = await protocol.verifyIdToken(tokens.idToken, {
        accessToken: tokens.accessToken,
        ...(nonce === undefined ? {} : { nonce }),
      });
      return await storeConsent(this.#context, protocol, codeHash, { ...answer, profile });
    } catch (error) {
      if (!isOnbehalfError(error, "id_token_invalid")) throw error;
      emit({ type: "id_token_refused", provider, check: error.details.check });
      // A token that merely came without an identity is sound; ending it would end the person's other grants, too.
      if (error.details.check !== "missing") {
        const reply = await protocol.revoke(tokens.refreshToken ?? tokens.accessToken);
        // The journal keeps what was issued until the provider has confirmed its end: upkeep comes back for it.
        if (reply.kind === "failed") throw error;
      }
      await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
      throw error;
    }
  }

  async #replay(protocol: Protocol, known: IntakeRow, contextText: string): Promise<GrantRow> {
    const { store, clock } = this.#context;
    const recent = clock.now() - (known.endedAt ?? 0) <= replayMs;
    if (recent && this.#isSame(known, contextText)) {
      if (known.rejection !== null) throw rejectionOf(known.rejection);
      const row = known.grantId === null ? undefined : await store.grantById(known.grantId);
      if (row !== undefined) return row;
    }
    throw this.#reused(protocol);
  }

  /** Whether an intake was begun by the very same request. */
  #isSame({ codeHash, clientId, contextSealed }: IntakeRow, contextText: string): boolean {
    return this.#open("context", codeHash, clientId, contextSealed) === contextText;
  }

  #reused({ provider }: Protocol): OnbehalfError<"code_rejected"> {
    this.#context.emit({ type: "code_reused", provider: provider.name });
    return codeReused();
  }

  /** What a refusal of a code means. Only a refusal of the code itself ends it. */
  #refusal(protocol: Protocol, answer: TokenAnswer): OnbehalfError {
    const { provider, client } = protocol;
    const gate = gateOf(this.#context, provider.name);
    // Another client's code, and a redirect_uri that does not fit, are mistakes of the sign-in, not of our set-up.
    const aboutTheCode =
      answer.kind === "refusal" &&
      answer.status < 429 &&
      /^(?:redirect_uri_mismatch|unauthorized_client|invalid_request|invalid_scope)$/.test(answer.error);
    if (aboutTheCode) return codeRejected(answer.error);
    const verdict = afterAnswer(answer, { ...standardRefusals, ...provider.refusals });
    switch (verdict.do) {
      case "second-look":
        gate.succeeded();
        return codeRejected(answer.kind === "refusal" ? answer.error : verdict.error);
      case "alert-operator":
        if (gate.refused(verdict.error)) {
          this.#context.emit({
            type: "client_refused",
            provider: provider.name,
            clientId: client.clientId,
            error: verdict.error,
          });
        }
        return new OnbehalfError(
          "client_misconfigured",
          `${provider.name} refused client ${client.clientId} (${verdict.error})`,
          {
            hint: "the client's secret was changed or the client was deleted: download client_secret.json again",
            details: { issuer: provider.issuer, clientId: client.clientId, providerError: verdict.error },
          },
        );
      case "retry":
        gate.failed(verdict.afterMs);
        return unavailable(protocol, verdict.error, verdict.afterMs ?? 1_000);
      case "commit":
        return unavailable(protocol, "no_access_token", 1_000);
    }
  }

  /** Where a code's intake is filed. The code itself is stored nowhere. */
  #codeHash({ client }: Protocol, { code }: CodeRequest): Buffer {
    return this.#context.keyring.hash("code", client.clientId, code.expose());
  }

  #seal(what: "answer" | "context", codeHash: Uint8Array, clientId: string, text: string): Buffer {
    return this.#context.keyring.seal("refresh", text, placeOf(what, codeHash, clientId));
  }

  #open(what: "answer" | "context", codeHash: Uint8Array, clientId: string, sealed: Uint8Array): string | undefined {
    return this.#context.keyring.open("refresh", sealed, placeOf(what, codeHash, clientId));
  }
}

function runningId(codeHash: Uint8Array): string {
  return `intake:${Buffer.from(codeHash).toString("hex")}`;
}

function placeOf(
  what: string,
  codeHash: Uint8Array,
  clientId: string,
): { clientId: string; column: string; recordId: string; generation: number } {
  return { clientId, column: `intakes.${what}`, recordId: Buffer.from(codeHash).toString("hex"), generation: 0 };
}

function contextOf(
  { provider }: Protocol,
  { redirectUri, codeVerifier, nonce, externalId, scopes }: CodeRequest,
): IntakeContext {
  return {
    provider: provider.name,
    ...(redirectUri === undefined ? {} : { redirectUri }),
    ...(codeVerifier === undefined ? {} : { codeVerifier: codeVerifier.expose() }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(externalId === undefined ? {} : { externalId }),
    scopes,
  };
}

function unavailable({ provider }: Protocol, why: string, retryAfterMs: number): OnbehalfError<"provider_unavailable"> {
  return new OnbehalfError("provider_unavailable", `${provider.name} did not answer the exchange (${why})`, {
    hint: "nothing was lost: send the same code again shortly",
    details: { issuer: provider.issuer, retryAfterMs },
  });
}
