import { listReader, rowReader, selectList, truth } from "./column.ts";
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

const tokenRow: ColumnsOf<TokenRow> = { ...held, ...access, isRefreshable };
const foundRow: ColumnsOf<FoundTokenRow> = { ...held, ...access, subjectHash, profileSealed, isRefreshable };
const token = { read: rowReader(tokenRow), readList: listReader(tokenRow) };
const found = { read: rowReader(foundRow), readList: listReader(foundRow) };

// A number, since not every database has truth values.
const refreshable = `CASE WHEN ${refreshSealed.name} IS NULL THEN 0 ELSE 1 END AS ${isRefreshable.name}`;
const tokenList = `${listOf({ ...held, ...access })}, ${refreshable}`;
const foundList = `${listOf({ ...held, ...access, subjectHash, profileSealed })}, ${refreshable}`;

const byId: LookUp<TokenRow> = {
  ...token,
  select: `SELECT ${tokenList} FROM grants`,
  by: "grant_id",
  isUnique: true,
  kind: "text",
};
const bySubject: LookUp<FoundTokenRow> = {
  ...found,
  select: `SELECT ${foundList} FROM grants`,
  by: "subject_hash",
  kind: "bytea",
};
const byExternalId: LookUp<FoundTokenRow> = {
  ...found,
  select: `SELECT ${foundList}, external_hash FROM external_ids JOIN grants ON grants.grant_id = external_ids.grant_id`,
  by: "external_hash",
  kind: "bytea",
};

export function tokenStore(database: Database): TokenStore {
  return {
    tokenById: (id) => {
      const rows = database.lookUp(byId, id);
      return rows instanceof Promise ? rows.then(([row]) => row) : rows[0];
    },
    tokensBySubject: (hash) => database.lookUp(bySubject, hash),
    tokensByExternalId: (hash) => database.lookUp(byExternalId, hash),
  };
}

/** With the table's name: another table that is joined may have columns of the same names. */
function listOf<Row>(columns: ColumnsOf<Row>): string {
  return selectList(columns)
    .split(", ")
    .map((name) => `grants.${name} AS ${name}`)
    .join(", ");
}
