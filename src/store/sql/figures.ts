import type { CountedGrant, FiguresStore } from "../figures-store.ts";
import { number, rowReader, selectList, text } from "./column.ts";
import { lapsedByTime } from "./lapsed-by-time.ts";
import type { Database } from "./sql.ts";

const countedColumns = { grantId: text("grant_id"), provider: text("provider"), stateSince: number("state_since") };
const placeColumns = { accessIssuedAt: number("access_issued_at"), grantId: text("grant_id") };
const readCounted = rowReader<CountedGrant>(countedColumns);
const readPlace = rowReader(placeColumns);

// Each state by its own text: it has an index of its own.
const inState = (state: string): string => `SELECT ${selectList(countedColumns)} FROM grants
  WHERE state = '${state}' AND grant_id > :after ORDER BY grant_id LIMIT :limit`;
const selectWithoutAccess = `SELECT ${selectList(countedColumns)} FROM grants
  WHERE grant_id > :after AND ${lapsedByTime} ORDER BY grant_id LIMIT :limit`;
// Nothing but what the index holds: the table's rows are not read.
const selectActive = `SELECT ${selectList(placeColumns)} FROM grants
  WHERE client_id = :clientId AND keep_alive_slot = :slot AND state = 'active' AND refresh_sealed IS NOT NULL
    AND (access_issued_at, grant_id) > (:accessIssuedAt, :grantId) ORDER BY access_issued_at, grant_id LIMIT :limit`;

export function figuresStore(database: Database): FiguresStore {
  return {
    grantsInState: async (state, after, limit) =>
      (await database.all(inState(state), { after, limit })).map(readCounted),

    grantsWithoutAccess: async (at, after, limit) =>
      (await database.all(selectWithoutAccess, { at, after, limit })).map(readCounted),

    activeGrants: async (clientId, slot, after, limit) =>
      (await database.all(selectActive, { clientId, slot, ...after, limit })).map(readPlace),
  };
}
