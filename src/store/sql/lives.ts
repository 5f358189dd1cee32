import { rowReader, selectList } from "./column.ts";
import { grantColumns } from "./tables.ts";
import type { ColumnsOf } from "./column.ts";
import type { Database } from "./sql.ts";
import type { LifeRow, LifeStore } from "../life-store.ts";

const columns: ColumnsOf<LifeRow> = {
  grantId: grantColumns.grantId,
  scope: grantColumns.scope,
  state: grantColumns.state,
  consentedAt: grantColumns.consentedAt,
  lastRefreshAt: grantColumns.lastRefreshAt,
  accessIssuedAt: grantColumns.accessIssuedAt,
  diedAt: grantColumns.diedAt,
  diedAfter: grantColumns.diedAfter,
  diedBefore: grantColumns.diedBefore,
};
const readRow = rowReader(columns);

const select = `SELECT ${selectList(columns)} FROM grants WHERE client_id = :clientId`;
const selectDeaths = `${select} AND died_at IS NOT NULL ORDER BY died_at DESC LIMIT :limit`;
const selectConsents = `${select} AND consented_at IS NOT NULL AND consented_at < :before
  ORDER BY consented_at DESC LIMIT :limit`;

export function lifeStore(database: Database): LifeStore {
  return {
    deathsOf: async (clientId, limit) => (await database.all(selectDeaths, { clientId, limit })).map(readRow),
    consentsOf: async (clientId, before, limit) =>
      (await database.all(selectConsents, { clientId, before, limit })).map(readRow),
  };
}
