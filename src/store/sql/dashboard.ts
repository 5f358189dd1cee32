import { insertList, rowReader, selectList, valuesWriter } from "./column.ts";
import { dashboardLinkColumns, operatorSessionColumns, refreshCountColumns } from "./tables.ts";
import type { Database, Transaction } from "./sql.ts";
import type { DashboardStore } from "../dashboard-store.ts";

const readLink = rowReader(dashboardLinkColumns);
const readSession = rowReader(operatorSessionColumns);
const readCount = rowReader(refreshCountColumns);
const linkValues = valuesWriter(dashboardLinkColumns);
const sessionValues = valuesWriter(operatorSessionColumns);
const countValues = valuesWriter(refreshCountColumns);

const insertLink = `INSERT INTO dashboard_links ${insertList(dashboardLinkColumns)}`;
const selectLink = `SELECT ${selectList(dashboardLinkColumns)} FROM dashboard_links WHERE link_id = :linkId`;
const takeLink = "DELETE FROM dashboard_links WHERE link_id = :linkId AND link_hash = :linkHash";
const insertSession = `INSERT INTO operator_sessions ${insertList(operatorSessionColumns)}`;
const sessions = `SELECT ${selectList(operatorSessionColumns)} FROM operator_sessions`;
const selectSession = `${sessions} WHERE operator_session_id = :sessionId`;
const selectSessions = `${sessions} WHERE ends_at > :endsAfter ORDER BY ends_at, operator_session_id LIMIT :limit`;
const noteUse = `UPDATE operator_sessions SET last_used_at = :at
  WHERE operator_session_id = :sessionId AND last_used_at < :at`;
const endSession = "DELETE FROM operator_sessions WHERE operator_session_id = :sessionId";
const addCount = `INSERT INTO refresh_counts ${insertList(refreshCountColumns)}
  ON CONFLICT (quarter_at, provider, outcome) DO UPDATE SET refreshes = refresh_counts.refreshes + EXCLUDED.refreshes`;
const selectCounts = `SELECT ${selectList(refreshCountColumns)} FROM refresh_counts
  WHERE (quarter_at, provider, outcome) > (:quarterAt, :provider, :outcome)
  ORDER BY quarter_at, provider, outcome LIMIT :limit`;
const selectOver = `SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM dashboard_links WHERE expires_at < :endedBefore)
  OR EXISTS (SELECT 1 FROM operator_sessions WHERE ends_at < :endedBefore)
  OR EXISTS (SELECT 1 FROM refresh_counts WHERE quarter_at < :countedBefore)`;

export function dashboardStore(database: Database): DashboardStore {
  return {
    insertDashboardLink: (row) =>
      // It is in the audit log once somebody has used it: each start of a service makes one that mostly nobody does.
      database.transaction(async (sql) => {
        await sql.run(insertLink, linkValues(row));
      }),

    dashboardLink: async (linkId) => {
      const [row] = await database.all(selectLink, { linkId });
      return row === undefined ? undefined : readLink(row);
    },

    beginOperatorSession: ({ linkId, linkHash }, session) =>
      database.transaction(async (sql) => {
        if ((await sql.run(takeLink, { linkId, linkHash })) === 0) return false;
        await sql.run(insertSession, sessionValues(session));
        noted(sql, "operator.signed_in", session.role);
        return true;
      }),

    operatorSession: async (sessionId) => {
      const [row] = await database.all(selectSession, { sessionId });
      return row === undefined ? undefined : readSession(row);
    },

    noteOperatorUse: async (sessionId, at) => {
      await database.transaction((sql) => sql.run(noteUse, { sessionId, at }));
    },

    operatorSessions: async (endsAfter, limit) =>
      (await database.all(selectSessions, { endsAfter, limit })).map(readSession),

    endOperatorSession: (sessionId) =>
      database.transaction(async (sql) => {
        const ended = (await sql.run(endSession, { sessionId })) > 0;
        if (ended) noted(sql, "operator.signed_out", sessionId);
        return ended;
      }),

    addRefreshCounts: (counts) =>
      database.transaction(async (sql) => {
        // In one order, so that two keepers that add at the same moment do not wait for each other.
        for (const count of counts.toSorted(byPlace)) await sql.run(addCount, countValues(count));
      }),

    refreshCounts: async (after, limit) => (await database.all(selectCounts, { ...after, limit })).map(readCount),

    async sweepDashboard(endedBefore, countedBefore) {
      // Mostly there is nothing, and a transaction that writes nothing holds up others all the same.
      if ((await database.all(selectOver, { endedBefore, countedBefore })).length === 0) return;
      await database.transaction(async (sql) => {
        await sql.run("DELETE FROM dashboard_links WHERE expires_at < :endedBefore", { endedBefore });
        await sql.run("DELETE FROM operator_sessions WHERE ends_at < :endedBefore", { endedBefore });
        await sql.run("DELETE FROM refresh_counts WHERE quarter_at < :countedBefore", { countedBefore });
      });
    },
  };
}

function byPlace(
  one: { readonly quarterAt: number; readonly provider: string; readonly outcome: string },
  other: typeof one,
): number {
  if (one.quarterAt !== other.quarterAt) return one.quarterAt - other.quarterAt;
  return `${one.provider} ${one.outcome}` < `${other.provider} ${other.outcome}` ? -1 : 1;
}

function noted(sql: Transaction, action: string, detail: string): void {
  sql.note({ action, grantId: null, generation: null, outcome: "done", detail });
}
