import { isUsable } from "../../src/core/grant.ts";
import type { Attempt } from "../../src/core/take-over.ts";
import type { GrantRow, LateAnswerRow, RefreshStore, Store } from "../../src/store/store.ts";

/** One grant and what hangs on it, with the meaning that store/suite.ts holds the real stores to. */
export class SimulatedStore {
  grant: GrantRow;
  attempt: Attempt | undefined;
  lateAnswers: LateAnswerRow[] = [];

  constructor(grant: GrantRow) {
    this.grant = grant;
  }

  /** The operations, each of which happens whole at one moment. */
  operations(now: () => number): {
    [K in OperationName]: (...args: Parameters<Store[K]>) => Awaited<ReturnType<Store[K]>>;
  } {
    return {
      grantById: () => this.grant,
      attempts: () => (this.attempt === undefined ? [] : [this.attempt]),
      beginAttempt: ({ attemptId, grantId, generation, owner, at }, replaces) => {
        if (this.grant.generation !== generation || !isUsable(this.grant.state))
          return { kind: "moved", grant: this.grant };
        if (this.grant.retryAt !== null && this.grant.retryAt > at) return { kind: "backing-off", grant: this.grant };
        const { attempt } = this;
        if (attempt !== undefined && attempt.generation === generation && attempt.attemptId !== replaces) {
          return { kind: "held", attempt, now: now() };
        }
        this.attempt = { attemptId, grantId, generation, owner, startedAt: now(), endedUnknown: false };
        return { kind: "begun", grant: this.grant };
      },
      commitAttempt: (_grantId, parentGeneration, columns, at) => {
        // Even onto a lapsed grant: an answer to its own generation proves that it lives.
        const open = isUsable(this.grant.state) || this.grant.state === "lapsed";
        if (this.grant.generation !== parentGeneration || !open) return undefined;
        this.grant = {
          ...this.grant,
          ...columns,
          generation: parentGeneration + 1,
          state: "active",
          reason: null,
          lastRefreshAt: at,
          lastError: null,
          failures: 0,
          retryAt: null,
        };
        if (this.attempt !== undefined && this.attempt.generation <= parentGeneration) this.attempt = undefined;
        return "active";
      },
      endAttempt: (attemptId, { error, retryAt }) => {
        if (this.attempt?.attemptId !== attemptId) return;
        this.grant = { ...this.grant, lastError: error, failures: this.grant.failures + 1, retryAt };
        this.attempt = undefined;
      },
      endAttemptUnknown: (attemptId, { error, retryAt, suspect }) => {
        if (this.attempt?.attemptId !== attemptId) return;
        this.attempt = { ...this.attempt, endedUnknown: true };
        const state = suspect && this.grant.state === "active" ? "suspect" : this.grant.state;
        this.grant = { ...this.grant, lastError: error, failures: this.grant.failures + 1, retryAt, state };
      },
      lapse: (_grantId, generation, reason) => {
        if (this.grant.generation !== generation || !isUsable(this.grant.state)) return false;
        this.grant = { ...this.grant, state: "lapsed", reason };
        if (this.attempt !== undefined && this.attempt.generation <= generation) this.attempt = undefined;
        return true;
      },
      beginRevocation: () => {
        if (this.grant.state === "revoked") return false;
        this.grant = { ...this.grant, state: "revoking", reason: null };
        return true;
      },
      endRevocation: (_grantId, generation) => {
        if (this.grant.generation !== generation || this.grant.state !== "revoking") return false;
        this.grant = { ...this.grant, state: "revoked", reason: "revoked", refreshSealed: null, accessSealed: null };
        this.attempt = undefined;
        return true;
      },
      keepLateAnswer: (lateAnswer) => {
        this.lateAnswers.push(lateAnswer);
      },
      lateAnswersOf: (_grantId, parentGeneration) =>
        this.lateAnswers
          .filter((lateAnswer) => parentGeneration === undefined || lateAnswer.parentGeneration === parentGeneration)
          .toReversed(),
      dropLateAnswer: (lateAnswerId) => {
        this.lateAnswers = this.lateAnswers.filter((lateAnswer) => lateAnswer.lateAnswerId !== lateAnswerId);
      },
    };
  }
}

export type OperationName = keyof RefreshStore | "grantById" | "beginRevocation" | "endRevocation";

/** Operations that write: their outcome may be in doubt when the store fails. */
export const writes: ReadonlySet<OperationName> = new Set([
  "beginAttempt",
  "commitAttempt",
  "endAttempt",
  "endAttemptUnknown",
  "lapse",
  "beginRevocation",
  "endRevocation",
  "keepLateAnswer",
  "dropLateAnswer",
]);
