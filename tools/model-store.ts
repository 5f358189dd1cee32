/**
 * The one model of a store: what `Store` promises, as plainly as it can be said. Maps, one caller at a time, no failures.
 *
 * Two rely on it. The property tests (test/store/properties.ts) hold SQLite and PostgreSQL to it, operation by
 * operation. The simulator (tools/simulator/) runs the refresh protocol on it, with faults around each operation. So what
 * the simulator proves of the protocol holds for the real databases: a model of its own could differ from them unseen.
 */
import { grantEvents } from "../src/core/events/grant-events.ts";
import type { Doubt, EventDiagnosis, GrantBefore } from "../src/core/events/grant-events.ts";
import { isInFuture, remainingMs } from "../src/core/recorded-time.ts";
import { isUsable } from "../src/core/grant.ts";
import { numbersLeftOut } from "../src/core/epoch.ts";
import type { StoreMark } from "../src/core/epoch.ts";
import { isDueForLastLook } from "../src/core/second-look.ts";
import type { Attempt } from "../src/core/take-over.ts";
import { takeOverLimitMs } from "../src/core/timing.ts";
import type { DepositRow } from "../src/store/deposit-store.ts";
import type { EpochRow } from "../src/store/epoch-store.ts";
import type { EventRow } from "../src/store/event-store.ts";
import type { GrantRow } from "../src/store/grant-row.ts";
import type { LifeRow } from "../src/store/life-store.ts";
import type { LateAnswerRow } from "../src/store/refresh-store.ts";
import { foundTokenRowOf, tokenRowOf } from "../src/store/suite/rows.ts";
import type { ExternalIdChange, Store } from "../src/store/store.ts";
import type { IntakeRow } from "../src/store/intake-store.ts";
import type { TicketRow } from "../src/store/ticket-store.ts";

/** What the model can do. A test fails for one of these that the property tests do not use. */
export const modelOperations = [
  "grantById",
  "grantsByExternalId",
  "tokenById",
  "tokensBySubject",
  "tokensByExternalId",
  "listGrants",
  "grantsToLookAt",
  "saveFromIntake",
  "beginRevocation",
  "endRevocation",
  "markSuspect",
  "beginAttempt",
  "commitAttempt",
  "endAttempt",
  "endAttemptUnknown",
  "lapse",
  "keepLateAnswer",
  "lateAnswersOf",
  "dropLateAnswer",
  "attempts",
  "beginIntake",
  "intakeByCode",
  "journalAnswer",
  "takeIntake",
  "rejectIntake",
  "keepAssertion",
  "holdIntake",
  "releaseIntake",
  "heldIntakes",
  "forgetIntake",
  "openIntakes",
  "sweepIntakes",
  "sweepRejected",
  "insertTicket",
  "ticketByHash",
  "bindTicket",
  "sweepTickets",
  "depositByToken",
  "loseDeposit",
  "events",
  "eventHead",
  "deathsOf",
  "consentsOf",
  "epochState",
  "addMark",
  "epochs",
  "beginStandstill",
  "endStandstill",
  "lookAt",
] as const satisfies readonly (keyof Store)[];

export type ModelOperation = (typeof modelOperations)[number];

/** The same operations without promises: each one happens whole, at one moment. */
type Operations = {
  readonly [K in ModelOperation]: (...args: Parameters<Store[K]>) => Awaited<ReturnType<Store[K]>>;
};

/** By what a grant is known, its hashes as text. */
interface ModelTie {
  readonly user: string;
  readonly label: string;
  readonly clientId: string;
  readonly provider: string;
  readonly grantId: string;
}

/** Rows are replaced and never changed, so that a row that somebody has read stays as it was read. */
export class ModelStore implements Operations {
  readonly #grants = new Map<string, GrantRow>();
  /** By grant: there is one at most. */
  readonly #attempts = new Map<string, Attempt>();
  readonly #lateAnswers = new Map<string, LateAnswerRow>();
  readonly #intakes = new Map<string, IntakeRow>();
  readonly #tickets = new Map<string, TicketRow>();
  readonly #deposits = new Map<string, DepositRow>();
  /** By which of the app's user ids, and under which label, grants are known. */
  #ties: readonly ModelTie[] = [];
  #events: readonly EventRow[] = [];
  /** The numbers that were given out last. */
  #lastEvent = 0;
  #lastChange = 0;
  /** How far numbers go on beyond the last one: a store that was restored must give out none twice. */
  #jump = 0;
  #marks: readonly StoreMark[] = [];
  /** The newest last. */
  #epochs: readonly EpochRow[] = [];
  readonly #now: () => number;

