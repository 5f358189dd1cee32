import { numbersLeftOut } from "../../core/epoch.ts";
import {
  assignments,
  insertList,
  owner as ownerColumn,
  number,
  numberOrNull,
  rowReader,
  selectList,
  text,
  textOrNull,
  valuesWriter,
} from "./column.ts";
import type { ColumnsOf } from "./column.ts";
import { waitingDeliveryColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import type { Owner } from "../../core/take-over.ts";
import type { WebhookState, WebhookStore } from "../webhook-store.ts";

const stateColumns: ColumnsOf<Omit<WebhookState, "owner">> = {
  urlHash: text("url_hash"),
  position: number("position"),
  seenAt: number("seen_at"),
  stopped: textOrNull("stopped"),
};
const readState = rowReader(stateColumns);
const ownerText = textOrNull("owner");
const readOwner = ownerColumn("owner");
const readWaiting = rowReader(waitingDeliveryColumns);
const writeWaiting = valuesWriter(waitingDeliveryColumns);
const waiting = `SELECT ${selectList(waitingDeliveryColumns)} FROM webhook_waiting`;

const selectState = `SELECT ${selectList(stateColumns)}, owner FROM webhook LIMIT 1`;
const begin = `INSERT INTO webhook (url_hash, position, owner, seen_at, stopped)
  SELECT :urlHash, seq, :owner, :at, NULL FROM event_head WHERE seq >= 0 ON CONFLICT DO NOTHING`;
const beginAnew = "UPDATE webhook SET url_hash = :urlHash, owner = :owner, seen_at = :at, stopped = :stopped";
const claim = `${beginAnew} WHERE owner = :before AND seen_at = :seenAt`;
const claimFree = `${beginAnew} WHERE owner IS NULL AND seen_at = :seenAt`;
const advance = "UPDATE webhook SET position = :position, seen_at = :at WHERE owner = :owner AND stopped IS NULL";
const leave = "UPDATE webhook SET owner = NULL, stopped = :stopped WHERE owner = :owner";
const upsert = `INSERT INTO webhook_waiting ${insertList(waitingDeliveryColumns)}
  ON CONFLICT (seq) DO UPDATE SET ${assignments(waitingDeliveryColumns)}`;
const remove = "DELETE FROM webhook_waiting WHERE seq = :seq";
const wake = `UPDATE webhook_waiting SET next_at = :at WHERE next_at IS NULL AND seq =
  (SELECT seq FROM webhook_waiting WHERE line = :line AND dead_at IS NULL ORDER BY seq LIMIT 1)`;
const selectDue = `${waiting} WHERE next_at IS NOT NULL AND next_at <= :before ORDER BY next_at, seq LIMIT :limit`;
const selectLine = `${waiting} WHERE line = :line AND dead_at IS NULL ORDER BY seq LIMIT :limit`;
const selectDead = `${waiting} WHERE dead_at IS NOT NULL AND seq > :after ORDER BY seq LIMIT :limit`;
const selectCounts = `SELECT
  (SELECT COUNT(*) FROM webhook_waiting WHERE dead_at IS NULL)
    + COALESCE((SELECT (event_head.seq - webhook.position) % ${numbersLeftOut} FROM webhook, event_head), 0) AS waiting,
  (SELECT COUNT(*) FROM webhook_waiting WHERE dead_at IS NOT NULL) AS dead,
  (SELECT MIN(first_at) FROM webhook_waiting WHERE dead_at IS NULL) AS waiting_since`;
const readCounts = rowReader<Awaited<ReturnType<WebhookStore["deliveryCounts"]>>>({
  waiting: number("waiting"),
  dead: number("dead"),
  waitingSince: numberOrNull("waiting_since"),
});
const goBack =
  "UPDATE webhook SET position = :after, stopped = NULL, owner = NULL, seen_at = :at WHERE position > :after";
const goOn = "UPDATE webhook SET stopped = NULL, owner = NULL, seen_at = :at";
const forgetAfter = "DELETE FROM webhook_waiting WHERE seq > :after";
const hasten = "UPDATE webhook_waiting SET next_at = :at WHERE next_at > :at";
// The first of each line is tried at once, and the others after it.
const revive =
  "UPDATE webhook_waiting SET dead_at = NULL, tries = 0, first_at = NULL, next_at = :at WHERE dead_at IS NOT NULL";

export function webhookStore(database: Database): WebhookStore {
  return {
    webhookState: async () => {
      const [row] = await database.all(selectState);
      if (row === undefined) return undefined;
      return { ...readState(row), owner: ownerText.read(row) === null ? null : readOwner.read(row) };
    },

    claimWebhook: ({ owner, urlHash, at }, replaces) =>
      database.transaction(async (sql) => {
        const values = { owner: textOf(owner), urlHash, at };
        if (replaces === undefined) return (await sql.run(begin, values)) === 1;
        const stopped = replaces.urlHash === urlHash ? replaces.stopped : null;
        const { seenAt } = replaces;
        const claimed =
          replaces.owner === null
            ? await sql.run(claimFree, { ...values, stopped, seenAt })
            : await sql.run(claim, { ...values, stopped, seenAt, before: textOf(replaces.owner) });
        return claimed === 1;
      }),

    noteDeliveries: (owner, at, { position, delivered, waiting: rows, lines }) =>
      database.transaction(async (sql) => {
        if ((await sql.run(advance, { owner: textOf(owner), at, position })) === 0) return false;
        for (const seq of delivered) await sql.run(remove, { seq });
        for (const row of rows) await sql.run(upsert, writeWaiting(row));
        for (const line of lines) await sql.run(wake, { line, at });
        return true;
      }),

    leaveWebhook: async (owner, stopped) => {
      await database.transaction((sql) => sql.run(leave, { owner: textOf(owner), stopped }));
    },

    dueDeliveries: async (before, limit) => (await database.all(selectDue, { before, limit })).map(readWaiting),
    hastenDeliveries: async (at) => {
      await database.transaction((sql) => sql.run(hasten, { at }));
    },
    deliveriesOf: async (line, limit) => (await database.all(selectLine, { line, limit })).map(readWaiting),
    deadDeliveries: async (after, limit) => (await database.all(selectDead, { after, limit })).map(readWaiting),

    deliveryCounts: async () => {
      const [row] = await database.all(selectCounts);
      return row === undefined ? { waiting: 0, dead: 0, waitingSince: null } : readCounts(row);
    },

    replayDeliveries: (after, at) =>
      database.transaction(async (sql) => {
        if (after === undefined) {
          await sql.run(goOn, { at });
          return sql.run(revive, { at });
        }
        const [head] = await sql.all("SELECT seq FROM event_head");
        const last = head === undefined ? 0 : number("seq").read(head);
        if ((await sql.run(goBack, { after, at })) === 0) {
          await sql.run(goOn, { at });
          return 0;
        }
        await sql.run(forgetAfter, { after });
        return Math.max(last - after, 0);
      }),
  };
}

function textOf(owner: Owner): string {
  return readOwner.write(owner) as string;
}
