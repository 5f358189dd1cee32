import { Columns } from "./sql.ts";
import type { Database, Sql } from "./sql.ts";
import type { KeyStore, StoredKeys } from "./store.ts";

export function keyStore(database: Database): KeyStore {
  return {
    readKeys: () => read(database),

    createKeys: (created) =>
      database.transaction(async (sql) => {
        const there = await read(sql);
        if (there !== undefined) return there;
        await sql.run("INSERT INTO meta (name, value) VALUES ('instance', ?)", created.instance);
        for (const { keyId, keyClass, masterKeyId, wrapped } of created.keys) {
          await sql.run(
            "INSERT INTO data_keys (key_id, key_class, master_key_id, wrapped) VALUES (?, ?, ?, ?)",
            keyId,
            keyClass,
            masterKeyId,
            wrapped,
          );
        }
        return created;
      }),
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
