import { insertList, rowReader, selectList, valuesWriter } from "./column.ts";
import { handleColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import type { HandleStore } from "../handle-store.ts";

const readHandle = rowReader(handleColumns);
const handleValues = valuesWriter(handleColumns);

const select = `SELECT ${selectList(handleColumns)} FROM handles`;
const selectById = `${select} WHERE handle_id = :handleId`;
const selectOfGrant = `${select} WHERE grant_id = :grantId ORDER BY created_at, handle_id`;
const selectGrant = "SELECT grant_id FROM grants WHERE grant_id = :grantId";
const insert = `INSERT INTO handles ${insertList(handleColumns)}`;
const forget = `DELETE FROM handles WHERE grant_id = :grantId AND (revoked_at < :endedBefore OR expires_at < :endedBefore)`;
const revoke = `UPDATE handles SET revoked_at = :at
  WHERE handle_id = :handleId AND grant_id = :grantId AND revoked_at IS NULL`;
const noteUse = `UPDATE handles SET last_used_at = :at
  WHERE handle_id = :handleId AND (last_used_at IS NULL OR last_used_at < :at)`;

export function handleStore(database: Database): HandleStore {
  return {
    insertHandle: (row, endedBefore) =>
      database.transaction(async (sql) => {
        const { grantId, handleId } = row;
        if ((await sql.lock(selectGrant, { grantId })).length === 0) return false;
        await sql.run(forget, { grantId, endedBefore });
        await sql.run(insert, handleValues(row));
        sql.note({ action: "handle.created", grantId, generation: null, outcome: "done", detail: handleId });
        return true;
      }),

    handleById: async (handleId) => {
      const [row] = await database.all(selectById, { handleId });
      return row === undefined ? undefined : readHandle(row);
    },

    handlesOfGrant: async (grantId) => (await database.all(selectOfGrant, { grantId })).map(readHandle),

    revokeHandle: (grantId, handleId, at) =>
      database.transaction(async (sql) => {
        const isDone = (await sql.run(revoke, { grantId, handleId, at })) === 1;
        if (isDone)
          sql.note({ action: "handle.revoked", grantId, generation: null, outcome: "done", detail: handleId });
        return isDone;
      }),

    noteHandleUse: async (handleId, at) => {
      await database.transaction((sql) => sql.run(noteUse, { handleId, at }));
    },
  };
}
