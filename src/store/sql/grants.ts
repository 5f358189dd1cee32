import { defined } from "../../core/defined.ts";
import { inPartsOfLife, keepAliveSlots } from "../../core/keep-alive.ts";
import type { Doubt } from "../../core/events/grant-events.ts";
import { grantStates } from "../../core/grant-state.ts";
import type { GrantState } from "../../core/grant-state.ts";
import {
  assignments,
  bytes,
  insertList,
  keyOf,
  listReader,
  number,
  rowReader,
  selectList,
  valuesWriter,
} from "./column.ts";
import { rememberDeposit } from "./deposits.ts";
import { tellChanged, tellGrant } from "./events.ts";
import { changeExternalIds, grantsKnownAs, grantsKnownBy } from "./external-ids.ts";
import { forMany, typesOf } from "./for-many.ts";
import { lapsedByTime } from "./lapsed-by-time.ts";
import { changeColumns, grantColumns } from "./tables.ts";
import type { Database, LookUp, SqlRow, SqlValues, Transaction } from "./sql.ts";
import { changesAtOnce } from "../store.ts";
import type { GrantRow } from "../grant-row.ts";
import type { ExternalIdChange, GrantChange, GrantFilter, GrantStore, HashedTie } from "../store.ts";

const readGrant = rowReader(grantColumns);
const readGrantList = listReader(grantColumns);
const readChange = rowReader(changeColumns);
const { grantId: idColumn, state: stateColumn, generation: generationColumn, scope: scopeColumn } = grantColumns;
const stateColumns = { grantId: idColumn, state: stateColumn, generation: generationColumn, scope: scopeColumn };
/** Reads what {@link selectStateById} finds. */
export const readState: (row: SqlRow) => LockedState = rowReader<LockedState>(stateColumns);
const readTie = rowReader<HashedTie>({ externalHash: bytes("external_hash"), accountHash: bytes("account_hash") });
const grantValues = valuesWriter(grantColumns);

/** Up to `WHERE`. */
export const selectGrants: string = `SELECT ${selectList(grantColumns)} FROM grants`;
const ofGrant = { key: "grantId", column: "grant_id", types: typesOf(grantColumns) };
const selectById = forMany(`${selectGrants} WHERE grant_id = :grantId`, ofGrant);
/** What a lock reads where no more is needed: a grant's sealed values are most of what reading it costs. */
export const selectStateById: string = forMany(
  `SELECT ${selectList(stateColumns)} FROM grants WHERE grant_id = :grantId`,
  ofGrant,
);
/** Each sign-in and each refresh reads a grant: those that do so at the same moment share a statement. */
const wholeGrant = { select: selectGrants, read: readGrant, readList: readGrantList };
const byId: LookUp<GrantRow> = { ...wholeGrant, by: idColumn.name, kind: "text" };
const bySubject: LookUp<GrantRow> = { ...wholeGrant, by: grantColumns.subjectHash.name, kind: "bytea" };
const selectByExternalId = `${selectGrants} WHERE grant_id IN ${grantsKnownBy} ORDER BY grant_id`;
const selectByRefreshDigest = `${selectGrants} WHERE refresh_digest_hash = :digestHash ORDER BY grant_id LIMIT 8`;
const selectByRefreshPrefix = `${selectGrants} WHERE refresh_prefix_hash = :prefixHash ORDER BY grant_id LIMIT 8`;
const selectDueForLook = `${selectGrants} WHERE look_at IS NOT NULL AND look_at < :before
  AND (look_at, grant_id) > (:afterTime, :afterId) ORDER BY look_at, grant_id LIMIT :limit`;
const idle = `${selectGrants} WHERE client_id = :clientId AND state = 'active' AND refresh_sealed IS NOT NULL`;
const selectIdle = `${idle} AND keep_alive_slot = :slot AND access_issued_at < :before
  AND (access_issued_at, grant_id) > (:at, :grantId) ORDER BY access_issued_at, grant_id LIMIT :limit`;
