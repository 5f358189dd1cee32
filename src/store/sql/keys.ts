import { insertList, ownerText, rowReader, selectList, text, textOrNull, valuesWriter } from "./column.ts";
import type { OnbehalfError } from "../../core/errors.ts";
import { storeUnusable } from "./failure.ts";
import { clientKeyColumns, keyColumns, keyReaderColumns } from "./tables.ts";
import type { Database, Sql } from "./sql.ts";
import type { KeyStore, StoredKeys } from "../key-store.ts";

const readKey = rowReader(keyColumns);
const keyValues = valuesWriter(keyColumns);
const instanceColumn = text("instance");
const revisionColumn = textOrNull("revision");
const readReader = rowReader(keyReaderColumns);
const readerValues = valuesWriter(keyReaderColumns);

const readClientKey = rowReader(clientKeyColumns);
const clientKeyValues = valuesWriter(clientKeyColumns);

const selectClientKey = `SELECT ${selectList(clientKeyColumns)} FROM client_keys
  WHERE issuer = :issuer AND client_id = :clientId`;
const selectClientKeys = `SELECT ${selectList(clientKeyColumns)} FROM client_keys ORDER BY issuer, client_id`;
const insertClientKey = `INSERT INTO client_keys ${insertList(clientKeyColumns)} ON CONFLICT DO NOTHING`;
/** The store's name, and a row for each key, at one moment; each process asks every few seconds. */
const selectAll = `SELECT meta.value AS instance,
    (SELECT value FROM meta WHERE name = 'key_revision') AS revision, ${selectList(keyColumns)}
  FROM meta LEFT JOIN data_keys ON TRUE WHERE meta.name = 'instance' ORDER BY key_id`;
const insert = `INSERT INTO data_keys ${insertList(keyColumns)}`;
// Where two begin a revision at once, the second waits for the first, and then finds another value.
const beginRevision = `INSERT INTO meta (name, value) VALUES ('key_revision', :next)
  ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value WHERE meta.value = :revision`;
const setState = "UPDATE data_keys SET state = :state, since = :since WHERE key_id = :keyId";
const erase = "DELETE FROM data_keys WHERE key_id = :keyId AND state = 'retired'";
const noteReader = `INSERT INTO key_readers ${insertList(keyReaderColumns)}
  ON CONFLICT (owner) DO UPDATE SET revision = EXCLUDED.revision, seen_at = EXCLUDED.seen_at`;
const dropReader = "DELETE FROM key_readers WHERE owner = :owner";
const selectReaders = `SELECT ${selectList(keyReaderColumns)} FROM key_readers`;

/** Looks for a row that was written with keys: what was sealed with them opens with no others. */
const anyRow = [
  "SELECT key_id FROM data_keys ORDER BY key_id ASC LIMIT 1",
  "SELECT grant_id FROM grants ORDER BY grant_id ASC LIMIT 1",
  "SELECT code_hash FROM intakes ORDER BY code_hash ASC LIMIT 1",
  "SELECT caller_id FROM callers ORDER BY caller_id ASC LIMIT 1",
];

export function keyStore(database: Database): KeyStore {
  return {
    readKeys: () => read(database),

    createKeys: (created) =>
      database.transaction(async (sql) => {
        const first = await sql.run(
          "INSERT INTO meta (name, value) VALUES ('instance', :instance) ON CONFLICT DO NOTHING",
          { instance: created.instance },
        );
        if (first === 1) {
          for (const look of anyRow) if ((await sql.all(look)).length > 0) throw keysAreGone();
          for (const key of created.keys) await sql.run(insert, keyValues(key));
          sql.note({ action: "keys.created", grantId: null, generation: null, outcome: "done", detail: null });
        }
        const stored = await read(sql);
        // Sealing with keys that are not in the store would lose every grant at the next start.
        if (stored === undefined) throw new TypeError("the store did not keep its data keys");
        return stored;
      }),

    clientKey: async (issuer, clientId) => {
      const [row] = await database.all(selectClientKey, { issuer, clientId });
      return row === undefined ? undefined : readClientKey(row);
    },

    listClientKeys: async () => (await database.all(selectClientKeys)).map(readClientKey),

    createClientKey: (key) =>
      database.transaction(async (sql) => {
        await sql.run(insertClientKey, clientKeyValues(key));
        const [row] = await sql.all(selectClientKey, { issuer: key.issuer, clientId: key.clientId });
        // A token that is bound to a key which is not in the store would be dead at the next start.
        if (row === undefined) throw new TypeError("the store did not keep the key of a client");
        return readClientKey(row);
      }),

    replaceKey: (before, after) =>
      database.transaction(async (sql) => {
        const replaced = await sql.run(
          `UPDATE data_keys SET master_key_id = :masterKeyId, wrapped = :wrapped
           WHERE key_id = :keyId AND wrapped = :wrappedBefore`,
          {
            masterKeyId: after.masterKeyId,
            wrapped: after.wrapped,
            keyId: before.keyId,
            wrappedBefore: before.wrapped,
          },
        );
        if (replaced === 0) return false;
        const detail = `key ${before.keyId}`;
        sql.note({ action: "keys.rewrapped", grantId: null, generation: null, outcome: "done", detail });
        return true;
      }),

    changeKeys: (revision, { add = [], states = [], erase: erased = [] }) =>
      database.transaction(async (sql) => {
        if (revision === 0 && (await read(sql))?.revision !== 0) return false;
        if ((await sql.run(beginRevision, { revision: String(revision), next: String(revision + 1) })) === 0)
          return false;
        for (const key of add) await sql.run(insert, keyValues(key));
        for (const { keyId, state, since } of states) await sql.run(setState, { keyId, state, since });
        for (const keyId of erased) await sql.run(erase, { keyId });
        const detail = [
          ...add.map(({ keyId, state }) => `key ${keyId} ${state}`),
          ...states.map(({ keyId, state }) => `key ${keyId} ${state}`),
          ...erased.map((keyId) => `key ${keyId} erased`),
        ].join(", ");
        sql.note({ action: "keys.changed", grantId: null, generation: null, outcome: "done", detail });
        return true;
      }),

    noteKeyReader: async (reader) => {
      await database.transaction((sql) => sql.run(noteReader, readerValues(reader)));
    },

    dropKeyReader: async (owner) => {
      await database.transaction((sql) => sql.run(dropReader, { owner: ownerText(owner) }));
    },

    keyReaders: async () => (await database.all(selectReaders)).map(readReader),
  };
}

/** New keys over what the old ones have sealed would hide that those are gone, and lose every grant. */
function keysAreGone(): OnbehalfError<"store_unusable"> {
  return storeUnusable(
    "the store holds grants, codes, callers or keys, and not the name that it was sealed under",
    "rows were deleted from meta or data_keys: restore both tables from a backup; nothing was changed",
  );
}

async function read(sql: Sql): Promise<StoredKeys | undefined> {
  const rows = await sql.all(selectAll);
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    instance: instanceColumn.read(first),
    revision: Number(revisionColumn.read(first) ?? 0),
    // Where keys were lost, their columns are empty.
    keys: rows.flatMap((row) => (row["key_id"] === null ? [] : [readKey(row)])),
  };
}
