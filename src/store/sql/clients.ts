import { rowReader, selectList } from "./column.ts";
import { registeredClientColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import type { ClientStore } from "../client-store.ts";

const readRow = rowReader(registeredClientColumns);
const columns = selectList(registeredClientColumns);

const select = `SELECT ${columns} FROM registered_clients WHERE provider = :provider AND server = :server`;
const selectAll = `SELECT ${columns} FROM registered_clients ORDER BY provider, server`;
const claim = `INSERT INTO registered_clients (provider, server, client_id, changed_at)
  VALUES (:provider, :server, '', :changedAt)
  ON CONFLICT (provider, server) DO UPDATE SET client_id = '', registration_sealed = NULL, changed_at = EXCLUDED.changed_at
    WHERE registered_clients.client_id = :clientBefore AND registered_clients.changed_at = :changedBefore`;
const keep = `UPDATE registered_clients
  SET client_id = :clientId, registration_sealed = :registrationSealed, changed_at = :changedAt
  WHERE provider = :provider AND server = :server AND client_id = '' AND changed_at = :claimedAt`;
const drop = `DELETE FROM registered_clients
  WHERE provider = :provider AND server = :server AND client_id = '' AND changed_at = :changedAt`;

export function clientStore(database: Database): ClientStore {
  return {
    registeredClient: async (provider, server) => {
      const [row] = await database.all(select, { provider, server });
      return row === undefined ? undefined : readRow(row);
    },

    listRegisteredClients: async () => (await database.all(selectAll)).map(readRow),

    claimClient: ({ provider, server, changedAt }, before) =>
      database.transaction(async (sql) => {
        // A row that was not read has no such time.
        const { clientId: clientBefore, changedAt: changedBefore } = before ?? { clientId: "", changedAt: -1 };
        return (await sql.run(claim, { provider, server, changedAt, clientBefore, changedBefore })) === 1;
      }),

    keepClient: ({ provider, server, changedAt: claimedAt }, { clientId, registrationSealed, changedAt }) =>
      database.transaction(async (sql) => {
        const values = { provider, server, claimedAt, clientId, registrationSealed, changedAt };
        return (await sql.run(keep, values)) === 1;
      }),

    dropClaim: async ({ provider, server, changedAt }) => {
      await database.transaction((sql) => sql.run(drop, { provider, server, changedAt }));
    },
  };
}
