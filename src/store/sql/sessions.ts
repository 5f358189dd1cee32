import { insertList, number, rowReader, selectList, valuesWriter } from "./column.ts";
import { callerColumns, sessionColumns } from "./tables.ts";
import type { Database, Transaction } from "./sql.ts";
import type { SessionStore } from "../session-store.ts";

const readSession = rowReader(sessionColumns);
const readCaller = rowReader(callerColumns);
const sessionValues = valuesWriter(sessionColumns);
const endColumn = number("ends_at");

const insert = `INSERT INTO sessions ${insertList(sessionColumns)}`;
const lockCaller = "SELECT caller_id FROM callers WHERE caller_id = :callerId AND revoked_at IS NULL";
// The last one that may live beside others. Up to it and no further: the look must cost the same however many rows there are.
const selectLast = `SELECT session_id FROM sessions WHERE caller_id = :callerId AND ends_at > :now
  ORDER BY ends_at LIMIT 1 OFFSET :others`;
// Both in one read, so that the time of an answer does not tell whether there is such a session.
const selectById = `SELECT ${selectList(sessionColumns)}, ${selectList(callerColumns).replace("caller_id, ", "")}
  FROM sessions JOIN callers USING (caller_id) WHERE session_id = :sessionId`;
const isAfter = "(ends_at > :endsAfter OR (ends_at = :endsAfter AND session_id > :idAfter))";
const isLive = `ends_at >= :endsAfter AND ${isAfter} AND EXISTS (
    SELECT 1 FROM callers WHERE callers.caller_id = sessions.caller_id AND revoked_at IS NULL)
  ORDER BY ends_at, session_id LIMIT :limit`;
const selectAll = `SELECT ${selectList(sessionColumns)} FROM sessions WHERE ${isLive}`;
const selectOfCaller = `SELECT ${selectList(sessionColumns)} FROM sessions WHERE caller_id = :callerId AND ${isLive}`;
const end = "DELETE FROM sessions WHERE session_id = :sessionId";
const endOwn = `${end} AND caller_id = :callerId`;
/** In one transaction, many would hold up everybody else's writes. */
const sweptAtOnce = 500;
const selectEdge = `SELECT ends_at FROM sessions WHERE ends_at < :endedBefore
  ORDER BY ends_at LIMIT 1 OFFSET :sweptAtOnce`;

export function sessionStore(database: Database): SessionStore {
  return {
    insertSession: (row, most, now) =>
      database.transaction(async (sql) => {
        const { callerId } = row;
        // Whoever makes another session of this caller waits, so that no two are the last one.
        if ((await sql.lock(lockCaller, { callerId })).length === 0) return "no_caller";
        if ((await sql.all(selectLast, { callerId, now, others: most - 1 })).length > 0) return "full";
        await sql.run(insert, sessionValues(row));
        noted(sql, "session.created", row.sessionId);
        return "stored";
      }),

    sessionById: async (sessionId) => {
      const [row] = await database.all(selectById, { sessionId });
      return row === undefined ? undefined : { session: readSession(row), maker: readCaller(row) };
    },

    listSessions: async ({ callerId, after, limit }) => {
      const page = { endsAfter: after.expiresAt, idAfter: after.sessionId, limit };
      const rows =
        callerId === undefined
          ? await database.all(selectAll, page)
          : await database.all(selectOfCaller, { ...page, callerId });
      return rows.map(readSession);
    },

    endSession: (sessionId, callerId) =>
      database.transaction(async (sql) => {
        const ended =
          callerId === null ? await sql.run(end, { sessionId }) : await sql.run(endOwn, { sessionId, callerId });
        if (ended > 0) noted(sql, "session.ended", sessionId);
        return ended > 0;
      }),

    endSessionsOf: (callerId) =>
      database.transaction(async (sql) => {
        const ended = await sql.run("DELETE FROM sessions WHERE caller_id = :callerId", { callerId });
        if (ended > 0) noted(sql, "session.ended", `all ${ended} of ${callerId}`);
        return ended;
      }),

    async sweepSessions(endedBefore) {
      // Mostly there is nothing, and a transaction that writes nothing holds up others all the same.
      if ((await database.all(selectEdge, { endedBefore, sweptAtOnce: 0 })).length === 0) return 0;
      for (let swept = 0; ;) {
        const [edge] = await database.all(selectEdge, { endedBefore, sweptAtOnce });
        const upTo = edge === undefined ? endedBefore - 1 : endColumn.read(edge);
        swept += await database.transaction((sql) => sql.run("DELETE FROM sessions WHERE ends_at <= :upTo", { upTo }));
        if (edge === undefined) return swept;
      }
    },
  };
}

function noted(sql: Transaction, action: string, detail: string): void {
  sql.note({ action, grantId: null, generation: null, outcome: "done", detail });
}
