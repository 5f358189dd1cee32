import { consentEnds } from "../../core/events/consent-end.ts";
import { grantEvents } from "../../core/events/grant-events.ts";
import type { StateFacts } from "../../core/diagnosis/evidence.ts";
import { providerEvents } from "../../core/events/provider-events.ts";
import type { ProviderCondition } from "../../core/events/provider-events.ts";
import type { Doubt, EventDiagnosis, GrantBefore } from "../../core/events/grant-events.ts";
import type { AppEventDraft } from "../../core/events/app-event.ts";
import type { GrantRow } from "../grant-row.ts";
import type { EndToAnnounce, EventHead, EventRow, EventStore } from "../event-store.ts";
import type { ColumnsOf } from "./column.ts";
import { insertList, number, text, rowReader, selectList, valuesWriter } from "./column.ts";
import { forMany, typesOf } from "./for-many.ts";
import { eventColumns, grantColumns } from "./tables.ts";
import type { Database, Transaction } from "./sql.ts";

const { seq: seqColumn, ...drafted } = eventColumns;
const readRow = rowReader(eventColumns);
const writeRow = valuesWriter(drafted);
const readHead = rowReader<EventHead>({ seq: seqColumn, pruned: number("pruned") });
const readAge = rowReader<Pick<EventRow, "seq" | "at">>({ seq: seqColumn, at: eventColumns.at });

const { grantId, provider, clientId, state, stateSince, reason, scope, refreshSealed } = grantColumns;
const { generation, lastError, lastErrorSays, lastErrorAt, doubt: doubtColumn } = grantColumns;
const told: ColumnsOf<ToldGrant> = {
  grantId,
  provider,
  clientId,
  state,
  stateSince,
  reason,
  scope,
  refreshSealed,
  generation,
  lastError,
  lastErrorSays,
  lastErrorAt,
  doubt: doubtColumn,
};
const readTold = rowReader<ToldGrant>(told);

/** What events say of a grant. */
export type ToldGrant = Pick<
  GrantRow,
  "grantId" | "provider" | "clientId" | "scope" | "refreshSealed" | keyof StateFacts
>;

const selectEvents = `SELECT ${selectList(eventColumns)} FROM events WHERE seq > :after ORDER BY seq LIMIT :limit`;
const selectEventsOf = `SELECT ${selectList(eventColumns)} FROM events
  WHERE grant_id = :grantId AND seq > :after ORDER BY seq LIMIT :limit`;
const selectHead = "SELECT seq, pruned FROM event_head LIMIT 1";
const selectOldest = "SELECT seq, at FROM events WHERE seq > 0 ORDER BY seq LIMIT :limit";
const selectTold = `SELECT ${selectList(told)} FROM grants WHERE grant_id = :grantId`;
/** The database numbers the row, and lets nobody else number one before the commit. */
const insert = forMany(`INSERT INTO events ${insertList(drafted)}`, {
  key: "eventId",
  column: "event_id",
  types: typesOf(drafted),
});

const { announceEndAt, consentExpiresAt } = grantColumns;
const ends = { grantId, provider, clientId, consentExpiresAt };
const readEnd = rowReader<Pick<GrantRow, keyof typeof ends>>(ends);
const readDue = rowReader<EndToAnnounce>({ grantId, provider, announceEndAt: number(announceEndAt.name) });
const toAnnounce = "announce_end_at IS NOT NULL AND state IN ('active', 'suspect')";
const selectDue = `SELECT grant_id, provider, announce_end_at FROM grants WHERE ${toAnnounce} AND announce_end_at < :before
  ORDER BY announce_end_at, grant_id LIMIT :limit`;
const selectEnd = `SELECT ${selectList(ends)} FROM grants
  WHERE grant_id = :grantId AND announce_end_at = :announceEndAt AND state IN ('active', 'suspect')`;
const announced = "UPDATE grants SET announce_end_at = NULL, updated_at = :at WHERE grant_id = :grantId";
const conditionColumn = text<ProviderCondition>("condition");
const selectCondition =
  "SELECT condition FROM provider_conditions WHERE provider = :provider AND client_id = :clientId";
