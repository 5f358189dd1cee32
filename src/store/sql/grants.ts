import type { GrantState, LapseReason } from "../../core/grant.ts";
import { Columns } from "./sql.ts";
import type { Database, SqlRow, SqlValue, Transaction } from "./sql.ts";
import type { GrantChange, GrantFilter, GrantRow, GrantStore } from "../store.ts";

const columns = `grant_id, provider, issuer, client_id, subject_hash, external_hash, profile_sealed, scope, state, reason,
  state_since, generation, refresh_sealed, refresh_expires_at, refresh_prefix_hash, refresh_digest_hash, access_sealed,
  access_issued_at, access_expires_at, last_refresh_at, last_error, last_error_at, failures, retry_at, created_at,
  updated_at`;

export function grantStore(database: Database): GrantStore {
  const select = async (where: string, ...values: SqlValue[]): Promise<GrantRow[]> =>
    (await database.all(`SELECT ${columns} FROM grants ${where}`, ...values)).map(grantRow);

  return {
    grantById: async (grantId) => (await select("WHERE grant_id = ?", grantId))[0],

    grantsBySubject: (subjectHash) => select("WHERE subject_hash = ? ORDER BY grant_id", subjectHash),

    grantsByExternalId: (externalHash) => select("WHERE external_hash = ? ORDER BY grant_id", externalHash),

    listGrants: ({ state, subjectHash, externalHash, withLateAnswers, after, limit }: GrantFilter) => {
      const conditions: [string, SqlValue][] = [["grant_id > ?", after ?? ""]];
      if (state !== undefined) conditions.push(["state = ?", state]);
      if (subjectHash !== undefined) conditions.push(["subject_hash = ?", subjectHash]);
      if (externalHash !== undefined) conditions.push(["external_hash = ?", externalHash]);
      const where = [
        ...conditions.map(([condition]) => condition),
        // A list of few: with EXISTS, SQLite would go through all grants instead.
        ...(withLateAnswers === true ? ["grant_id IN (SELECT grant_id FROM orphans)"] : []),
      ].join(" AND ");
      return select(`WHERE ${where} ORDER BY grant_id LIMIT ?`, ...conditions.map(([, value]) => value), limit);
    },

    saveFromIntake: (row, madeFrom, codeHash) =>
      database.transaction(async (sql) => {
        const saved = await (madeFrom === null ? insert(sql, row) : replace(sql, row, madeFrom));
        if (!saved) return false;
        await sql.run(
          "UPDATE intakes SET state = 'done', grant_id = ?, answer_sealed = NULL, ended_at = ? WHERE code_hash = ?",
          row.grantId,
          row.updatedAt,
          codeHash,
        );
        return true;
      }),

    beginRevocation: (grantId, at) =>
      database.transaction(
        async (sql) =>
          (await sql.run(
            `UPDATE grants SET state_since = CASE WHEN state = 'revoking' THEN state_since ELSE ? END,
               state = 'revoking', reason = NULL, updated_at = ?
             WHERE grant_id = ? AND state IN ('active', 'suspect', 'lapsed', 'revoking')`,
            at,
            at,
            grantId,
          )) === 1,
      ),

    endRevocation: (grantId, generation, at) =>
      database.transaction(async (sql) => {
        const ended = await sql.run(
          `UPDATE grants SET state = 'revoked', reason = 'revoked', state_since = ?, updated_at = ?,
             refresh_sealed = NULL, refresh_expires_at = NULL, refresh_prefix_hash = NULL, refresh_digest_hash = NULL,
             access_sealed = NULL, access_issued_at = NULL, access_expires_at = NULL
           WHERE grant_id = ? AND generation = ? AND state = 'revoking'`,
          at,
          at,
          grantId,
          generation,
        );
        if (ended === 0) return false;
        await sql.run("DELETE FROM attempts WHERE grant_id = ?", grantId);
        return true;
      }),

    markSuspect: (grantId, at) =>
      database.transaction(
        async (sql) =>
          (await sql.run(
            `UPDATE grants SET state_since = CASE WHEN state = 'suspect' THEN state_since ELSE ? END, state = 'suspect',
               access_expires_at = CASE WHEN access_expires_at > ? THEN ? ELSE access_expires_at END, updated_at = ?
             WHERE grant_id = ? AND state IN ('active', 'suspect') AND refresh_sealed IS NOT NULL`,
            at,
            at,
            at,
            at,
            grantId,
          )) === 1,
      ),

    idleGrants: (exchangedBefore, limit) =>
      select(
        `WHERE state = 'active' AND refresh_sealed IS NOT NULL AND access_issued_at < ?
         ORDER BY access_issued_at LIMIT ?`,
        exchangedBefore,
        limit,
      ),

    latestChange: async () => {
      const [row] = await database.all("SELECT COALESCE(MAX(change_seq), 0) AS seq FROM grant_changes");
      return row === undefined ? 0 : new Columns(row).number("seq");
    },

    changesSince,
  };

  async function changesSince(seq: number): Promise<{ seq: number; changes: GrantChange[] }> {
    const rows = await database.all(
      // A row that somebody deleted by hand is as good as revoked.
      `SELECT change_seq, grant_changes.grant_id AS grant_id, COALESCE(generation, 0) AS generation,
         COALESCE(state, 'revoked') AS state, access_expires_at
       FROM grant_changes LEFT JOIN grants ON grants.grant_id = grant_changes.grant_id
       WHERE change_seq >= ? ORDER BY change_seq`,
      seq,
    );
    const all = rows.map((row) => new Columns(row));
    const last = all.at(-1)?.number("change_seq");
    // The change that the poller saw last is still there, or its grant changed again and has a later one. With
    // neither, an older backup was restored and numbers start again from there: everything is news.
    if (last === undefined) return seq > 0 ? changesSince(0) : { seq, changes: [] };
    const news = all.filter((change) => change.number("change_seq") > seq);
    return {
      seq: last,
      changes: news.map((change) => ({
        grantId: change.text("grant_id"),
        generation: change.number("generation"),
        state: change.text("state") as GrantState,
        accessExpiresAt: change.numberOrNull("access_expires_at"),
      })),
    };
  }
}

