import type { AuditRow } from "../../store/audit-store.ts";
import { leftOutAfter, storeStandstill } from "../../store/audit-store.ts";
import type { EpochRow, EpochStore } from "../../store/epoch-store.ts";

/** Numbers that the log leaves out: those after `auditFrom`, up to `auditTo`. */
export type LeftOut = Pick<EpochRow, "auditFrom" | "auditTo">;

/** A store that has been restored more often than this needs other help. */
const mostRead = 1_000;

/**
 * Which numbers the log leaves out, the latest first. Only where a check begins is decided by this: that numbers may be missing is
 * for a row of the log to say.
 */
export async function numbersLeftOut(store: Pick<EpochStore, "epochs">): Promise<readonly LeftOut[]> {
  return store.epochs(mostRead);
}

/**
 * The number behind which so many of the last rows stand.
 *
 * @param end the last row's number
 */
export function behindNewest(newest: number, end: number, leftOut: readonly LeftOut[]): number {
  let [from, count] = [end, newest];
  for (const { auditFrom, auditTo } of leftOut) {
    if (auditTo > from || from - count > auditTo) continue;
    count -= from - auditTo;
    from = auditFrom;
  }
  return from - count;
}

/** How many rows lie between two numbers, at most. */
export function rowsBetween(from: number, to: number, leftOut: readonly LeftOut[]): number {
  const skipped = leftOut.filter(({ auditFrom, auditTo }) => auditFrom >= from && auditTo <= to);
  return skipped.reduce((rows, { auditFrom, auditTo }) => rows - (auditTo - auditFrom), to - from);
}

/** Whether a row says that the numbers between another one and itself were left out. Its keyed hash must be right, too. */
export function leavesOutSince(before: number, { action, detail }: AuditRow): boolean {
  return action === storeStandstill && detail === leftOutAfter(before);
}