const beginCondition = `INSERT INTO provider_conditions (provider, client_id, condition, since)
  VALUES (:provider, :clientId, 'well', :at) ON CONFLICT DO NOTHING`;
const setCondition = `UPDATE provider_conditions SET condition = :condition, since = :at
  WHERE provider = :provider AND client_id = :clientId`;

export function eventStore(database: Database): EventStore {
  return {
    events: async ({ after, limit, grantId: of }) =>
      (of === undefined
        ? await database.all(selectEvents, { after, limit })
        : await database.all(selectEventsOf, { after, limit, grantId: of })
      ).map(readRow),

    eventHead: async () => {
      const [head] = await database.all(selectHead);
      return head === undefined ? { seq: 0, pruned: 0 } : readHead(head);
    },

    pruneEvents: (before, limit) =>
      database.transaction(async (sql) => {
        const oldest = (await sql.all(selectOldest, { limit })).map(readAge);
        const young = oldest.findIndex(({ at }) => at >= before);
        const upTo = oldest.at(young === -1 ? -1 : young - 1)?.seq;
        if (young === 0 || upTo === undefined) return 0;
        const pruned = await sql.run("DELETE FROM events WHERE seq <= :upTo", { upTo });
        // Who reads from an earlier number on is told that rows are gone.
        await sql.run("UPDATE event_head SET pruned = :upTo WHERE pruned < :upTo", { upTo });
        return pruned;
      }),

    endsToAnnounce: async (before, limit) => (await database.all(selectDue, { before, limit })).map(readDue),

    announceEnd: ({ grantId: id, announceEndAt: before }, at) =>
      database.transaction(
        async (sql) => {
          const [row] = await sql.lock(selectEnd, { grantId: id, announceEndAt: before });
          if (row === undefined) return false;
          const { consentExpiresAt: endsAt, ...about } = readEnd(row);
          await sql.run(announced, { at, grantId: id });
          if (endsAt !== null) await tell(sql, [consentEnds(about, endsAt)], at);
          return true;
        },
        [id],
      ),

    noteCondition: ({ provider: name, clientId: client, condition, error, at }) =>
      database.transaction(async (sql) => {
        const of = { provider: name, clientId: client };
        const [known] = await sql.all(selectCondition, of);
        // Most providers are never down.
        if (condition === "well" && known === undefined) return false;
        await sql.run(beginCondition, { ...of, at });
        const [row] = await sql.lock(selectCondition, of);
        const before = row === undefined ? "well" : conditionColumn.read(row);
        if (before === condition) return false;
        await sql.run(setCondition, { ...of, condition, at });
        await tell(sql, providerEvents(before, condition, { ...of, error }), at);
        return true;
      }),
  };
}

/**
 * Tells what a change has made of a grant. Rows are numbered last, with the commit: numbers would otherwise be held back for as
 * long as others of the transaction are at work.
 *
 * @param before the grant as it was; undefined where the change has made it
 */
export async function tellGrant(
  sql: Transaction,
  before: GrantBefore | undefined,
  after: ToldGrant,
  at: number,
  doubt?: Doubt,
  why?: EventDiagnosis,
): Promise<void> {
  const { refreshSealed: refresh, ...facts } = after;
  await tell(sql, grantEvents(before, { ...facts, isOffline: refresh !== null }, doubt, why), at);
}

/** {@link tellGrant} of a grant whose row must be read for it: a change that tells of something is a rare one. */
export async function tellChanged(
  sql: Transaction,
  before: GrantBefore,
  grantId: string,
  at: number,
  doubt?: Doubt,
  why?: EventDiagnosis,
): Promise<void> {
  const [row] = await sql.all(selectTold, { grantId });
  if (row !== undefined) await tellGrant(sql, before, readTold(row), at, doubt, why);
}

/** Adds events at the end of a transaction. */
export async function tell(sql: Transaction, drafts: readonly AppEventDraft[], at: number): Promise<void> {
  for (const draft of drafts)
    await sql.runLast(insert, writeRow({ ...draft, at, eventId: `evt_${crypto.randomUUID()}` }));
}
