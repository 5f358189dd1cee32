import { isUsable } from "../../src/core/grant.ts";
import type { Attempt } from "../../src/core/take-over.ts";
import type { GrantRow, IntakeRow, LateAnswerRow, Store } from "../../src/store/store.ts";

/** The part of a store that the model does, too. */
export type Modelled = Pick<
  Store,
  | "saveFromIntake"
  | "listGrants"
  | "beginRevocation"
  | "endRevocation"
  | "markSuspect"
  | "beginAttempt"
  | "commitAttempt"
  | "endAttempt"
  | "endAttemptUnknown"
  | "lapse"
  | "keepLateAnswer"
  | "lateAnswersOf"
  | "dropLateAnswer"
  | "attempts"
  | "beginIntake"
  | "journalAnswer"
  | "rejectIntake"
  | "forgetIntake"
  | "openIntakes"
  | "sweepIntakes"
>;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const key = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** What a store does, written down as plainly as it can be said: maps, one caller at a time, no failures. */
export class ModelStore implements Modelled {
  readonly #grants = new Map<string, Writable<GrantRow>>();
  readonly #attempts = new Map<string, Writable<Attempt>>();
  readonly #lateAnswers = new Map<string, LateAnswerRow>();
  readonly #intakes = new Map<string, Writable<IntakeRow>>();

  saveFromIntake: Store["saveFromIntake"] = async (row, madeFrom, codeHash) => {
    const there = this.#grants.get(row.grantId);
    const sameSubject = [...this.#grants.values()].some(
      (grant) => key(grant.subjectHash) === key(row.subjectHash) && grant.clientId === row.clientId,
    );
    if (madeFrom === null ? there !== undefined || sameSubject : there === undefined) return false;
    if (madeFrom !== null && (there?.generation !== madeFrom.generation || there.state !== madeFrom.state))
      return false;
    this.#grants.set(row.grantId, { ...row });
    const intake = this.#intakes.get(key(codeHash));
    const done = { state: "done", grantId: row.grantId, answerSealed: null, endedAt: row.updatedAt } as const;
    if (intake !== undefined) Object.assign(intake, done);
    return true;
  };