const anyIdle = `EXISTS (SELECT 1 FROM grants WHERE client_id = :clientId AND state = 'active'
  AND refresh_sealed IS NOT NULL AND keep_alive_slot = slot AND access_issued_at`;
/** One statement for all slots: a process that is idle would send two for each of them every minute. */
const selectIdleSlots = `WITH RECURSIVE slots (slot) AS (
    SELECT 0 UNION ALL SELECT slot + 1 FROM slots WHERE slot < ${keepAliveSlots - 1})
  SELECT slot FROM slots WHERE ${anyIdle} < CAST(:before AS BIGINT) - slot * CAST(:stepMs AS BIGINT))
    OR ${anyIdle} >= CAST(:from AS BIGINT)) ORDER BY slot`;
/** As it stands in the index. */
const announced = "(access_issued_at * (160 - keep_alive_slot) + refresh_expires_at * (160 + keep_alive_slot))";
const selectByAnnouncedEnd = `${idle} AND refresh_expires_at IS NOT NULL AND ${announced} < :before
  AND (${announced}, grant_id) > (:at, :grantId) ORDER BY ${announced}, grant_id LIMIT :limit`;
/** An intake that another hand has ended, or holds. */
const selectIntakeTaken =
  "SELECT 1 FROM intakes WHERE code_hash = :codeHash AND (state = 'done' OR held_until IS NOT NULL)";
const insert = forMany(`INSERT INTO grants ${insertList(grantColumns)} ON CONFLICT DO NOTHING`, ofGrant);
// The profile holds the external ids: of two consents that change neither generation nor state, the later one would undo
// what the earlier one has added.
const replace = `UPDATE grants SET ${assignments(grantColumns)}
  WHERE grant_id = :grantId AND generation = :generationRead AND state = :stateRead AND profile_sealed = :profileRead`;

const endIntake = forMany(
  `UPDATE intakes SET state = 'done', grant_id = :grantId, result_mac = :resultMac, answer_sealed = NULL, ended_at = :at
   WHERE code_hash = :codeHash AND held_until IS NULL AND (state <> 'done' OR :isAgain = 1)
     AND (:from = '' OR state = :from)
     AND (:isNew = 0 OR (SELECT 1 FROM grants WHERE grants.grant_id = :grantId AND updated_at = :at) = 1)`,
  {
    key: "codeHash",
    column: "code_hash",
    types: {
      grantId: "text",
      resultMac: "bytea",
      at: "bigint",
      codeHash: "bytea",
      isAgain: "bigint",
      from: "text",
      isNew: "bigint",
    },
  },
);

const selectIdsOfChanged = `SELECT grant_id, external_hash, account_hash FROM external_ids
  WHERE grant_id IN (SELECT grant_id FROM grant_changes WHERE change_seq > :seq AND change_seq <= :last)`;

/** What a list can be narrowed by: the property's column is compared with the value given. */
const filters = ["subjectHash"] as const;
/** Written out: each state has an index of its own, which is taken only where the statement names the state. */
const stateIs = Object.fromEntries(grantStates.map((state) => [state, `state = '${state}'`])) as Record<
  GrantState,
  string
>;
/** Which grants stand in a state. */
const standsIn: Readonly<Partial<Record<GrantState, readonly string[]>>> = {
  active: [`${stateIs.active} AND NOT (${lapsedByTime})`],
  // Apart, and put in order afterwards: each has an index of its own, and both at once have none.
  lapsed: [stateIs.lapsed, lapsedByTime],
};
const changeNumber = number("change_seq");
const slotColumn = number("slot");

