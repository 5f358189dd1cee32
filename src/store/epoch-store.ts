/* Whether a database is the one that it was: its marks, and each time that it was found to be a backup or a copy. */
import type { StandstillReason, StoreMark, StoreSelf } from "../core/epoch.ts";

/** One time that the database was found to be a backup or a copy. Times are milliseconds since the epoch. */
export interface EpochRow {
  /** 1 for the first. */
  readonly epoch: number;
  readonly why: StandstillReason;
  readonly noticedAt: number;
  /** When it was last known to be itself. Null: nobody knows. */
  readonly backupAt: number | null;
  /** The numbers after `auditFrom`, up to `auditTo`, are left out of the audit log. */
  readonly auditFrom: number;
  readonly auditTo: number;
  /** When an operator has said that it may go on. Null: nobody has, and it stands still. */
  readonly settledAt: number | null;
  /** What the operator has said. Null: nothing yet. */
  readonly outcome: "restored" | "moved" | null;
}

export interface EpochStore {
  /**
   * What the database says of itself, in one statement.
   *
   * @param markNo of the mark that is compared with what is known outside of the database
   */
  epochState(
    markNo: number,
  ): Promise<Pick<StoreSelf, "changeSeq" | "lastMark" | "markThere"> & { readonly lastEpoch?: EpochRow | undefined }>;
  /**
   * Marks the database. Of earlier marks, some thousands are kept.
   *
   * @returns true: marked; false: another process has written a mark with this number
   */
  addMark(mark: StoreMark): Promise<boolean>;
  /** @returns the last times that the database was found to be a backup or a copy, the newest first */
  epochs(limit: number): Promise<EpochRow[]>;
  /**
   * Notes that the database is a backup or a copy: it stands still. Events, changes and rows of the audit log are numbered from
   * far beyond everything that may have been given out since the backup; the log's next row says so.
   *
   * @returns true: noted; false: it stands still already
   */
  beginStandstill(found: Pick<EpochRow, "why" | "noticedAt" | "backupAt">): Promise<boolean>;
  /**
   * Ends the standstill. Attempts that are so old that nobody works on them any more are forgotten: what became of them is as
   * unknown as everything else since the backup.
   *
   * @returns true: ended; false: it does not stand still
   */
  endStandstill(said: { readonly outcome: "restored" | "moved"; readonly at: number }): Promise<boolean>;
  /** Makes grants that hold a refresh token due for a look at the provider: active and suspect ones, in one transaction. */
  lookAt(grantIds: readonly string[], at: number): Promise<void>;
}

export type { StandstillReason, StoreMark, StorePlace } from "../core/epoch.ts";
