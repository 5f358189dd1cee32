import { isOnbehalfError } from "../../../core/errors.ts";
import type { OnbehalfError } from "../../../core/errors.ts";
import { isUsable } from "../../../core/grant.ts";
import { claimedSubject } from "../../../oauth/id-token.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { TokenAnswer } from "../../../core/refresh.ts";
import type { GrantRow, IntakeRow } from "../../../store/store.ts";
import { afterCodeError } from "./after-code-error.ts";
import type { CodeRequest } from "./code-request.ts";
import { storeConsent } from "./store-consent.ts";
import type { Consent } from "./store-consent.ts";
import { gateOf, holderOf } from "../../context.ts";
import type { KeeperContext } from "../../context.ts";
import type { Permit } from "../gate/gate.ts";
import { IntakeJournal, contextTextOf } from "./intake-journal.ts";
import type { IntakeContext } from "./intake-journal.ts";
import { clientMisconfigured, providerUnavailable } from "../../errors/provider-errors.ts";
import { subjectHash } from "../../grants/sealed-grant.ts";
import { codeRejected, codeReused, idTokenMissing, rejectionOf, rejectionText } from "./code-rejection.ts";

/** For this long the same request gives the same result: a phone that lost the answer tries again. */
const replayMs = 60_000;
/** How often a living owner's intake is looked at, and for how long in all, milliseconds. */
const pollMs = 50;
const longestWaitMs = 45_000;

/** Takes codes in: spends each once, keeps the answer before checking it, stores the grant. */
export class Intake {
  readonly #context: KeeperContext;
  readonly #journal: IntakeJournal;

  constructor(context: KeeperContext) {
    this.#context = context;
    this.#journal = new IntakeJournal(context);
  }

  /** Tells requests apart: only the very same one may be joined. Another nonce or user id is answered on its own. */
  requestKey(protocol: Protocol, request: CodeRequest): string {
    return `${this.#journal.codeHash(protocol, request).toString("hex")} ${contextTextOf(protocol, request)}`;
  }

  /**
   * Exchanges a code, or gives the result it gave before.
   *
   * @throws {OnbehalfError} `code_rejected`, `id_token_invalid`, `client_misconfigured`, `provider_unavailable`,
   *   `store_unavailable`
   */
  async exchangeCode(protocol: Protocol, request: CodeRequest): Promise<GrantRow> {
    const { store, owner, clock, sleep } = this.#context;
    const { clientId } = protocol.client;
    const codeHash = this.#journal.codeHash(protocol, request);
    const contextText = contextTextOf(protocol, request);
    const contextSealed = this.#journal.sealContext(codeHash, clientId, contextText);
    let replaces: { startedAt: number } | undefined;
    for (let waitedMs = 0; waitedMs < longestWaitMs; waitedMs += pollMs) {
      const begun = await store.beginIntake({ codeHash, clientId, owner, contextSealed }, clock.now(), replaces);
      if (begun.kind === "begun") return this.#spend(protocol, request, codeHash);
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
        if (this.#journal.openContext(known) !== contextText) throw this.#reused(protocol);
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
   * @throws {OnbehalfError} as {@link exchangeCode}
   */
  async finish(protocol: Protocol, intake: IntakeRow): Promise<GrantRow> {
    return this.#holding(intake.codeHash, async () => {
      const answer = this.#journal.openAnswer(intake);
      const contextText = this.#journal.openContext(intake);
      if (answer === undefined || contextText === undefined) {
        // Nothing can be made of it, by anybody: the person has to sign in again.
        const rejection = rejectionText(codeReused());
        await this.#context.store.rejectIntake(intake.codeHash, rejection, this.#context.clock.now(), "answered");
        throw codeReused();
      }
      const { nonce, externalId, scopes } = JSON.parse(contextText) as IntakeContext;
      return this.#verifyAndStore(protocol, intake.codeHash, nonce, {
        ...answer,
        requestedScopes: scopes,
        ...(externalId === undefined ? {} : { externalId }),
      });
    });
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