export function grantStore(database: Database): GrantStore {
  const grants = async (text: string, values: SqlValues): Promise<GrantRow[]> =>
    (await database.all(text, values)).map(readGrant);

  return {
    grantById: async (grantId) => (await database.lookUp(byId, grantId))[0],

    grantsBySubject: async (subjectHash) =>
      (await database.lookUp(bySubject, subjectHash)).toSorted((one, other) => (one.grantId < other.grantId ? -1 : 1)),

    grantsByExternalId: (externalHash) => grants(selectByExternalId, { externalHash }),

    grantsByRefreshDigest: (digestHash) => grants(selectByRefreshDigest, { digestHash }),

    grantsByRefreshPrefix: (prefixHash) => grants(selectByRefreshPrefix, { prefixHash }),

    listGrants: async ({ state, at, account, withLateAnswers, after, limit, ...filter }: GrantFilter) => {
      const { subjectHash, externalHash } = filter;
      const narrowing = filters.filter((property) => filter[property] !== undefined);
      const where = [
        "grant_id > :after",
        ...narrowing.map((property) => `${grantColumns[property].name} = :${property}`),
        ...(account !== undefined
          ? [`grant_id IN ${grantsKnownAs(externalHash !== undefined)}`]
          : externalHash !== undefined
            ? [`grant_id IN ${grantsKnownBy}`]
            : []),
        // Few grants have late answers. With EXISTS, SQLite would go through all grants instead of these.
        ...(withLateAnswers === true ? ["grant_id IN (SELECT grant_id FROM orphans)"] : []),
      ].join(" AND ");
      const list = (inState?: string): Promise<GrantRow[]> =>
        grants(
          `${selectGrants} WHERE ${inState === undefined ? where : `${where} AND ${inState}`} ORDER BY grant_id LIMIT :limit`,
          defined({
            after: after ?? "",
            at: inState?.includes(":at") === true ? at : undefined,
            subjectHash,
            externalHash,
            limit,
            accountHash: account?.accountHash,
            accountSubject: account?.subjectHash,
          }),
        );
      if (state === undefined) return list();
      const [one, other] = (at === undefined ? undefined : standsIn[state]) ?? [stateIs[state]];
      if (other === undefined) return list(one);
      // First those that are still to be written: one that is written meanwhile is in both, and in neither the other way round.
      const unwritten = await list(other);
      const found = new Map([...unwritten, ...(await list(one))].map((row) => [row.grantId, row]));
      return [...found.values()].sort((a, b) => (a.grantId < b.grantId ? -1 : 1)).slice(0, limit);
    },

    saveFromIntake: async (row, madeFrom, codeHash, externalIds, resultMac, how = {}) => {
      const { isAgain = false, isDeposit = false, from } = how;
      let isUndone = false;
      const saving = database.transaction(
        async (sql) => {
          isUndone = false;
          const values = grantValues(row);
          const { grantId, generation, state } = row;
          const ending = {
            grantId,
            resultMac: resultMac ?? null,
            at: row.updatedAt,
            codeHash,
            isAgain: isAgain ? 1 : 0,
            from: from ?? "",
          };
          // A new grant and its intake are asked for together: where the grant was not added, nothing is ended.
          const [saved, endedWith] =
            madeFrom === null
              ? await Promise.all([sql.run(insert, values), sql.run(endIntake, { ...ending, isNew: 1 })])
              : [
                  await sql.run(replace, {
                    ...values,
                    generationRead: madeFrom.generation,
                    stateRead: madeFrom.state,
                    profileRead: madeFrom.profileSealed,
                  }),
                ];
          if (saved !== 1) return false;
          isUndone = externalIds !== undefined && !(await changeExternalIds(sql, row, externalIds));
          if (isUndone) throw new Error("the external ids have changed");
          const ended = endedWith ?? (await sql.run(endIntake, { ...ending, isNew: 0 }));
          // Another hand holds this answer, or has stored it, and the grant may have been refreshed since: its refresh token is used.
          isUndone =
            ended === 0 &&
            (from !== undefined || (!isAgain && (await sql.all(selectIntakeTaken, { codeHash })).length > 0));
          if (isUndone) throw new Error("the code has become a grant");
          if (isDeposit) {
            const depositedAt = row.updatedAt;
            await rememberDeposit(sql, { tokenHash: codeHash, grantId, resultMac: resultMac ?? null, depositedAt });
          }
          const action = madeFrom === null ? "grant.created" : "grant.consented";
          sql.note({ action, grantId, generation, outcome: state, detail: isDeposit ? "deposit" : null });
          await tellGrant(sql, madeFrom ?? undefined, row, row.updatedAt);
          return true;
        },
        keysOfSaving(row, codeHash, externalIds),
      );
      return saving.catch((error: unknown) => {
        if (isUndone) return false;
        throw error;
      });
    },

    beginRevocation: (grantId, at) =>
      database.transaction(async (sql) => {
        const before = await lockState(sql, grantId);
        const begun = await sql.run(
          `UPDATE grants SET state_since = CASE WHEN state = 'revoking' THEN state_since ELSE :at END,
             state = 'revoking', reason = NULL, look_at = NULL, updated_at = :at
           WHERE grant_id = :grantId AND state IN ('active', 'suspect', 'lapsed', 'revoking')`,
          { at, grantId },
        );
        if (begun === 1 && before !== undefined && before.state !== "revoking") {
          const { generation, state } = before;
          sql.note({ action: "grant.revoking", grantId, generation, outcome: "revoking", detail: `was ${state}` });
        }
        return begun === 1;
      }),

    endRevocation: (grantId, generation, at, reason = "revoked") =>
      database.transaction(async (sql) => {
        const before = await lockState(sql, grantId);
        const ended = await sql.run(
          `UPDATE grants SET state = 'revoked', reason = :reason, state_since = :at, updated_at = :at,
             refresh_sealed = NULL, refresh_expires_at = NULL, consent_expires_at = NULL, announce_end_at = NULL, refresh_prefix_hash = NULL, refresh_digest_hash = NULL,
             access_sealed = NULL, access_issued_at = NULL, access_expires_at = NULL
           WHERE grant_id = :grantId AND generation = :generation AND state = 'revoking'`,
          { at, reason, grantId, generation },
        );
        if (ended === 0 || before === undefined) return false;
        await sql.run("DELETE FROM attempts WHERE grant_id = :grantId", { grantId });
        sql.note({ action: "grant.revoked", grantId, generation, outcome: reason, detail: null });
        await tellChanged(sql, before, grantId, at);
        return true;
      }),

    markSuspect: (grantId, at) =>
      database.transaction((sql) => suspectGrant(sql, { grantId, at, why: "ended_with_another" })),

    endAccessToken: (grantId, accessSealed, at) =>
      database.transaction(async (sql) => {
        const ended = await sql.run(
          `UPDATE grants SET access_expires_at = :at, updated_at = :at
           WHERE grant_id = :grantId AND access_sealed = :accessSealed AND refresh_sealed IS NULL
             AND (access_expires_at IS NULL OR access_expires_at > :at)`,
          { at, grantId, accessSealed },
        );
        if (ended === 0) return false;
        sql.note({ action: "grant.access_ended", grantId, generation: null, outcome: "refused_by_api", detail: null });
        return true;
      }),

    idleGrants: ({ clientId, after, before, limit, ...which }) => {
      const { at, grantId } = after;
      return which.by === "exchange"
        ? grants(selectIdle, { clientId, slot: which.slot, at, grantId, before, limit })
        : grants(selectByAnnouncedEnd, {
            clientId,
            at: inPartsOfLife(at),
            grantId,
            before: inPartsOfLife(before),
            limit,
          });
    },

    idleSlots: async ({ clientId, before, stepMs, from }) =>
      (await database.all(selectIdleSlots, { clientId, before, stepMs, from })).map(slotColumn.read),

    grantsToLookAt: (before, limit, after) =>
      grants(selectDueForLook, { before, limit, afterTime: after?.lookAt ?? -1, afterId: after?.grantId ?? "" }),

    latestChange: async () => {
      const [row] = await database.all("SELECT COALESCE(MAX(change_seq), 0) AS change_seq FROM grant_changes");
      return row === undefined ? 0 : changeNumber.read(row);
    },

    changesSince,
  };

  async function changesSince(seq: number): Promise<{ seq: number; changes: GrantChange[] }> {
    const rows = await database.all(
      // A grant whose row was deleted by hand is as good as revoked.
      `SELECT change_seq, grant_changes.grant_id AS grant_id, COALESCE(generation, 0) AS generation,
         COALESCE(state, 'revoked') AS state, access_issued_at, access_expires_at, subject_hash
       FROM grant_changes LEFT JOIN grants ON grants.grant_id = grant_changes.grant_id
       WHERE change_seq >= :seq ORDER BY change_seq LIMIT :limit`,
      // One more: the first is the one that the poller has seen already.
      { seq, limit: changesAtOnce + 1 },
    );
    // The change that the poller saw last is still there, or its grant has a later one. Where neither is so, an
    // older backup was restored and numbers start again from there: every change is new to the poller.
    if (rows.length === 0) return seq > 0 ? changesSince(0) : { seq, changes: [] };
    const news = rows.filter((row) => changeNumber.read(row) > seq).slice(0, changesAtOnce);
    const [last] = news.slice(-1).map(changeNumber.read);
    if (last === undefined) return { seq, changes: [] };
    // Read after the changes: ids that came meanwhile are news twice, and none is missed.
    const ids = await database.all(selectIdsOfChanged, { seq, last });
    const ties = new Map<string, HashedTie[]>(news.map((row) => [grantColumns.grantId.read(row), []]));
    for (const row of ids) ties.get(grantColumns.grantId.read(row))?.push(readTie(row));
    const changes = news.map((row): GrantChange => {
      const change = readChange(row);
      return Object.assign(change, { ties: ties.get(change.grantId) ?? [] });
    });
    return { seq: last, changes };
  }
}