  /** @param now the time of attempts, which real stores take from their database */
  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  /**
   * A copy with a life of its own: what transactions that share a commit have written before it. If they never come to it,
   * nothing of them was ever there.
   */
  draft(): ModelStore {
    const draft = new ModelStore(this.#now);
    draft.commit(this);
    return draft;
  }

  /** Becomes what a draft is: the commit of all that was written to it, at one moment. */
  commit(draft: ModelStore): void {
    replace(this.#grants, draft.#grants);
    replace(this.#attempts, draft.#attempts);
    replace(this.#lateAnswers, draft.#lateAnswers);
    replace(this.#intakes, draft.#intakes);
    replace(this.#tickets, draft.#tickets);
    replace(this.#deposits, draft.#deposits);
    this.#ties = draft.#ties;
    this.#events = draft.#events;
    this.#lastEvent = draft.#lastEvent;
    this.#lastChange = draft.#lastChange;
    this.#jump = draft.#jump;
    this.#marks = draft.#marks;
    this.#epochs = draft.#epochs;
  }

  grantById: Operations["grantById"] = (grantId) => this.#grants.get(grantId);

  grantsByExternalId: Operations["grantsByExternalId"] = (externalHash) =>
    this.listGrants({ externalHash, limit: Infinity });

  tokenById: Operations["tokenById"] = (grantId) => {
    const row = this.#grants.get(grantId);
    return row === undefined ? undefined : tokenRowOf(row);
  };

  tokensBySubject: Operations["tokensBySubject"] = (subjectHash) =>
    this.listGrants({ limit: Infinity })
      .filter((row) => textOf(row.subjectHash) === textOf(subjectHash))
      .map(foundTokenRowOf);

  tokensByExternalId: Operations["tokensByExternalId"] = (externalHash) =>
    this.grantsByExternalId(externalHash).map(foundTokenRowOf);

  listGrants: Operations["listGrants"] = ({ externalHash, account, limit }) => {
    const labels = account === undefined ? undefined : [account.accountHash, account.subjectHash].map(textOf);
    const isTied = (tie: ModelTie, grantId: string): boolean =>
      tie.grantId === grantId &&
      (externalHash === undefined || tie.user === textOf(externalHash)) &&
      (labels === undefined || labels.includes(tie.label));
    return [...this.#grants.values()]
      .filter(
        ({ grantId }) => (externalHash ?? account) === undefined || this.#ties.some((each) => isTied(each, grantId)),
      )
      .sort((a, b) => byText(a.grantId, b.grantId))
      .slice(0, limit);
  };

  grantsToLookAt: Operations["grantsToLookAt"] = (before, limit, after) =>
    [...this.#grants.values()]
      .filter(({ lookAt }) => lookAt !== null && lookAt < before)
      .sort(byLook)
      .filter((grant) => after === undefined || byLook(grant, after) > 0)
      .slice(0, limit);

  saveFromIntake: Operations["saveFromIntake"] = (
    row,
    madeFrom,
    codeHash,
    externalIds,
    resultMac?,
    { isAgain = false, isDeposit = false, from } = {},
  ) => {
    const stored = this.#grants.get(row.grantId);
    const intake = this.#intakes.get(textOf(codeHash));
    if ((intake?.state === "done" || (intake?.heldUntil ?? null) !== null) && !isAgain) return false;
    if (from !== undefined && intake?.state !== from) return false;
    if (madeFrom === null) {
      if (stored !== undefined || this.#hasGrantOf(row)) return false;
    } else if (stored?.generation !== madeFrom.generation || stored.state !== madeFrom.state) return false;
    else if (textOf(stored.profileSealed) !== textOf(madeFrom.profileSealed)) return false;
    if (externalIds !== undefined && !this.#changeTies(row, externalIds)) return false;
    this.#setGrant(row);
    this.#tell(madeFrom ?? undefined, row, row.updatedAt);
    // An answer that is held for a link's verifier is no part of this.
    if (intake?.heldUntil === null) {
      const { grantId, updatedAt } = row;
      this.#changeIntake(intake, {
        state: "done",
        grantId,
        resultMac: resultMac ?? null,
        answerSealed: null,
        endedAt: updatedAt,
      });
    }
    if (isDeposit) {
      const { grantId, updatedAt: depositedAt } = row;
      const deposit = { tokenHash: codeHash, grantId, resultMac: resultMac ?? null, depositedAt };
      this.#deposits.set(textOf(codeHash), deposit);
    }
    return true;
  };

  depositByToken: Operations["depositByToken"] = (tokenHash) => this.#deposits.get(textOf(tokenHash));

  loseDeposit: Operations["loseDeposit"] = (tokenHash, startedAt) => {
    const intake = this.#intakes.get(textOf(tokenHash));
    if (intake?.state !== "spending" || intake.startedAt !== startedAt) return false;
    this.#intakes.delete(textOf(tokenHash));
    if ((this.#deposits.get(textOf(tokenHash))?.grantId ?? null) === null) {
      const lost = { tokenHash, grantId: null, resultMac: null, depositedAt: startedAt };
      this.#deposits.set(textOf(tokenHash), lost);
    }
    return true;
  };

  beginRevocation: Operations["beginRevocation"] = (grantId, at) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || grant.state === "revoked") return false;
    const stateSince = grant.state === "revoking" ? grant.stateSince : at;
    this.#changeGrant(grant, { state: "revoking", reason: null, stateSince, lookAt: null, updatedAt: at });
    return true;
  };

  endRevocation: Operations["endRevocation"] = (grantId, generation, at, reason = "revoked") => {
    const grant = this.#grants.get(grantId);
    if (grant?.state !== "revoking" || grant.generation !== generation) return false;
    this.#changeGrant(grant, {
      state: "revoked",
      reason,
      stateSince: at,
      updatedAt: at,
      refreshSealed: null,
      refreshExpiresAt: null,
      consentExpiresAt: null,
      announceEndAt: null,
      refreshPrefixHash: null,
      refreshDigestHash: null,
      accessSealed: null,
      accessIssuedAt: null,
      accessExpiresAt: null,
    });
    this.#attempts.delete(grantId);
    return true;
  };

  markSuspect: Operations["markSuspect"] = (grantId, at) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || !isUsable(grant.state) || grant.refreshSealed === null) return false;
    this.#changeGrant(grant, {
      state: "suspect",
      stateSince: at,
      doubt: "ended_with_another",
      accessExpiresAt:
        grant.accessSealed === null || (grant.accessExpiresAt !== null && grant.accessExpiresAt <= at)
          ? grant.accessExpiresAt
          : at,
      updatedAt: at,
    });
    return true;
  };

  beginAttempt: Operations["beginAttempt"] = ({ attemptId, grantId, generation, owner, at }, replaces) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined) return { kind: "gone" };
    const maySend = isUsable(grant.state) || isDueForLastLook(grant, at);
    if (grant.generation !== generation || !maySend) return { kind: "moved", grant };
    if (remainingMs(grant.retryAt, grant.lastErrorAt, at) > 0) return { kind: "backing-off", grant };
    const held = this.#attempts.get(grantId);
    if (held?.generation === generation && held.attemptId !== replaces) {
      return { kind: "held", attempt: held, now: this.#now() };
    }
    const attempt = { attemptId, grantId, generation, owner, startedAt: this.#now(), endedUnknown: false };
    this.#attempts.set(grantId, attempt);
    return { kind: "begun", grant };
  };

  commitAttempt: Operations["commitAttempt"] = (grantId, parentGeneration, columns, at, suspectSince, failure) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || grant.generation !== parentGeneration) return undefined;
    // Even onto a lapsed grant: an answer to its own generation proves that it lived when it was given.
    if (!isUsable(grant.state) && grant.state !== "lapsed") return undefined;
    const isSuspect =
      grant.state !== "active" && grant.stateSince > (suspectSince ?? Infinity) && !isInFuture(grant.stateSince, at);
    const state = isSuspect ? "suspect" : "active";
    this.#changeGrant(grant, {
      ...columns,
      generation: parentGeneration + 1,
      state,
      reason: null,
      stateSince: grant.state === state ? grant.stateSince : at,
      doubt: isSuspect && grant.state !== "suspect" ? "ended_with_another" : grant.doubt,
      accessExpiresAt: isSuspect ? at : columns.accessExpiresAt,
      lastRefreshAt: at,
      lastError: failure?.error ?? null,
      lastErrorAt: failure === undefined ? null : at,
      lastErrorSays: null,
      failures: failure === undefined ? 0 : grant.failures + 1,
      retryAt: failure?.retryAt ?? null,
      lookAt: null,
      updatedAt: at,
    });
    this.#endAttemptUpTo(grantId, parentGeneration);
    return state;
  };

  endAttempt: Operations["endAttempt"] = (attemptId, failure) => {
    const attempt = this.#attemptById(attemptId);
    if (attempt === undefined) return;
    this.#attempts.delete(attempt.grantId);
    if (this.#grants.get(attempt.grantId)?.generation !== attempt.generation) return;
    this.#recordFailure(attempt, failure);
    const grant = this.#grants.get(attempt.grantId);
    if (grant !== undefined && failure.lookAt !== undefined) this.#changeGrant(grant, { lookAt: failure.lookAt });
  };

  endAttemptUnknown: Operations["endAttemptUnknown"] = (attemptId, failure) => {
    const attempt = this.#attemptById(attemptId);
    if (attempt === undefined) return;
    this.#attempts.set(attempt.grantId, { ...attempt, endedUnknown: true });
    this.#recordFailure(attempt, failure);
    const grant = this.#grants.get(attempt.grantId);
    if (failure.suspect && grant?.state === "active") {
      this.#changeGrant(
        grant,
        { state: "suspect", stateSince: failure.at, doubt: "outcome_unknown" },
        "outcome_unknown",
      );
    }
  };

  lapse: Operations["lapse"] = (grantId, generation, reason, error, at, lookAt = null, says = null, why) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || grant.generation !== generation || !isUsable(grant.state)) return false;
    const lapsed = {
      state: "lapsed" as const,
      reason,
      stateSince: at,
      lastError: error,
      lastErrorAt: at,
      lastErrorSays: says,
      ...(reason === "invalid_grant" ? deathOf(grant, at) : {}),
      lookAt,
      retryAt: null,
      updatedAt: at,
    };
    this.#changeGrant(grant, lapsed, undefined, why);
    this.#endAttemptUpTo(grantId, generation);
    return true;
  };

  keepLateAnswer: Operations["keepLateAnswer"] = (lateAnswer) => {
    if (!this.#lateAnswers.has(lateAnswer.lateAnswerId)) this.#lateAnswers.set(lateAnswer.lateAnswerId, lateAnswer);
  };

  lateAnswersOf: Operations["lateAnswersOf"] = (grantId, parentGeneration) =>
    [...this.#lateAnswers.values()]
      .filter((lateAnswer) => lateAnswer.grantId === grantId)
      .filter((lateAnswer) => parentGeneration === undefined || lateAnswer.parentGeneration === parentGeneration)
      .sort((a, b) => b.receivedAt - a.receivedAt || byText(a.lateAnswerId, b.lateAnswerId));

  dropLateAnswer: Operations["dropLateAnswer"] = (lateAnswerId) => void this.#lateAnswers.delete(lateAnswerId);

  attempts: Operations["attempts"] = () =>
    [...this.#attempts.values()].sort((a, b) => a.startedAt - b.startedAt || byText(a.attemptId, b.attemptId));

  beginIntake: Operations["beginIntake"] = (intake, at, replaces) => {
    const known = this.#intakes.get(textOf(intake.codeHash));
    if (known === undefined) {
      const nothingYet = {
        answerSealed: null,
        grantId: null,
        resultMac: null,
        assertionSealed: null,
        rejection: null,
        endedAt: null,
        heldUntil: null,
      };
      this.#intakes.set(textOf(intake.codeHash), { ...intake, ...nothingYet, state: "spending", startedAt: at });
      return { kind: "begun" };
    }
    if (known.state !== "spending" || known.startedAt !== replaces?.startedAt) return { kind: "known", intake: known };
    // Later than the start that it replaces, even where the clock stands still: whoever read that one must not match.
    this.#changeIntake(known, { ...intake, startedAt: Math.max(at, known.startedAt + 1) });
    return { kind: "begun" };
  };

  intakeByCode: Operations["intakeByCode"] = (codeHash) => this.#intakes.get(textOf(codeHash));

  journalAnswer: Operations["journalAnswer"] = (codeHash, answerSealed, contextSealed) => {
    const intake = this.#intakes.get(textOf(codeHash));
    if (intake === undefined) return false;
    if (intake.state === "done" || intake.heldUntil !== null) return true;
    this.#changeIntake(intake, { state: "answered", answerSealed, contextSealed, rejection: null, endedAt: null });
    return true;
  };

  takeIntake: Operations["takeIntake"] = (codeHash, owner, at, replaces) => {
    const intake = this.#intakes.get(textOf(codeHash));
    if (intake?.state !== "answered" || intake.heldUntil !== null) return false;
    if (intake.startedAt !== replaces.startedAt) return false;
    this.#changeIntake(intake, { owner, startedAt: Math.max(at, replaces.startedAt + 1) });
    return true;
  };

  rejectIntake: Operations["rejectIntake"] = (codeHash, rejection, at, from) => {
    const intake = this.#intakes.get(textOf(codeHash));
    if (intake === undefined || intake.heldUntil !== null) return false;
    if (intake.state !== "spending" && intake.state !== "answered") return false;
    if (from !== undefined && intake.state !== from) return false;
    this.#changeIntake(intake, {
      state: "rejected",
      rejection,
      contextSealed: new Uint8Array(),
      answerSealed: null,
      endedAt: at,
    });
    return true;
  };

  keepAssertion: Operations["keepAssertion"] = (codeHash, assertionSealed) => {
    const intake = this.#intakes.get(textOf(codeHash));
    if (intake?.state !== "done" || intake.assertionSealed !== null) return intake?.assertionSealed ?? new Uint8Array();
    this.#changeIntake(intake, { assertionSealed });
    return undefined;
  };

  holdIntake: Operations["holdIntake"] = (codeHash, answerSealed, until) => {
    const intake = this.#intakes.get(textOf(codeHash));
    if (intake?.state !== "answered" || intake.heldUntil !== null) return false;
    this.#changeIntake(intake, { answerSealed, heldUntil: until });
    return true;
  };

  releaseIntake: Operations["releaseIntake"] = (codeHash, owner, contextSealed) => {
    const intake = this.#intakes.get(textOf(codeHash));
    if (intake === undefined || intake.heldUntil === null) return false;
    this.#changeIntake(intake, { owner, contextSealed, heldUntil: null });
    return true;
  };

  heldIntakes: Operations["heldIntakes"] = (until, limit) =>
    [...this.#intakes.values()]
      .filter(({ heldUntil }) => heldUntil !== null && heldUntil < until)
      .sort((a, b) => (a.heldUntil ?? 0) - (b.heldUntil ?? 0) || byText(textOf(a.codeHash), textOf(b.codeHash)))
      .slice(0, limit);

  forgetIntake: Operations["forgetIntake"] = (codeHash) => {
    if (this.#intakes.get(textOf(codeHash))?.state === "spending") this.#intakes.delete(textOf(codeHash));
  };

  openIntakes: Operations["openIntakes"] = () =>
    [...this.#intakes.values()].filter(({ endedAt, heldUntil }) => endedAt === null && heldUntil === null);

  sweepIntakes: Operations["sweepIntakes"] = (endedBefore) => {
    const ended = [...this.#intakes].filter(([, { endedAt }]) => endedAt !== null && endedAt < endedBefore);
    for (const [codeHash] of ended) this.#intakes.delete(codeHash);
    return ended.length;
  };

  sweepRejected: Operations["sweepRejected"] = (since, before) => {
    const swept = [...this.#intakes].filter(
      ([, { state, endedAt }]) => state === "rejected" && endedAt !== null && endedAt >= since && endedAt < before,
    );
    for (const [codeHash] of swept) this.#intakes.delete(codeHash);
    return swept.length;
  };

  insertTicket: Operations["insertTicket"] = (ticket) => {
    this.#tickets.set(textOf(ticket.ticketHash), { ...ticket, codeHash: null, boundAt: null });
  };

  ticketByHash: Operations["ticketByHash"] = (ticketHash) => this.#tickets.get(textOf(ticketHash));

  bindTicket: Operations["bindTicket"] = (ticketHash, codeHash, at) => {
    const ticket = this.#tickets.get(textOf(ticketHash));
    if (ticket === undefined) return false;
    const { codeHash: bound } = ticket;
    if (bound !== null && textOf(bound) === textOf(codeHash)) return true;
    if (bound !== null && this.#intakes.get(textOf(bound))?.state !== "rejected") return false;
    this.#tickets.set(textOf(ticketHash), { ...ticket, codeHash, boundAt: at });
    return true;
  };

  sweepTickets: Operations["sweepTickets"] = (issuedBefore) => {
    const old = [...this.#tickets].filter(([, { issuedAt }]) => issuedAt < issuedBefore);
    for (const [ticketHash] of old) this.#tickets.delete(ticketHash);
    return old.length;
  };

  events: Operations["events"] = ({ after, limit, grantId }) =>
    this.#events
      .filter(({ seq, grantId: of }) => seq > after && (grantId === undefined || of === grantId))
      .slice(0, limit);

  eventHead: Operations["eventHead"] = () => ({ seq: this.#lastEvent, pruned: 0 });

  deathsOf: Operations["deathsOf"] = (clientId, limit) =>
    [...this.#grants.values()]
      .filter((grant) => grant.clientId === clientId && grant.diedAt !== null)
      .sort((a, b) => (b.diedAt ?? 0) - (a.diedAt ?? 0))
      .slice(0, limit)
      .map(lifeOf);

  consentsOf: Operations["consentsOf"] = (clientId, before, limit) =>
    [...this.#grants.values()]
      .filter((grant) => grant.clientId === clientId && (grant.consentedAt ?? before) < before)
      .sort((a, b) => (b.consentedAt ?? 0) - (a.consentedAt ?? 0))
      .slice(0, limit)
      .map(lifeOf);

  epochState: Operations["epochState"] = (markNo) => ({
    changeSeq: this.#lastChange,
    markThere: this.#marks.find((each) => each.markNo === markNo)?.mark,
    lastMark: this.#marks.reduce<StoreMark | undefined>(
      (last, each) => (each.markNo > (last?.markNo ?? 0) ? each : last),
      undefined,
    ),
    lastEpoch: this.#epochs.at(-1),
  });

  addMark: Operations["addMark"] = (mark) => {
    if (this.#marks.some(({ markNo }) => markNo === mark.markNo)) return false;
    this.#marks = [...this.#marks, mark];
    return true;
  };

  epochs: Operations["epochs"] = (limit) => this.#epochs.toReversed().slice(0, limit);

  beginStandstill: Operations["beginStandstill"] = ({ why, noticedAt, backupAt }) => {
    if (this.#epochs.at(-1)?.settledAt === null) return false;
    const epoch = this.#epochs.length + 1;
    // There is no model of the audit log, and so of the numbers that it leaves out.
    const noAudit = { auditFrom: 0, auditTo: 0 };
    this.#epochs = [...this.#epochs, { epoch, why, noticedAt, backupAt, ...noAudit, settledAt: null, outcome: null }];
    this.#lastEvent += numbersLeftOut;
    this.#jump += numbersLeftOut;
    return true;
  };

  endStandstill: Operations["endStandstill"] = ({ outcome, at }) => {
    const last = this.#epochs.at(-1);
    if (last?.settledAt !== null) return false;
    this.#epochs = [...this.#epochs.slice(0, -1), { ...last, settledAt: at, outcome }];
    const before = this.#now() - takeOverLimitMs;
    for (const { grantId, startedAt } of this.attempts()) if (startedAt < before) this.#attempts.delete(grantId);
    return true;
  };

  lookAt: Operations["lookAt"] = (grantIds, at) => {
    for (const grantId of grantIds) {
      const grant = this.#grants.get(grantId);
      if (grant === undefined || !isUsable(grant.state) || grant.refreshSealed === null) continue;
      this.#changeGrant(grant, { lookAt: at, retryAt: null, updatedAt: at });
    }
  };

  #changeGrant(
    grant: GrantRow,
    changes: Partial<GrantRow>,
    doubt: Doubt = "ended_with_another",
    why?: EventDiagnosis,
  ): void {
    const changed = { ...grant, ...changes };
    this.#setGrant(changed);
    this.#tell(grant, changed, changes.updatedAt ?? changes.stateSince ?? 0, doubt, why);
  }

  #setGrant(row: GrantRow): void {
    this.#grants.set(row.grantId, row);
    this.#lastChange += 1 + this.#jump;
    this.#jump = 0;
  }

  #tell(before: GrantBefore | undefined, after: GrantRow, at: number, doubt?: Doubt, why?: EventDiagnosis): void {
    const drafts = grantEvents(before, { ...after, isOffline: after.refreshSealed !== null }, doubt, why);
    const last = this.#lastEvent;
    this.#lastEvent += drafts.length;
    this.#events = [
      ...this.#events,
      ...drafts.map((draft, n) => Object.assign(draft, { at, seq: last + n + 1, eventId: `evt_${last + n + 1}` })),
    ];
  }

  #changeIntake(intake: IntakeRow, changes: Partial<IntakeRow>): void {
    this.#intakes.set(textOf(intake.codeHash), { ...intake, ...changes });
  }

  /** Changes nothing where it cannot change all. */
  #changeTies(
    { grantId, clientId, provider, updatedAt }: GrantRow,
    { add, remove = [], from = [] }: ExternalIdChange,
  ): boolean {
    const removed = new Set(remove.map(textOf));
    const ties = this.#ties.filter((tie) => tie.grantId !== grantId || !removed.has(tie.user));
    if (add === undefined) {
      this.#ties = ties;
      return true;
    }
    const tie = { user: textOf(add.externalHash), label: textOf(add.accountHash), clientId, provider, grantId };
    const losers = new Set([grantId, ...from.map((each) => each.grantId)]);
    const left = ties.filter((each) => each.user !== tie.user || !losers.has(each.grantId));
    const isAsRead = from.every((each) => {
      const loser = this.#grants.get(each.grantId);
      return loser !== undefined && textOf(loser.profileSealed) === textOf(each.profileRead);
    });
    const isFree = !left.some(
      (each) =>
        each.user === tie.user && each.label === tie.label && each.clientId === clientId && each.provider === provider,
    );
    if (!isAsRead || !isFree) return false;
    this.#ties = [...left, tie];
    for (const { grantId: loserId, profileSealed } of from) {
      const loser = this.#grants.get(loserId);
      if (loser !== undefined) this.#changeGrant(loser, { profileSealed, updatedAt });
    }
    return true;
  }

  /** One grant for each person and client. */
  #hasGrantOf({ subjectHash, clientId }: GrantRow): boolean {
    return [...this.#grants.values()].some(
      (grant) => grant.clientId === clientId && textOf(grant.subjectHash) === textOf(subjectHash),
    );
  }

  #attemptById(attemptId: string): Attempt | undefined {
    return [...this.#attempts.values()].find((attempt) => attempt.attemptId === attemptId);
  }

  #endAttemptUpTo(grantId: string, generation: number): void {
    const attempt = this.#attempts.get(grantId);
    if (attempt !== undefined && attempt.generation <= generation) this.#attempts.delete(grantId);
  }

  #recordFailure({ grantId }: Attempt, { error, says = null, at, retryAt }: Parameters<Store["endAttempt"]>[1]): void {
    const grant = this.#grants.get(grantId);
    if (grant === undefined) return;
    const failures = grant.failures + 1;
    this.#changeGrant(grant, {
      lastError: error,
      lastErrorAt: at,
      lastErrorSays: says,
      failures,
      retryAt,
      updatedAt: at,
    });
  }
}

function lifeOf(row: GrantRow): LifeRow {
  const { grantId, scope, state, consentedAt, lastRefreshAt, accessIssuedAt, diedAt, diedAfter, diedBefore } = row;
  return { grantId, scope, state, consentedAt, lastRefreshAt, accessIssuedAt, diedAt, diedAfter, diedBefore };
}

/** The age at which a refresh token died; nothing where nobody knows when the person consented. */
function deathOf({ consentedAt, lastRefreshAt }: GrantRow, at: number): Partial<GrantRow> {
  if (consentedAt === null) return {};
  const diedAfter = Math.max(0, (lastRefreshAt ?? 0) - consentedAt);
  return { diedAt: at, diedAfter, diedBefore: Math.max(0, at - consentedAt) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function byLook(a: Pick<GrantRow, "grantId" | "lookAt">, b: Pick<GrantRow, "grantId" | "lookAt">): number {
  return (a.lookAt ?? 0) - (b.lookAt ?? 0) || byText(a.grantId, b.grantId);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function replace<Row>(rows: Map<string, Row>, by: ReadonlyMap<string, Row>): void {
  rows.clear();
  for (const [key, row] of by) rows.set(key, row);
}