  /** Spends a code. Its work outlives the wait: while the store is away, it goes on when the caller has been told. */
  #spend(protocol: Protocol, request: CodeRequest, codeHash: Uint8Array): Promise<GrantRow> {
    return new Promise((resolve, reject) => {
      const work = async (): Promise<GrantRow> => {
        const answer = await this.#exchange(protocol, request, codeHash);
        // Stored before it is checked: if we fail now, this response is the only copy of the new refresh token.
        await this.#journal.keepAnswer(codeHash, protocol.client.clientId, answer, reject);
        const { nonce, externalId, scopes } = request;
        return this.#verifyAndStore(protocol, codeHash, nonce, {
          ...answer,
          requestedScopes: scopes,
          ...(externalId === undefined ? {} : { externalId }),
        });
      };
      this.#holding(codeHash, work).then(resolve, reject);
    });
  }

  /** Sends the code. Where no tokens come back, the intake ends as the refusal says, and the error is thrown. */
  async #exchange(
    protocol: Protocol,
    { code, redirectUri, codeVerifier }: CodeRequest,
    codeHash: Uint8Array,
  ): Promise<Pick<Consent, "tokens" | "receivedAt">> {
    const { store, clock } = this.#context;
    const gate = gateOf(this.#context, protocol.provider.name);
    const admission = await gate.admit("interactive");
    if (admission.kind === "wait") {
      const { refusedWith } = gate;
      await store.forgetIntake(codeHash);
      throw refusedWith === undefined
        ? unavailable(protocol, admission.error, admission.waitMs)
        : misconfigured(protocol, refusedWith);
    }
    const receivedAt = clock.now();
    const { pass } = admission;
    try {
      const { answer, tokens } = await protocol.exchangeCode({
        code,
        ...(redirectUri === undefined ? {} : { redirectUri }),
        ...(codeVerifier === undefined ? {} : { codeVerifier }),
      });
      if (tokens === undefined) throw await this.#refused(protocol, answer, codeHash, pass);
      pass.success();
      return { tokens, receivedAt };
    } finally {
      pass.release();
    }
  }

  async #refused(protocol: Protocol, answer: TokenAnswer, codeHash: Uint8Array, pass: Permit): Promise<OnbehalfError> {
    const { store, clock, emit } = this.#context;
    const { provider, client } = protocol;
    const verdict = afterCodeError(answer, provider.refusals);
    if (verdict.do === "reject") {
      pass.success();
      const error = codeRejected(verdict.error);
      // Out of `spending` only: the refusal may be of a code whose answer somebody slower than us is journalling.
      await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "spending");
      emit({ type: "code_rejected", provider: provider.name, error: error.message });
      return error;
    }
    // The code was not spent, as far as anybody knows: it may come again, corrected or not.
    await store.forgetIntake(codeHash);
    switch (verdict.do) {
      case "correct": {
        pass.success();
        const error = codeRejected(verdict.error);
        emit({ type: "code_rejected", provider: provider.name, error: error.message });
        return error;
      }
      case "alert-operator":
        if (pass.clientRefused(verdict.error)) {
          emit({ type: "client_refused", provider: provider.name, clientId: client.clientId, error: verdict.error });
        }
        return misconfigured(protocol, verdict.error);
      case "retry": {
        const { error, afterMs = 0, limited } = verdict;
        const shutForMs = pass.failure({ retryAfterMs: afterMs, limited });
        return unavailable(protocol, error, Math.max(afterMs, shutForMs, 1_000));
      }
    }
  }

  async #verifyAndStore(
    protocol: Protocol,
    codeHash: Uint8Array,
    nonce: string | undefined,
    answer: Omit<Consent, "profile">,
  ): Promise<GrantRow> {
    const { tokens } = answer;
    try {
      if (tokens.idToken === undefined) throw idTokenMissing();
      const profile = await protocol.verifyIdToken(tokens.idToken, {
        accessToken: tokens.accessToken,
        ...(nonce === undefined ? {} : { nonce }),
      });
      return await storeConsent(this.#context, protocol, codeHash, { ...answer, profile });
    } catch (error) {
      if (!isOnbehalfError(error, "id_token_invalid")) throw error;
      await this.#quarantine(protocol, codeHash, answer, error);
      throw error;
    }
  }

  /** Ends what was issued to somebody whose identity did not verify. Nothing of it was handed out. */
  async #quarantine(
    protocol: Protocol,
    codeHash: Uint8Array,
    { tokens }: Pick<Consent, "tokens">,
    error: OnbehalfError<"id_token_invalid">,
  ): Promise<void> {
    const { store, clock, emit } = this.#context;
    const { check } = error.details;
    emit({ type: "id_token_refused", provider: protocol.provider.name, check });
    if (await this.#mayRevoke(protocol, tokens)) {
      const reply = await protocol.revoke(tokens.refreshToken ?? tokens.accessToken);
      // The journal keeps what was issued until the provider has confirmed its end: upkeep comes back for it.
      if (reply.kind === "failed") return;
    }
    await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
  }

  /**
   * Whether revoking these tokens ends nothing else. Where it would end the person's healthy grant as well, whoever
   * sends somebody else's code with a wrong nonce could have it ended. And tokens that merely came without an identity
   * are sound.
   */
  async #mayRevoke({ provider }: Protocol, { idToken }: Consent["tokens"]): Promise<boolean> {
    if (idToken === undefined) return false;
    const subject = claimedSubject(idToken);
    if (!provider.revocationEndsSiblings || subject === undefined) return true;
    const { store, keyring } = this.#context;
    const grants = await store.grantsBySubject(subjectHash(keyring, provider.issuer, subject));
    return !grants.some(({ state }) => isUsable(state));
  }

  async #replay(protocol: Protocol, known: IntakeRow, contextText: string): Promise<GrantRow> {
    const { store, clock } = this.#context;
    const recent = clock.now() - (known.endedAt ?? 0) <= replayMs;
    if (recent && this.#journal.openContext(known) === contextText) {
      if (known.rejection !== null) throw rejectionOf(known.rejection);
      const row = known.grantId === null ? undefined : await store.grantById(known.grantId);
      if (row !== undefined) return row;
    }
    throw this.#reused(protocol);
  }

  #reused({ provider }: Protocol): OnbehalfError<"code_rejected"> {
    this.#context.emit({ type: "code_reused", provider: provider.name });
    return codeReused();
  }
}

function runningId(codeHash: Uint8Array): string {
  return `intake:${Buffer.from(codeHash).toString("hex")}`;
}

function unavailable({ provider }: Protocol, why: string, retryAfterMs: number): OnbehalfError<"provider_unavailable"> {
  const { name, issuer } = provider;
  const reassurance = "nothing was lost, and the same code may be sent again while it lives";
  return providerUnavailable(`${name} did not exchange the code`, why, reassurance, { issuer, retryAfterMs });
}

function misconfigured({ provider, client }: Protocol, error: string): OnbehalfError<"client_misconfigured"> {
  const { name, issuer } = provider;
  return clientMisconfigured({ provider: name, clientId: client.clientId, issuer }, error);
}