/** What saving a grant may change; undefined where other grants are changed as well. */
function keysOfSaving(
  { grantId, subjectHash }: GrantRow,
  codeHash: Uint8Array,
  { add, remove = [], from = [] }: ExternalIdChange = {},
): string[] | undefined {
  if (remove.length + from.length > 0) return undefined;
  return [grantId, ...[subjectHash, codeHash, ...(add === undefined ? [] : [add.externalHash])].map(keyOf)];
}

/**
 * Makes a usable grant with a refresh token `suspect`, as `GrantStore.markSuspect`.
 *
 * @param why for the audit log and the event; there, also the `detail`
 */
export async function suspectGrant(
  sql: Transaction,
  {
    grantId,
    at,
    why,
    detail = null,
  }: { readonly grantId: string; readonly at: number; readonly why: Doubt; readonly detail?: string | null },
): Promise<boolean> {
  const before = await lockState(sql, grantId);
  const doubted = await sql.run(
    `UPDATE grants SET state_since = :at, state = 'suspect', doubt = :doubt, updated_at = :at,
       access_expires_at = CASE WHEN access_sealed IS NULL OR access_expires_at <= :at THEN access_expires_at ELSE :at END
     WHERE grant_id = :grantId AND state IN ('active', 'suspect') AND refresh_sealed IS NOT NULL`,
    { at, grantId, doubt: detail === null ? why : `${why}/${detail}` },
  );
  if (doubted === 0 || before === undefined) return false;
  sql.note({ action: "grant.suspect", grantId, generation: null, outcome: why, detail });
  await tellChanged(sql, before, grantId, at, why);
  return true;
}

/** Reads a grant and locks it: nobody else changes it before the transaction ends. */
export async function lockGrant(sql: Transaction, grantId: string): Promise<GrantRow | undefined> {
  const [row] = await sql.lock(selectById, { grantId });
  return row === undefined ? undefined : readGrant(row);
}

/** What of a grant says whether and how it may be changed. */
export type LockedState = Pick<GrantRow, "grantId" | "state" | "generation" | "scope">;

/** {@link lockGrant} for what needs no more of it. */
export async function lockState(sql: Transaction, grantId: string): Promise<LockedState | undefined> {
  const [row] = await sql.lock(selectStateById, { grantId });
  return row === undefined ? undefined : readState(row);
}
