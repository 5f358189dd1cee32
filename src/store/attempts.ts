import { isUsable } from "../grant.ts";
import type { Attempt, Owner } from "../lease.ts";
import { nextChange, readGrant } from "./grants.ts";
import { Columns } from "./sql.ts";
import type { Database, SqlRow } from "./sql.ts";
import type { BeginAttempt, OrphanRow, RefreshStore } from "./store.ts";

const columns = "attempt_id, grant_id, generation, owner, started_at, ended_unknown";

export function refreshStore(database: Database): RefreshStore {
  return {
    beginAttempt: ({ attemptId, grantId, generation, owner }, replaces) =>
      database.transaction(async (sql): Promise<BeginAttempt> => {
        const grant = await readGrant(sql, grantId);
        if (grant === undefined) return { kind: "gone" };
        if (grant.generation !== generation || !isUsable(grant.state)) return { kind: "moved", grant };
        const now = await sql.now();
        const [held] = await sql.all(`SELECT ${columns} FROM attempts WHERE grant_id = ?`, grantId);
        if (held !== undefined) {
          const attempt = attemptRow(held);
          // An attempt on another generation holds nothing any more: its answer will be an orphan, whenever it comes.
          const stale = attempt.generation !== generation;
          if (!stale && attempt.attemptId !== replaces) return { kind: "held", attempt, now };
          await sql.run("DELETE FROM attempts WHERE grant_id = ?", grantId);
        }
        await sql.run(
          "INSERT INTO attempts (attempt_id, grant_id, generation, owner, started_at) VALUES (?, ?, ?, ?, ?)",
          attemptId,
          grantId,
          generation,
          JSON.stringify(owner),
          now,
        );
        return { kind: "begun", grant };
      }),

    commitAttempt: (grantId, parentGeneration, token, at) =>
      database.transaction(async (sql) => {
        const committed = await sql.run(
          `UPDATE grants SET generation = generation + 1, state = 'active', reason = NULL,
             state_since = CASE WHEN state = 'active' THEN state_since ELSE ? END,
             refresh_sealed = ?, refresh_expires_at = ?, refresh_prefix_hash = ?, refresh_digest_hash = ?,
             access_sealed = ?, access_issued_at = ?, access_expires_at = ?, scope = ?,
             last_refresh_at = ?, last_error = NULL, last_error_at = NULL, failures = 0, retry_at = NULL,
             updated_at = ?, change_seq = ${nextChange}
           WHERE grant_id = ? AND generation = ? AND state IN ('active', 'suspect')`,
          at,
          token.refreshSealed,
          token.refreshExpiresAt,
          token.refreshPrefixHash,
          token.refreshDigestHash,
          token.accessSealed,
          token.accessIssuedAt,
          token.accessExpiresAt,
          token.scope,
          at,
          at,
          grantId,
          parentGeneration,
        );
        if (committed === 0) return false;
        await sql.run("DELETE FROM attempts WHERE grant_id = ? AND generation <= ?", grantId, parentGeneration);
        return true;
      }),

    endAttempt: (attemptId, { error, at, retryAt }) =>
      database.transaction(async (sql) => {
        await sql.run(
          `UPDATE grants SET last_error = ?, last_error_at = ?, failures = failures + 1, retry_at = ?, updated_at = ?,
             change_seq = ${nextChange}
           WHERE grant_id = (SELECT grant_id FROM attempts WHERE attempt_id = ?)`,
          error,
          at,
          retryAt,
          at,
          attemptId,
        );
        await sql.run("DELETE FROM attempts WHERE attempt_id = ?", attemptId);
      }),

    endAttemptUnknown: (attemptId, { error, at, retryAt, suspect }) =>
      database.transaction(async (sql) => {
        await sql.run("UPDATE attempts SET ended_unknown = 1 WHERE attempt_id = ?", attemptId);
        await sql.run(
          `UPDATE grants SET last_error = ?, last_error_at = ?, failures = failures + 1, retry_at = ?, updated_at = ?,
             state_since = CASE WHEN ? = 1 AND state = 'active' THEN ? ELSE state_since END,
             state = CASE WHEN ? = 1 AND state = 'active' THEN 'suspect' ELSE state END,
             change_seq = ${nextChange}
           WHERE grant_id = (SELECT grant_id FROM attempts WHERE attempt_id = ?)`,
          error,
          at,
          retryAt,
          at,
          suspect ? 1 : 0,
          at,
          suspect ? 1 : 0,
          attemptId,
        );
      }),

    lapse: (grantId, generation, reason, error, at) =>
      database.transaction(async (sql) => {
        const lapsed = await sql.run(
          `UPDATE grants SET state = 'lapsed', reason = ?, state_since = ?, last_error = ?, last_error_at = ?,
             updated_at = ?, change_seq = ${nextChange}
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

    keepOrphan: async ({ orphanId, grantId, parentGeneration, answerSealed, receivedAt }) => {
      await database.transaction((sql) =>
        sql.run(
          `INSERT INTO orphans (orphan_id, grant_id, parent_generation, answer_sealed, received_at)
           VALUES (?, ?, ?, ?, ?)`,
          orphanId,
          grantId,
          parentGeneration,
          answerSealed,
          receivedAt,
        ),
      );
    },

    orphansOf: async (grantId, parentGeneration) =>
      (
        await database.all(
          `SELECT orphan_id, grant_id, parent_generation, answer_sealed, received_at FROM orphans
           WHERE grant_id = ? AND parent_generation = ? ORDER BY received_at DESC`,
          grantId,
          parentGeneration,
        )
      ).map(orphanRow),

    dropOrphan: async (orphanId) => {
      await database.transaction((sql) => sql.run("DELETE FROM orphans WHERE orphan_id = ?", orphanId));
    },

    attempts: async () => (await database.all(`SELECT ${columns} FROM attempts ORDER BY started_at`)).map(attemptRow),
  };
}

function attemptRow(row: SqlRow): Attempt {
  const column = new Columns(row);
  return {
    attemptId: column.text("attempt_id"),
    grantId: column.text("grant_id"),
    generation: column.number("generation"),
    owner: JSON.parse(column.text("owner")) as Owner,
    startedAt: column.number("started_at"),
    endedUnknown: column.number("ended_unknown") === 1,
  };
}

function orphanRow(row: SqlRow): OrphanRow {
  const column = new Columns(row);
  return {
    orphanId: column.text("orphan_id"),
    grantId: column.text("grant_id"),
    parentGeneration: column.number("parent_generation"),
    answerSealed: column.bytes("answer_sealed"),
    receivedAt: column.number("received_at"),
  };
}
