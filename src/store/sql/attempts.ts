import { isUsable } from "../../core/grant.ts";
import type { Attempt, AttemptResult } from "../../core/take-over.ts";
import { lockGrant } from "./grants.ts";
import { ownerText, readOwner } from "./owner.ts";
import { Columns } from "./sql.ts";
import type { Database, SqlRow, SqlValue, Transaction } from "./sql.ts";
import type { GrantRow, LateAnswerRow, RefreshStore } from "../store.ts";

const columns = "attempt_id, grant_id, generation, owner, started_at, ended_unknown";

export function refreshStore(database: Database): RefreshStore {
  return {
    beginAttempt: ({ attemptId, grantId, generation, owner, at }, replaces) =>
      database.transaction(async (sql): Promise<AttemptResult<GrantRow>> => {
        // Held still: with a generation that moves on meanwhile, a token would be spent that was spent already.
        const grant = await lockGrant(sql, grantId);
        if (grant === undefined) return { kind: "gone" };
        if (grant.generation !== generation || !isUsable(grant.state)) return { kind: "moved", grant };
        if (grant.retryAt !== null && grant.retryAt > at) return { kind: "backing-off", grant };
        const now = await sql.now();
        const [held] = await sql.all(`SELECT ${columns} FROM attempts WHERE grant_id = ?`, grantId);
        if (held !== undefined) {
          const attempt = attemptRow(held);
          // An attempt on another generation holds nothing any more: its answer will be a late answer, whenever it comes.
          const stale = attempt.generation !== generation;
          if (!stale && attempt.attemptId !== replaces) return { kind: "held", attempt, now };
          await sql.run("DELETE FROM attempts WHERE grant_id = ?", grantId);
        }
        await sql.run(
          "INSERT INTO attempts (attempt_id, grant_id, generation, owner, started_at) VALUES (?, ?, ?, ?, ?)",
          attemptId,
          grantId,
          generation,
          ownerText(owner),
          now,
        );
        return { kind: "begun", grant };
      }),

    commitAttempt: (grantId, parentGeneration, token, at, suspectSince) =>
      database.transaction(async (sql): Promise<"active" | "suspect" | undefined> => {
        const commit = (assignments: string, condition: string, ...values: SqlValue[]): Promise<number> =>
          sql.run(
            `UPDATE grants SET ${assignments}, generation = generation + 1, reason = NULL,
               refresh_sealed = ?, refresh_expires_at = ?, refresh_prefix_hash = ?, refresh_digest_hash = ?,
               access_sealed = ?, access_issued_at = ?, access_expires_at = ?, scope = ?,
               last_refresh_at = ?, last_error = NULL, last_error_at = NULL, failures = 0, retry_at = NULL,
               updated_at = ?
             WHERE grant_id = ? AND generation = ? AND ${condition}`,
            ...values,
          );
        const values = (expiresAt: number | null): SqlValue[] => [
          token.refreshSealed,
          token.refreshExpiresAt,
          token.refreshPrefixHash,
          token.refreshDigestHash,
          token.accessSealed,
          token.accessIssuedAt,
          expiresAt,
          token.scope,
          at,
          at,
          grantId,
          parentGeneration,
        ];
        const active = await commit(
          "state = 'active', state_since = CASE WHEN state = 'active' THEN state_since ELSE ? END",
          "(state IN ('active', 'lapsed') OR (state = 'suspect' AND state_since <= COALESCE(?, state_since)))",
          at,
          ...values(token.accessExpiresAt),
          suspectSince ?? null,
        );
        const suspect = active === 1 ? 0 : await commit("state = state", "state = 'suspect'", ...values(at));
        if (active + suspect === 0) return undefined;
        await sql.run("DELETE FROM attempts WHERE grant_id = ? AND generation <= ?", grantId, parentGeneration);
        return active === 1 ? "active" : "suspect";
      }),

    endAttempt: (attemptId, { error, at, retryAt }) =>
      database.transaction(async (sql) => {
        const grantId = await lockGrantOf(sql, attemptId);
        // Taken over meanwhile: the failure is no longer the grant's.
        if ((await sql.run("DELETE FROM attempts WHERE attempt_id = ?", attemptId)) === 0) return;
        await sql.run(
          `UPDATE grants SET last_error = ?, last_error_at = ?, failures = failures + 1, retry_at = ?, updated_at = ?
           WHERE grant_id = ?`,
          error,
          at,
          retryAt,
          at,
          grantId,
        );
      }),

    endAttemptUnknown: (attemptId, { error, at, retryAt, suspect }) =>
      database.transaction(async (sql) => {
        const grantId = await lockGrantOf(sql, attemptId);
        if ((await sql.run("UPDATE attempts SET ended_unknown = 1 WHERE attempt_id = ?", attemptId)) === 0) return;
        await sql.run(
          `UPDATE grants SET last_error = ?, last_error_at = ?, failures = failures + 1, retry_at = ?, updated_at = ?
           WHERE grant_id = ?`,
          error,
          at,
          retryAt,
          at,
          grantId,
        );
        if (!suspect) return;
        await sql.run(
          "UPDATE grants SET state = 'suspect', state_since = ? WHERE grant_id = ? AND state = 'active'",
          at,
          grantId,
        );
      }),

    lapse: (grantId, generation, reason, error, at) =>
      database.transaction(async (sql) => {
        const lapsed = await sql.run(
          `UPDATE grants SET state = 'lapsed', reason = ?, state_since = ?, last_error = ?, last_error_at = ?,
             updated_at = ?
           WHERE grant_id = ? AND generation = ? AND state IN ('active', 'suspect')`,
          reason,
          at,
          error,
          at,
          at,
          grantId,
          generation,
        );
        if (lapsed === 0) return false;
        await sql.run("DELETE FROM attempts WHERE grant_id = ? AND generation <= ?", grantId, generation);
        return true;
      }),

    keepLateAnswer: async ({ lateAnswerId, grantId, parentGeneration, answerSealed, receivedAt }) => {
      await database.transaction((sql) =>
        sql.run(
          `INSERT INTO orphans (orphan_id, grant_id, parent_generation, answer_sealed, received_at)
           VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
          lateAnswerId,
          grantId,
          parentGeneration,
          answerSealed,
          receivedAt,
        ),
      );
    },

    lateAnswersOf: async (grantId, parentGeneration) =>
      (
        await database.all(
          `SELECT orphan_id, grant_id, parent_generation, answer_sealed, received_at FROM orphans
           WHERE grant_id = ?${parentGeneration === undefined ? "" : " AND parent_generation = ?"}
           ORDER BY received_at DESC, orphan_id`,
          grantId,
          ...(parentGeneration === undefined ? [] : [parentGeneration]),
        )
      ).map(lateAnswerRow),

    dropLateAnswer: async (lateAnswerId) => {
      await database.transaction((sql) => sql.run("DELETE FROM orphans WHERE orphan_id = ?", lateAnswerId));
    },

    attempts: async () =>
      (await database.all(`SELECT ${columns} FROM attempts ORDER BY started_at, attempt_id`)).map(attemptRow),
  };
}

/** The grant of an attempt, held still; undefined where the attempt is gone. */
async function lockGrantOf(sql: Transaction, attemptId: string): Promise<string | null> {
  const [attempt] = await sql.all("SELECT grant_id FROM attempts WHERE attempt_id = ?", attemptId);
  if (attempt === undefined) return null;
  return (await lockGrant(sql, new Columns(attempt).text("grant_id")))?.grantId ?? null;
}

function attemptRow(row: SqlRow): Attempt {
  const column = new Columns(row);
  return {
    attemptId: column.text("attempt_id"),
    grantId: column.text("grant_id"),
    generation: column.number("generation"),
    owner: readOwner(column.text("owner")),
    startedAt: column.number("started_at"),
    endedUnknown: column.number("ended_unknown") === 1,
  };
}

function lateAnswerRow(row: SqlRow): LateAnswerRow {
  const column = new Columns(row);
  return {
    lateAnswerId: column.text("orphan_id"),
    grantId: column.text("grant_id"),
    parentGeneration: column.number("parent_generation"),
    answerSealed: column.bytes("answer_sealed"),
    receivedAt: column.number("received_at"),
  };
}
