import { insertList, number, rowReader, selectList, valuesWriter } from "./column.ts";
import { connectColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import type { ConnectStore } from "../connect-store.ts";

const readConnect = rowReader(connectColumns);
const connectValues = valuesWriter(connectColumns);

const select = `SELECT ${selectList(connectColumns)} FROM connects`;
const selectByHash = `${select} WHERE connect_hash = :connectHash`;
const selectByState = `${select} WHERE state_hash = :stateHash`;
const insert = `INSERT INTO connects ${insertList(connectColumns)}`;
/** After a day of many links, one transaction for all of them would hold up everybody else's writes. */
const sweptAtOnce = 500;
const selectEdge = `SELECT expires_at FROM connects WHERE expires_at < :expiredBefore
  ORDER BY expires_at LIMIT 1 OFFSET :sweptAtOnce`;
const expiryColumn = number("expires_at");
const nothingMore = { generation: null, detail: null };

export function connectStore(database: Database): ConnectStore {
  return {
    createConnect: (link, about = null) =>
      database.transaction(async (sql) => {
        const nothingYet = { flowSealed: null, stateHash: null, tries: 0, error: null, endedAt: null };
        await sql.run(insert, connectValues({ ...link, ...nothingYet }));
        sql.note({ action: "connect.created", outcome: "waiting", grantId: about, ...nothingMore });
      }),

    connectByHash: async (connectHash) => {
      const [row] = await database.all(selectByHash, { connectHash });
      return row === undefined ? undefined : readConnect(row);
    },

    connectByState: async (stateHash) => {
      const [row] = await database.all(selectByState, { stateHash });
      return row === undefined ? undefined : readConnect(row);
    },

    moveConnect: (connectHash, before, { flowSealed, stateHash }, about = null) =>
      database.transaction(async (sql) => {
        const moved = await sql.run(
          `UPDATE connects SET flow_sealed = :flowSealed, state_hash = :stateHash
           WHERE connect_hash = :connectHash AND flow_sealed IS NOT DISTINCT FROM :before AND ended_at IS NULL`,
          { connectHash, flowSealed, stateHash, before },
        );
        if (moved === 0) return false;
        if (before === null) sql.note({ action: "connect.begun", outcome: "begun", grantId: about, ...nothingMore });
        return true;
      }),

    countConnectTry: (connectHash) =>
      database.transaction(async (sql) => {
        await sql.run("UPDATE connects SET tries = tries + 1 WHERE connect_hash = :connectHash", { connectHash });
        const [row] = await sql.all(selectByHash, { connectHash });
        return row === undefined ? 0 : readConnect(row).tries;
      }),

    endConnect: (connectHash, at, error, grantId) =>
      database.transaction(async (sql) => {
        const ended = await sql.run(
          "UPDATE connects SET error = :error, ended_at = :at WHERE connect_hash = :connectHash AND ended_at IS NULL",
          { connectHash, at, error },
        );
        if (ended === 0) return false;
        const how = error === null ? { action: "connect.finished", outcome: "finished" } : failed(error);
        sql.note({ ...how, grantId, ...nothingMore });
        return true;
      }),

    async sweepConnects(expiredBefore) {
      for (let swept = 0; ;) {
        const [edge] = await database.all(selectEdge, { expiredBefore, sweptAtOnce });
        const upTo = edge === undefined ? expiredBefore - 1 : expiryColumn.read(edge);
        swept += await database.transaction((sql) =>
          sql.run("DELETE FROM connects WHERE expires_at <= :upTo", { upTo }),
        );
        if (edge === undefined) return swept;
      }
    },
  };
}

function failed(error: string): { readonly action: string; readonly outcome: string } {
  return { action: "connect.failed", outcome: error };
}