  listGrants: Store["listGrants"] = async ({ limit }) =>
    [...this.#grants.values()].sort((a, b) => byText(a.grantId, b.grantId)).slice(0, limit);

  beginRevocation: Store["beginRevocation"] = async (grantId, at) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || grant.state === "revoked") return false;
    if (grant.state !== "revoking") grant.stateSince = at;
    Object.assign(grant, { state: "revoking", reason: null, updatedAt: at });
    return true;
  };

  endRevocation: Store["endRevocation"] = async (grantId, generation, at) => {
    const grant = this.#grants.get(grantId);
    if (grant?.state !== "revoking" || grant.generation !== generation) return false;
    Object.assign(grant, { state: "revoked", reason: "revoked", stateSince: at, updatedAt: at });
    Object.assign(grant, { refreshSealed: null, refreshExpiresAt: null, refreshPrefixHash: null });
    Object.assign(grant, { refreshDigestHash: null, accessSealed: null, accessIssuedAt: null, accessExpiresAt: null });
    this.#attempts.delete(grantId);
    return true;
  };

  markSuspect: Store["markSuspect"] = async (grantId, at) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || !isUsable(grant.state) || grant.refreshSealed === null) return false;
    if (grant.state === "active") Object.assign(grant, { state: "suspect", stateSince: at });
    if (grant.accessExpiresAt !== null) grant.accessExpiresAt = Math.min(grant.accessExpiresAt, at);
    grant.updatedAt = at;
    return true;
  };

  beginAttempt: Store["beginAttempt"] = async (attempt, replaces) => {
    const grant = this.#grants.get(attempt.grantId);
    if (grant === undefined) return { kind: "gone" };
    if (grant.generation !== attempt.generation || !isUsable(grant.state)) return { kind: "moved", grant };
    if (grant.retryAt !== null && grant.retryAt > attempt.at) return { kind: "backing-off", grant };
    const held = this.#attempts.get(attempt.grantId);
    if (held?.generation === attempt.generation && held.attemptId !== replaces) {
      return { kind: "held", attempt: held, now: 0 };
    }
    const { at: _at, ...begun } = attempt;
    this.#attempts.set(attempt.grantId, { ...begun, startedAt: 0, endedUnknown: false });
    return { kind: "begun", grant };
  };

  commitAttempt: Store["commitAttempt"] = async (grantId, generation, columns, at, suspectSince) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || grant.generation !== generation) return undefined;
    if (grant.state === "revoking" || grant.state === "revoked") return undefined;
    const staysSuspect = grant.state === "suspect" && grant.stateSince > (suspectSince ?? Infinity);
    const state = staysSuspect ? "suspect" : "active";
    if (grant.state !== state) grant.stateSince = at;
    Object.assign(grant, columns, { generation: generation + 1, state, reason: null });
    if (staysSuspect) grant.accessExpiresAt = at;
    Object.assign(grant, { lastRefreshAt: at, updatedAt: at });
    Object.assign(grant, { lastError: null, lastErrorAt: null, failures: 0, retryAt: null });
    this.#endAttemptsUpTo(grantId, generation);
    return state;
  };

  endAttempt: Store["endAttempt"] = async (attemptId, failure) => {
    const attempt = this.#attemptById(attemptId);
    if (attempt === undefined) return;
    this.#attempts.delete(attempt.grantId);
    this.#noteFailure(attempt.grantId, failure);
  };

  endAttemptUnknown: Store["endAttemptUnknown"] = async (attemptId, failure) => {
    const attempt = this.#attemptById(attemptId);
    if (attempt === undefined) return;
    attempt.endedUnknown = true;
    const grant = this.#noteFailure(attempt.grantId, failure);
    if (failure.suspect && grant?.state === "active") {
      Object.assign(grant, { state: "suspect", stateSince: failure.at });
    }
  };

  lapse: Store["lapse"] = async (grantId, generation, reason, error, at) => {
    const grant = this.#grants.get(grantId);
    if (grant === undefined || grant.generation !== generation || !isUsable(grant.state)) return false;
    Object.assign(grant, { state: "lapsed", reason, stateSince: at, updatedAt: at, lastError: error, lastErrorAt: at });
    this.#endAttemptsUpTo(grantId, generation);
    return true;
  };

  keepLateAnswer: Store["keepLateAnswer"] = async (lateAnswer) => {
    if (!this.#lateAnswers.has(lateAnswer.lateAnswerId)) this.#lateAnswers.set(lateAnswer.lateAnswerId, lateAnswer);
  };

  lateAnswersOf: Store["lateAnswersOf"] = async (grantId, parentGeneration) =>
    [...this.#lateAnswers.values()]
      .filter((lateAnswer) => lateAnswer.grantId === grantId)
      .filter((lateAnswer) => parentGeneration === undefined || lateAnswer.parentGeneration === parentGeneration)
      .sort((a, b) => b.receivedAt - a.receivedAt);

  dropLateAnswer: Store["dropLateAnswer"] = async (lateAnswerId) => void this.#lateAnswers.delete(lateAnswerId);

  attempts: Store["attempts"] = async () => [...this.#attempts.values()];

  beginIntake: Store["beginIntake"] = async (intake, at, replaces) => {
    const known = this.#intakes.get(key(intake.codeHash));
    if (known !== undefined) {
      if (known.state !== "spending" || known.startedAt !== replaces?.startedAt)
        return { kind: "known", intake: known };
      Object.assign(known, intake, { startedAt: Math.max(at, known.startedAt + 1) });
      return { kind: "begun" };
    }
    const unanswered = { answerSealed: null, grantId: null, rejection: null, endedAt: null };
    this.#intakes.set(key(intake.codeHash), { ...intake, state: "spending", ...unanswered, startedAt: at });
    return { kind: "begun" };
  };

  journalAnswer: Store["journalAnswer"] = async (codeHash, answerSealed) => {
    const intake = this.#intakes.get(key(codeHash));
    if (intake === undefined) return false;
    Object.assign(intake, { state: "answered", answerSealed, rejection: null, endedAt: null });
    return true;
  };

  rejectIntake: Store["rejectIntake"] = async (codeHash, rejection, at, from) => {
    const intake = this.#intakes.get(key(codeHash));
    if (intake === undefined || (intake.state !== "spending" && intake.state !== "answered")) return false;
    if (from !== undefined && intake.state !== from) return false;
    Object.assign(intake, { state: "rejected", rejection, answerSealed: null, endedAt: at });
    return true;
  };

  forgetIntake: Store["forgetIntake"] = async (codeHash) => {
    if (this.#intakes.get(key(codeHash))?.state === "spending") this.#intakes.delete(key(codeHash));
  };

  openIntakes: Store["openIntakes"] = async () => [...this.#intakes.values()].filter(({ endedAt }) => endedAt === null);

  sweepIntakes: Store["sweepIntakes"] = async (endedBefore) => {
    const ended = [...this.#intakes].filter(([, { endedAt }]) => endedAt !== null && endedAt < endedBefore);
    for (const [codeHash] of ended) this.#intakes.delete(codeHash);
    return ended.length;
  };

  #attemptById(attemptId: string): Writable<Attempt> | undefined {
    return [...this.#attempts.values()].find((attempt) => attempt.attemptId === attemptId);
  }

  #endAttemptsUpTo(grantId: string, generation: number): void {
    const attempt = this.#attempts.get(grantId);
    if (attempt !== undefined && attempt.generation <= generation) this.#attempts.delete(grantId);
  }

  #noteFailure(
    grantId: string,
    { error, at, retryAt }: { error: string; at: number; retryAt: number | null },
  ): Writable<GrantRow> | undefined {
    const grant = this.#grants.get(grantId);
    if (grant === undefined) return undefined;
    grant.failures += 1;
    return Object.assign(grant, { lastError: error, lastErrorAt: at, retryAt, updatedAt: at });
  }
}
