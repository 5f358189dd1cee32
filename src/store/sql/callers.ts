import { assignments, insertList, rowReader, selectList, valuesWriter } from "./column.ts";
import { callerColumns } from "./tables.ts";
import type { Database, Transaction } from "./sql.ts";
import type { CallerStore } from "../caller-store.ts";

const readCaller = rowReader(callerColumns);
const callerValues = valuesWriter(callerColumns);

const select = `SELECT ${selectList(callerColumns)} FROM callers`;
const selectById = `${select} WHERE caller_id = :callerId`;
const insert = `INSERT INTO callers ${insertList(callerColumns)} ON CONFLICT DO NOTHING`;

const replace = `UPDATE callers SET ${assignments(callerColumns)}
  WHERE caller_id = :callerId AND key_hash = :keyHashRead AND rights_mac = :rightsMacRead AND revoked_at IS NULL`;
const noteUse = `UPDATE callers SET last_used_at = :at
  WHERE caller_id = :callerId AND (last_used_at IS NULL OR last_used_at < :at)`;

const revoke = "UPDATE callers SET revoked_at = :at, rights_mac = NULL WHERE name = :name AND revoked_at IS NULL";
const bind = "UPDATE callers SET rights_mac = :rightsMac WHERE caller_id = :callerId";
const noteBound = "INSERT INTO meta (name, value) VALUES ('callers_bound', 'yes') ON CONFLICT DO NOTHING";

export function callerStore(database: Database): CallerStore {
  return {
    insertCaller: (row) =>
      database.transaction(async (sql) =>
        noted(sql, (await sql.run(insert, callerValues(row))) === 1, "caller.created", row.name),
      ),

    callerById: async (callerId) => {
      const [row] = await database.all(selectById, { callerId });
      return row === undefined ? undefined : readCaller(row);
    },

    listCallers: async () => (await database.all(`${select} ORDER BY created_at, caller_id`)).map(readCaller),

    replaceCaller: (row, read, change) =>
      database.transaction(async (sql) => {
        const values = { ...callerValues(row), keyHashRead: read.keyHash, rightsMacRead: read.rightsMac };
        return noted(sql, (await sql.run(replace, values)) === 1, change, row.name);
      }),

    noteCallerUse: async (callerId, at) => {
      await database.transaction((sql) => sql.run(noteUse, { callerId, at }));
    },

    bindCallers: (macOf) =>
      database.transaction(async (sql) => {
        if ((await sql.run(noteBound, {})) === 0) return [];
        const rows = (await sql.all(`${select} WHERE rights_mac IS NULL AND revoked_at IS NULL`)).map(readCaller);
        for (const row of rows) {
          await sql.run(bind, { callerId: row.callerId, rightsMac: macOf(row) });
          noted(sql, true, "caller.bound", row.name);
        }
        return rows.map(({ name }) => name);
      }),

    revokeCaller: (name, at) =>
      database.transaction(async (sql) =>
        noted(sql, (await sql.run(revoke, { at, name })) > 0, "caller.revoked", name),
      ),
  };
}

/** Records what was done to a caller, if it was done. */
function noted(sql: Transaction, isDone: boolean, action: string, name: string): boolean {
  if (isDone) sql.note({ action, grantId: null, generation: null, outcome: "done", detail: name });
  return isDone;
}
