import type { StoreMark } from "../../core/epoch.ts";
import { takeOverLimitMs } from "../../core/timing.ts";
import { leftOutAfter, storeStandstill } from "../audit-store.ts";
import type { EpochRow, EpochStore } from "../epoch-store.ts";
import {
  insertList,
  json,
  number,
  numberOrNull,
  rowReader,
  selectList,
  text,
  textOrNull,
  valuesWriter,
} from "./column.ts";
import type { ColumnsOf } from "./column.ts";
import type { Database, SqlRow } from "./sql.ts";

const markColumns: ColumnsOf<StoreMark> = {
  markNo: number("mark_no"),
  mark: text("mark"),
  at: number("at"),
  changeSeq: number("change_seq"),
  place: json("place"),
};
const epochColumns: ColumnsOf<EpochRow> = {
  epoch: number("epoch"),
  why: text("why"),
  noticedAt: number("noticed_at"),
  backupAt: numberOrNull("backup_at"),
  auditFrom: number("audit_from"),
  auditTo: number("audit_to"),
  settledAt: numberOrNull("settled_at"),
  outcome: textOrNull("outcome"),
};
const readMark = rowReader(markColumns);
const markValues = valuesWriter(markColumns);
const readEpoch = rowReader(epochColumns);
const latestColumn = number("latest_change");
const thereColumn = textOrNull("mark_there");

/** Of marks, how many are kept: of a day or more of constant change, and of weeks of rest. */
const marksKept = 2_000;

const last = "ORDER BY mark_no DESC LIMIT 1";
const selectState = `SELECT (SELECT COALESCE(MAX(change_seq), 0) FROM grant_changes) AS latest_change,
  (SELECT mark FROM store_marks WHERE mark_no = :markNo) AS mark_there, store_marks.*, store_epochs.*
  FROM event_head
  LEFT JOIN (SELECT ${selectList(markColumns)} FROM store_marks ${last}) AS store_marks ON 1 = 1
  LEFT JOIN (SELECT ${selectList(epochColumns)} FROM store_epochs ORDER BY epoch DESC LIMIT 1) AS store_epochs ON 1 = 1`;
const insertMark = `INSERT INTO store_marks ${insertList(markColumns)} ON CONFLICT DO NOTHING`;
const forgetMarks = "DELETE FROM store_marks WHERE mark_no <= :upTo";
const selectEpochs = `SELECT ${selectList(epochColumns)} FROM store_epochs ORDER BY epoch DESC LIMIT :limit`;
const insertEpoch = `INSERT INTO store_epochs (epoch, why, noticed_at, backup_at)
  VALUES (:epoch, :why, :noticedAt, :backupAt) ON CONFLICT DO NOTHING`;
const settle =
  "UPDATE store_epochs SET settled_at = :at, outcome = :outcome WHERE epoch = :epoch AND settled_at IS NULL";
const forgetAttempts = "DELETE FROM attempts WHERE started_at < :before";
const lookSoon = `UPDATE grants SET look_at = :at, retry_at = NULL, updated_at = :at
  WHERE grant_id = :grantId AND state IN ('active', 'suspect') AND refresh_sealed IS NOT NULL`;

export function epochStore(database: Database): EpochStore {
  return {
    epochState: async (markNo) => {
      const [row = {}] = await database.all(selectState, { markNo });
      const markThere = thereColumn.read(row);
      return {
        changeSeq: latestColumn.read(row),
        markThere: markThere ?? undefined,
        lastMark: isThere(row, "mark_no") ? readMark(row) : undefined,
        lastEpoch: isThere(row, "epoch") ? readEpoch(row) : undefined,
      };
    },

    addMark: (mark) =>
      database.transaction(async (sql) => {
        if ((await sql.run(insertMark, markValues(mark))) === 0) return false;
        await sql.run(forgetMarks, { upTo: mark.markNo - marksKept });
        return true;
      }),

    epochs: async (limit) => (await database.all(selectEpochs, { limit })).map(readEpoch),

    beginStandstill: ({ why, noticedAt, backupAt }) =>
      database.transaction(async (sql) => {
        const [before] = (await sql.all(selectEpochs, { limit: 1 })).map(readEpoch);
        if (before !== undefined && before.settledAt === null) return false;
        const epoch = (before?.epoch ?? 0) + 1;
        if ((await sql.run(insertEpoch, { epoch, why, noticedAt, backupAt })) === 0) return false;
        const [begun] = (await sql.all(selectEpochs, { limit: 1 })).map(readEpoch);
        const detail = leftOutAfter(begun?.auditFrom ?? 0);
        sql.note({ action: storeStandstill, grantId: null, generation: null, outcome: why, detail });
        return true;
      }),

    endStandstill: ({ outcome, at }) =>
      database.transaction(async (sql) => {
        const [epoch] = (await sql.all(selectEpochs, { limit: 1 })).map(readEpoch);
        if (epoch === undefined || (await sql.run(settle, { at, outcome, epoch: epoch.epoch })) === 0) return false;
        await sql.run(forgetAttempts, { before: (await sql.now()) - takeOverLimitMs });
        const detail = `epoch ${epoch.epoch}`;
        sql.note({ action: `store.${outcome}`, grantId: null, generation: null, outcome: "done", detail });
        return true;
      }),

    lookAt: async (grantIds, at) =>
      database.transaction(async (sql) => {
        for (const grantId of grantIds) await sql.run(lookSoon, { grantId, at });
      }),
  };
}

/** What is not there is null in every column. */
function isThere(row: SqlRow, column: string): boolean {
  return row[column] !== null;
}