/** One grant as it stands, and stands still until the transaction ends. */
export async function lockGrant(sql: Transaction, grantId: string): Promise<GrantRow | undefined> {
  const [row] = await sql.lock(`SELECT ${columns} FROM grants WHERE grant_id = ?`, grantId);
  return row === undefined ? undefined : grantRow(row);
}

async function insert(sql: Transaction, row: GrantRow): Promise<boolean> {
  const values = valuesOf(row);
  const inserted = await sql.run(
    `INSERT INTO grants (${columns}) VALUES (${values.map(() => "?").join(", ")}) ON CONFLICT DO NOTHING`,
    ...values,
  );
  return inserted === 1;
}

async function replace(
  sql: Transaction,
  row: GrantRow,
  { generation, state }: Pick<GrantRow, "generation" | "state">,
): Promise<boolean> {
  const assignments = columns
    .split(",")
    .map((name) => `${name.trim()} = ?`)
    .join(", ");
  const replaced = await sql.run(
    `UPDATE grants SET ${assignments} WHERE grant_id = ? AND generation = ? AND state = ?`,
    ...valuesOf(row),
    row.grantId,
    generation,
    state,
  );
  return replaced === 1;
}

function valuesOf(row: GrantRow): SqlValue[] {
  return [
    row.grantId,
    row.provider,
    row.issuer,
    row.clientId,
    row.subjectHash,
    row.externalHash,
    row.profileSealed,
    row.scope,
    row.state,
    row.reason,
    row.stateSince,
    row.generation,
    row.refreshSealed,
    row.refreshExpiresAt,
    row.refreshPrefixHash,
    row.refreshDigestHash,
    row.accessSealed,
    row.accessIssuedAt,
    row.accessExpiresAt,
    row.lastRefreshAt,
    row.lastError,
    row.lastErrorAt,
    row.failures,
    row.retryAt,
    row.createdAt,
    row.updatedAt,
  ];
}

function grantRow(row: SqlRow): GrantRow {
  const column = new Columns(row);
  return {
    grantId: column.text("grant_id"),
    provider: column.text("provider"),
    issuer: column.text("issuer"),
    clientId: column.text("client_id"),
    subjectHash: column.bytes("subject_hash"),
    externalHash: column.bytesOrNull("external_hash"),
    profileSealed: column.bytes("profile_sealed"),
    scope: column.text("scope"),
    state: column.text("state") as GrantState,
    reason: column.textOrNull("reason") as LapseReason | null,
    stateSince: column.number("state_since"),
    generation: column.number("generation"),
    refreshSealed: column.bytesOrNull("refresh_sealed"),
    refreshExpiresAt: column.numberOrNull("refresh_expires_at"),
    refreshPrefixHash: column.bytesOrNull("refresh_prefix_hash"),
    refreshDigestHash: column.bytesOrNull("refresh_digest_hash"),
    accessSealed: column.bytesOrNull("access_sealed"),
    accessIssuedAt: column.numberOrNull("access_issued_at"),
    accessExpiresAt: column.numberOrNull("access_expires_at"),
    lastRefreshAt: column.numberOrNull("last_refresh_at"),
    lastError: column.textOrNull("last_error"),
    lastErrorAt: column.numberOrNull("last_error_at"),
    failures: column.number("failures"),
    retryAt: column.numberOrNull("retry_at"),
    createdAt: column.number("created_at"),
    updatedAt: column.number("updated_at"),
  };
}
