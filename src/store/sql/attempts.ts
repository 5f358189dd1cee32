import type { EventDiagnosis } from "../../core/events/grant-events.ts";
import { clockLeewayMs, isInFuture, remainingMs } from "../../core/recorded-time.ts";
import { isUsable } from "../../core/grant.ts";
import type { LapseReason } from "../../core/grant-state.ts";
import { isDueForLastLook } from "../../core/second-look.ts";
import type { Attempt, AttemptResult } from "../../core/take-over.ts";
import { assignments, insertList, rowReader, selectList, valuesWriter } from "./column.ts";
import { tellChanged } from "./events.ts";
import { forMany, typesOf } from "./for-many.ts";
import { lockGrant, lockState, readState, selectGrants, selectStateById } from "./grants.ts";
import type { LockedState } from "./grants.ts";
import { accessEnd, withoutAccess } from "./lapsed-by-time.ts";
import { attemptColumns, grantColumns, lateAnswerColumns, tokenColumns } from "./tables.ts";
import type { Database, LockedChange, Transaction } from "./sql.ts";
import type { GrantRow } from "../grant-row.ts";
import type { RefreshStore } from "../refresh-store.ts";

const readAttempt = rowReader(attemptColumns);
const attemptValues = valuesWriter(attemptColumns);
/** The time when it began is the database's. */
const { startedAt, ...begunColumns } = attemptColumns;
const begunValues = valuesWriter(begunColumns);
const readLateAnswer = rowReader(lateAnswerColumns);
const lateAnswerValues = valuesWriter(lateAnswerColumns);
const tokenValues = valuesWriter(tokenColumns);

const selectAttempts = `SELECT ${selectList(attemptColumns)} FROM attempts`;
/** What is asked of one grant at a time, by its id. */
const ofGrant = { key: "grantId", column: "grant_id" };
const readGrant = rowReader(grantColumns);
const attemptTypes = typesOf(attemptColumns);
const selectAttemptOf = forMany(`${selectAttempts} WHERE grant_id = :grantId`, { ...ofGrant, types: attemptTypes });
const insertAttempt = forMany(`INSERT INTO attempts ${insertList(attemptColumns)}`, {
  ...ofGrant,
  types: attemptTypes,
});
/**
 * How nearly every attempt begins: the grant is usable and nothing holds it back, and no other attempt stands. Where it is otherwise,
 * nothing is written, and what is the matter is looked at.
 */
const beginOrdinary: LockedChange = {
  ...ofGrant,
  types: { ...attemptTypes, at: "bigint" },
  lock: `${selectGrants} WHERE grant_id = :grantId AND generation = :generation AND state IN ('active', 'suspect')
    AND (retry_at IS NULL OR retry_at <= :at)`,
  change: `INSERT INTO attempts (${selectList(begunColumns)}, ${startedAt.name})
    VALUES (:attemptId, :grantId, :generation, :owner, :endedUnknown, :now) ON CONFLICT DO NOTHING`,
};
const deleteAttempt = "DELETE FROM attempts WHERE attempt_id = :attemptId";
const deleteAttemptsOf = forMany("DELETE FROM attempts WHERE grant_id = :grantId", { ...ofGrant, types: attemptTypes });
const deleteAttemptsUpTo = forMany("DELETE FROM attempts WHERE grant_id = :grantId AND generation <= :generation", {
  ...ofGrant,
  types: attemptTypes,
});

const afterCommit = `generation = generation + 1, reason = NULL, ${assignments(tokenColumns)}, last_refresh_at = :at,
    last_error = :error, last_error_at = :errorAt, last_error_says = NULL, failures = (failures + 1) * :failed, retry_at = :retryAt,
    look_at = NULL, updated_at = :at
  WHERE grant_id = :grantId AND generation = :parentGeneration`;
const commitTypes = {
  ...typesOf(tokenColumns),
  grantId: "text",
  error: "text",
  at: "bigint",
  errorAt: "bigint",
  failed: "bigint",
  retryAt: "bigint",
  parentGeneration: "bigint",
  suspectSince: "bigint",
  future: "bigint",
} as const;
const commitAsActive: LockedChange = {
  ...ofGrant,
  types: commitTypes,
  lock: selectStateById,
  change: `UPDATE grants SET state = 'active',
    state_since = CASE WHEN state = 'active' THEN state_since ELSE :at END, ${afterCommit}
    AND (state = 'active' OR (state IN ('suspect', 'lapsed')
      AND (state_since <= COALESCE(:suspectSince, state_since) OR state_since > :future)))`,
};
const commitAsSuspect = `UPDATE grants SET state = 'suspect',
    state_since = CASE WHEN state = 'suspect' THEN state_since ELSE :at END,
    doubt = CASE WHEN state = 'suspect' THEN doubt ELSE 'ended_with_another' END, ${afterCommit}
    AND state IN ('suspect', 'lapsed')`;
