import { rowReader, selectList, truth } from "./column.ts";
import { grantColumns } from "./tables.ts";
import type { ColumnsOf } from "./column.ts";
import type { Database, LookUp } from "./sql.ts";
import type { FoundTokenRow, TokenRow } from "../grant-row.ts";
import type { TokenStore } from "../token-store.ts";

const { grantId, provider, issuer, clientId, state, generation, scope, subjectHash, profileSealed } = grantColumns;
const { accessSealed, accessIssuedAt, accessExpiresAt, refreshSealed } = grantColumns;
const held = { grantId, provider, issuer, clientId, state, generation, scope };
const access = { accessSealed, accessIssuedAt, accessExpiresAt };
const isRefreshable = truth("is_refreshable");

const readToken = rowReader<TokenRow>({ ...held, ...access, isRefreshable });
const readFound = rowReader<FoundTokenRow>({ ...held, ...access, isRefreshable, subjectHash, profileSealed });

// A number, since not every database has truth values.
const refreshable = `CASE WHEN ${refreshSealed.name} IS NULL THEN 0 ELSE 1 END AS ${isRefreshable.name}`;
const tokenList = `${listOf({ ...held, ...access })}, ${refreshable}`;
const foundList = `${listOf({ ...held, ...access, subjectHash, profileSealed })}, ${refreshable}`;

const byId: LookUp = { select: `SELECT ${tokenList} FROM grants`, by: "grant_id", kind: "text" };
const bySubject: LookUp = { select: `SELECT ${foundList} FROM grants`, by: "subject_hash", kind: "bytea" };
const byExternalId: LookUp = {
  select: `SELECT ${foundList}, external_hash FROM external_ids JOIN grants ON grants.grant_id = external_ids.grant_id`,
  by: "external_hash",
  kind: "bytea",
};

export function tokenStore(database: Database): TokenStore {
  return {
    tokenById: async (id) => {
      const [row] = await database.lookUp(byId, id);
      return row === undefined ? undefined : readToken(row);
    },
    tokensBySubject: async (hash) => (await database.lookUp(bySubject, hash)).map(readFound),
    tokensByExternalId: async (hash) => (await database.lookUp(byExternalId, hash)).map(readFound),
  };
}

/** With the table's name: another table that is joined may have columns of the same names. */
function listOf<Row>(columns: ColumnsOf<Row>): string {
  return selectList(columns)
    .split(", ")
    .map((name) => `grants.${name} AS ${name}`)
    .join(", ");
}
