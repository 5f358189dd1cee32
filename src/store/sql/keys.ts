import { Columns } from "./sql.ts";
import type { Database, Sql } from "./sql.ts";
import type { KeyStore, StoredKeys } from "../store.ts";

export function keyStore(database: Database): KeyStore {
  return {
    readKeys: () => read(database),

    createKeys: (created) =>
      database.transaction(async (sql) => {
        const first = await sql.run(
          "INSERT INTO meta (name, value) VALUES ('instance', ?) ON CONFLICT DO NOTHING",
          created.instance,
        );
        for (const { keyId, keyClass, masterKeyId, wrapped } of first === 1 ? created.keys : []) {
          await sql.run(
            "INSERT INTO data_keys (key_id, key_class, master_key_id, wrapped) VALUES (?, ?, ?, ?)",
            keyId,
            keyClass,
            masterKeyId,
            wrapped,
          );
        }
        const counting = await read(sql);
        // Sealing with keys that are not in the store would lose every grant at the next start.
        if (counting === undefined) throw new TypeError("the store did not keep its data keys");
        return counting;
      }),

    replaceKey: (before, after) =>
      database.transaction(
        async (sql) =>
          (await sql.run(
            "UPDATE data_keys SET master_key_id = ?, wrapped = ? WHERE key_id = ? AND wrapped = ?",
            after.masterKeyId,
            after.wrapped,
            before.keyId,
            before.wrapped,
          )) === 1,
      ),
  };
}

async function read(sql: Sql): Promise<StoredKeys | undefined> {
  const [instance] = await sql.all("SELECT value FROM meta WHERE name = 'instance'");
  if (instance === undefined) return undefined;
  const rows = await sql.all("SELECT key_id, key_class, master_key_id, wrapped FROM data_keys ORDER BY key_id");
  return {
    instance: new Columns(instance).text("value"),
    keys: rows.map((row) => {
      const column = new Columns(row);
      return {
        keyId: column.number("key_id"),
        keyClass: column.text("key_class"),
        masterKeyId: column.text("master_key_id"),
        wrapped: column.bytes("wrapped"),
      };
    }),
  };
}