const noteFailure = `UPDATE grants SET last_error = :error, last_error_at = :at, last_error_says = :says, failures = failures + 1,
    retry_at = :retryAt, updated_at = :at
  WHERE grant_id = :grantId`;
const makeLapsed = `UPDATE grants SET state = 'lapsed', reason = :reason, state_since = :at, last_error = :error,
    last_error_at = :at, last_error_says = :says, look_at = :lookAt, retry_at = NULL, updated_at = :at,
    died_at = CASE WHEN :reason = 'invalid_grant' AND consented_at IS NOT NULL THEN :at ELSE died_at END,
    died_after = CASE WHEN :reason <> 'invalid_grant' OR consented_at IS NULL THEN died_after
      WHEN last_refresh_at > consented_at THEN last_refresh_at - consented_at ELSE 0 END,
    died_before = CASE WHEN :reason <> 'invalid_grant' OR consented_at IS NULL THEN died_before
      WHEN :at > consented_at THEN :at - consented_at ELSE 0 END
  WHERE grant_id = :grantId AND generation = :generation AND state IN ('active', 'suspect')`;

// Nobody has asked the provider: what it said last was said of another token.
const makeLapsedWithoutAccess = `UPDATE grants SET state = 'lapsed', reason = 'no_refresh_token', state_since = ${accessEnd},
    last_error = NULL, last_error_at = NULL, last_error_says = NULL, look_at = NULL, retry_at = NULL, updated_at = :at
  WHERE grant_id = :grantId AND ${withoutAccess} AND ${accessEnd} <= :at`;
const selectToLapse = `SELECT ${selectList(grantColumns)} FROM grants
  WHERE ${withoutAccess} AND ${accessEnd} <= :at ORDER BY ${accessEnd}, grant_id LIMIT :limit`;

const selectLateAnswers = `SELECT ${selectList(lateAnswerColumns)} FROM orphans WHERE grant_id = :grantId`;
const selectLateAnswersTo = `${selectLateAnswers} AND parent_generation = :parentGeneration`;
const newestFirst = "ORDER BY received_at DESC, orphan_id";
const dropLateAnswer = `DELETE FROM orphans WHERE orphan_id = :lateAnswerId RETURNING ${selectList(lateAnswerColumns)}`;
const insertLateAnswer = `INSERT INTO orphans ${insertList(lateAnswerColumns)} ON CONFLICT DO NOTHING`;

