import { Columns } from "./sql.ts";
import type { Database, SqlRow } from "./sql.ts";
import type { CallerRow, CallerStore } from "../store.ts";

const columns = "caller_id, name, key_hash, permissions, created_at, expires_at, revoked_at";

export function callerStore(database: Database): CallerStore {
  return {
    insertCaller: (row) =>
      database.transaction(
        async (sql) =>
          (await sql.run(
            `INSERT INTO callers (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
            row.callerId,
            row.name,
            row.keyHash,
            row.permissions,
            row.createdAt,
            row.expiresAt,
            row.revokedAt,
          )) === 1,
      ),

    callerById: async (callerId) => {
      const [row] = await database.all(`SELECT ${columns} FROM callers WHERE caller_id = ?`, callerId);
      return row === undefined ? undefined : callerRow(row);
    },

    listCallers: async () =>
      (await database.all(`SELECT ${columns} FROM callers ORDER BY created_at, caller_id`)).map(callerRow),

    revokeCaller: (name, at) =>
      database.transaction(
        async (sql) =>
          (await sql.run("UPDATE callers SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL", at, name)) > 0,
      ),
  };
}

function callerRow(row: SqlRow): CallerRow {
  const column = new Columns(row);
  return {
    callerId: column.text("caller_id"),
    name: column.text("name"),
    keyHash: column.bytes("key_hash"),
    permissions: column.text("permissions"),
    createdAt: column.number("created_at"),
    expiresAt: column.numberOrNull("expires_at"),
    revokedAt: column.numberOrNull("revoked_at"),
  };
}