export function refreshStore(database: Database): RefreshStore {
  return {
    beginAttempt: async ({ attemptId, grantId, generation, owner, at }, replaces) => {
      const values = { ...begunValues({ attemptId, grantId, generation, owner, endedUnknown: false }), at };
      const ordinary = replaces === undefined ? await database.changeOnce(beginOrdinary, values, [grantId]) : undefined;
      if (ordinary?.isChanged === true) return { kind: "begun", grant: readGrant(ordinary.before) };
      return database.transaction(
        async (sql): Promise<AttemptResult<GrantRow>> => {
          // Locked: if the grant could move to its next generation now, a refresh token would be sent that is used already.
          // Asked together: what is read after the lock is as the lock keeps it.
          const [grant, attempt, now] = await Promise.all([
            lockGrant(sql, grantId),
            attemptOn(sql, grantId),
            sql.now(),
          ]);
          if (grant === undefined) return { kind: "gone" };
          const maySend = isUsable(grant.state) || isDueForLastLook(grant, at);
          if (grant.generation !== generation || !maySend) return { kind: "moved", grant };
          const { retryAt, lastErrorAt } = grant;
          if (retryAt !== null && remainingMs(retryAt, lastErrorAt, at) > 0) return { kind: "backing-off", grant };
          // Written by this very call, over a connection that was lost before it had answered.
          const isOwn = attempt?.attemptId === attemptId && attempt.generation === generation && !attempt.endedUnknown;
          if (isOwn && replaces === undefined) return { kind: "begun", grant };
          if (attempt !== undefined) {
            // An attempt on another generation keeps nobody waiting: its answer will be late, whenever it comes.
            const stale = attempt.generation !== generation;
            if (!stale && attempt.attemptId !== replaces)
              return { kind: "held", attempt: await anchored(sql, attempt, now), now };
            await sql.run(deleteAttemptsOf, { grantId });
          }
          const begun: Attempt = { attemptId, grantId, generation, owner, startedAt: now, endedUnknown: false };
          await sql.runLast(insertAttempt, attemptValues(begun));
          return { kind: "begun", grant };
        },
        [grantId],
      );
    },

    commitAttempt: (grantId, parentGeneration, tokens, at, suspectSince, failure) =>
      database.transaction(
        async (sql) => {
          const { error, retryAt } = failure ?? { error: null, retryAt: null };
          const failed = failure === undefined ? { errorAt: null, failed: 0 } : { errorAt: at, failed: 1 };
          const values = { ...tokenValues(tokens), at, grantId, parentGeneration, error, retryAt, ...failed };
          // Locked: between the two updates its state must not change.
          const active = { ...values, suspectSince: suspectSince ?? null, future: at + clockLeewayMs };
          const locked = await sql.lockAndChange(commitAsActive, active);
          if (locked === undefined) return undefined;
          const before = readState(locked.before);
          let state: "active" | "suspect" = "active";
          // Where another transaction changed the row at this moment, the update may have looked for it as it was before.
          const isCommitted = locked.isChanged || (await sql.run(commitAsActive.change, active)) > 0;
          if (!isCommitted) {
            state = "suspect";
            if ((await sql.run(commitAsSuspect, { ...values, accessExpiresAt: at })) === 0) return undefined;
          }
          await sql.runLast(deleteAttemptsUpTo, { grantId, generation: parentGeneration });
          const detail = before.state === state ? null : `was ${before.state}`;
          sql.note({ action: "grant.refreshed", grantId, generation: parentGeneration + 1, outcome: state, detail });
          // An ordinary refresh tells nobody anything.
          if (before.state !== state || before.scope !== tokens.scope) {
            await tellChanged(sql, before, grantId, at, "ended_with_another");
          }
          return state;
        },
        [grantId],
      ),

    endAttempt: (attemptId, { error, says = null, at, retryAt, lookAt }) =>
      database.transaction(async (sql) => {
        const { grantId, generation } = await lockGrantOf(sql, attemptId);
        // The attempt was taken over meanwhile: its failure says nothing about the grant any more.
        if ((await sql.run(deleteAttempt, { attemptId })) === 0) return;
        // Nor where the person signed in meanwhile: the failure would hold back the new consent, and a look that is due
        // would count as evidence against a token that was never sent.
        const failed = { error, says, at, retryAt, grantId, generation };
        if ((await sql.run(`${noteFailure} AND generation = :generation`, failed)) === 0) return;
        if (lookAt === undefined) return;
        await sql.run("UPDATE grants SET look_at = :lookAt WHERE grant_id = :grantId", { lookAt, grantId });
      }),

    endAttemptUnknown: (attemptId, { error, says = null, at, retryAt, suspect }) =>
      database.transaction(async (sql) => {
        const { grantId, generation, before } = await lockGrantOf(sql, attemptId);
        const ended = await sql.run("UPDATE attempts SET ended_unknown = 1 WHERE attempt_id = :attemptId", {
          attemptId,
        });
        if (ended === 0) return;
        await sql.run(noteFailure, { error, says, at, retryAt, grantId });
        if (!suspect) return;
        const doubted = await sql.run(
          `UPDATE grants SET state = 'suspect', state_since = :at, doubt = 'outcome_unknown'
           WHERE grant_id = :grantId AND state = 'active'`,
          { at, grantId },
        );
        if (doubted === 0 || before === undefined) return;
        sql.note({ action: "grant.suspect", grantId, generation, outcome: "exchange_unknown", detail: null });
        await tellChanged(sql, before, before.grantId, at, "outcome_unknown");
      }),

    lapse: (grantId, generation, reason, error, at, lookAt = null, says = null, why) =>
      database.transaction((sql) => lapseGrant(sql, { grantId, generation, reason, error, says, at, lookAt }, why)),

    grantsToLapse: async (at, limit) => (await database.all(selectToLapse, { at, limit })).map(readGrant),

    lapseWithoutAccess: (grantId, at, why) =>
      database.transaction(async (sql) => {
        const before = await lockState(sql, grantId);
        const lapsed = await sql.run(makeLapsedWithoutAccess, { grantId, at });
        if (lapsed === 0 || before === undefined) return false;
        const { generation } = before;
        await sql.run(deleteAttemptsUpTo, { grantId, generation });
        sql.note({ action: "grant.lapsed", grantId, generation, outcome: "no_refresh_token", detail: null });
        await tellChanged(sql, before, grantId, at, undefined, why);
        return true;
      }),

    keepLateAnswer: async (lateAnswer) => {
      const { grantId, parentGeneration: generation } = lateAnswer;
      await database.transaction(async (sql) => {
        if ((await sql.run(insertLateAnswer, lateAnswerValues(lateAnswer))) === 0) return;
        sql.note({ action: "late_answer.kept", grantId, generation, outcome: "kept", detail: null });
      });
    },

    lateAnswersOf: async (grantId, parentGeneration) => {
      const rows =
        parentGeneration === undefined
          ? await database.all(`${selectLateAnswers} ${newestFirst}`, { grantId })
          : await database.all(`${selectLateAnswersTo} ${newestFirst}`, { grantId, parentGeneration });
      return rows.map(readLateAnswer);
    },

    dropLateAnswer: async (lateAnswerId) => {
      await database.transaction(async (sql) => {
        const dropped = await sql.all(dropLateAnswer, { lateAnswerId });
        for (const { grantId, parentGeneration: generation } of dropped.map(readLateAnswer)) {
          sql.note({ action: "late_answer.dropped", grantId, generation, outcome: "dropped", detail: null });
        }
      });
    },

    attempts: async () => (await database.all(`${selectAttempts} ORDER BY started_at, attempt_id`)).map(readAttempt),
  };
}

/**
 * Makes a usable grant `lapsed`, and ends its attempt, as `RefreshStore.lapse`.
 *
 * @param lapse.detail for the audit log; none by default
 */
export async function lapseGrant(
  sql: Transaction,
  {
    detail = null,
    says = null,
    ...lapse
  }: Pick<GrantRow, "grantId" | "generation" | "lookAt"> & {
    readonly reason: LapseReason;
    readonly error: string;
    readonly says?: string | null;
    readonly at: number;
    readonly detail?: string | null;
  },
  why?: EventDiagnosis,
): Promise<boolean> {
  const { grantId, generation, reason, at } = lapse;
  const before = await lockState(sql, grantId);
  const lapsed = await sql.run(makeLapsed, { says, ...lapse });
  if (lapsed === 0 || before === undefined) return false;
  await sql.run(deleteAttemptsUpTo, { grantId, generation });
  sql.note({ action: "grant.lapsed", grantId, generation, outcome: reason, detail });
  await tellChanged(sql, before, grantId, at, undefined, why);
  return true;
}

async function attemptOn(sql: Transaction, grantId: string): Promise<Attempt | undefined> {
  const [row] = await sql.all(selectAttemptOf, { grantId });
  return row === undefined ? undefined : readAttempt(row);
}

/**
 * An attempt that began in the future began now, as far as anybody can tell: the database's clock was set back since.
 * Its age counts from the first look at it, and not only when its time comes.
 */
async function anchored(sql: Transaction, attempt: Attempt, now: number): Promise<Attempt> {
  if (!isInFuture(attempt.startedAt, now)) return attempt;
  const begunNow = { ...attempt, startedAt: now };
  await sql.run(deleteAttempt, { attemptId: attempt.attemptId });
  await sql.run(insertAttempt, attemptValues(begunNow));
  return begunNow;
}

/** Locks the grant of an attempt. Returns its id and the generation of the attempt; nulls where the attempt is gone. */
async function lockGrantOf(
  sql: Transaction,
  attemptId: string,
): Promise<{ readonly grantId: string | null; readonly generation: number | null; readonly before?: LockedState }> {
  const [row] = await sql.all(`${selectAttempts} WHERE attempt_id = :attemptId`, { attemptId });
  if (row === undefined) return { grantId: null, generation: null };
  const { grantId, generation } = readAttempt(row);
  const before = await lockState(sql, grantId);
  return before === undefined ? { grantId: null, generation } : { grantId, generation, before };
}
