/*
 * The audit log: what happened to grants, callers and keys, and which tokens left, each row chained to the one before.
 * A store numbers and links the rows. What they say, and the keyed hash that proves who wrote it, comes from the vault.
 *
 * The numbers have no gaps, but before a row that says so: a row gets its own at the commit of the transaction that writes it. The **link** of a row is
 * the SHA-256 of the bytes of the row before's link (none before the first), of its own number in decimal digits, and of
 * its `mac`. Writers that run at the same time wait for each other at most for the length of a commit.
 */

import type { AuditPrincipal } from "../core/audit-principal.ts";

export type { AuditPrincipal } from "../core/audit-principal.ts";

/** What happened. It never holds a token, a code, a name, or one of the app's own user ids. */
export interface AuditEntry {
  /** Such as `grant.lapsed`. */
  readonly action: string;
  /** Which grant it is about; null for none. */
  readonly grantId: string | null;
  /** Which generation of the grant's tokens it is about; null for none. */
  readonly generation: number | null;
  /** How it ended, in one word, such as the reason of a lapse. */
  readonly outcome: string;
  /** What else there is to know, such as a caller's name or an API's host; null for nothing. */
  readonly detail: string | null;
}

/** A row before it is numbered. */
export interface AuditRecord extends AuditEntry, Omit<AuditPrincipal, "sessionId"> {
  /** Random. */
  readonly recordId: string;
  /** By the vault's clock; milliseconds since the epoch. */
  readonly at: number;
  /** In which of the caller's sessions; null where it used its own key. */
  readonly sessionId: string | null;
  /** The number of an earlier row that `mac` covers with its link; null in rows of versions that covered none. */
  readonly anchor: number | null;
  /** Keyed hash of everything above and of the anchor's link; empty in a row that was written before there were keys. */
  readonly mac: Uint8Array;
}

/** A row of the log. */
export interface AuditRow extends AuditRecord {
  readonly seq: number;
  readonly link: Uint8Array;
}

/** The end of the log: the number and the link of its last row. */
export type AuditHead = Pick<AuditRow, "seq" | "link">;

/**
 * Makes the row that says what happened, or undefined where that leaves none.
 *
 * @param anchor an earlier row, as late a one as the store knows without holding up other writers; number 0 and no link
 *   where there is none. The row's keyed hash covers it, so that nobody without the key can make the links anew
 * @param principal who did it; by default whoever the work that is under way is for
 */
export type RecordOf = (
  entry: AuditEntry,
  anchor: AuditHead,
  principal: AuditPrincipal | undefined,
) => AuditRecord | undefined;

/** Which rows are read. */
export interface AuditQuery {
  /** Only rows after this number; 0 for all. */
  readonly after: number;
  /** The largest number of rows to return. */
  readonly limit: number;
  /** Only rows about this grant. */
  readonly grantId?: string;
  /** Only rows of this caller. */
  readonly caller?: string;
  /** The last rows, the newest first. Default: the first ones, in the order of their numbers. */
  readonly newestFirst?: true;
}

/** The action of a row that says that a caller was given a token. There is one for each caller, generation and `detail`. */
export const tokenReleased = "token.released";

/** The action of a row that says that the rows before were taken out by whoever has the keys. */
export const auditPruned = "audit.pruned";

/** The action of a row that says that the numbers before it were left out: an older backup may have given them out already. */
export const storeStandstill = "store.standstill";

/** What such a row says: behind which row the numbers were left out. */
export function leftOutAfter(seq: number): string {
  return `after row ${seq}`;
}

export interface AuditStore {
  /**
   * From now on, what happens is recorded by this. Before, rows have no keyed hash, and say that the store did it.
   * Every method that changes a grant, a caller or a key, or ends a code, adds its rows in the transaction of the change.
   *
   * @param isFallback whether what records already goes on, where something does. Default false
   */
  recordWith(recordOf: RecordOf, isFallback?: boolean): void;
  /**
   * Adds rows, durably, all or none. A `token.released` row that is there already, of the same caller, grant, generation and
   * `detail`, is not added again.
   */
  appendAudit(entries: readonly (readonly [AuditEntry, AuditPrincipal])[]): Promise<void>;
  /** @returns rows in the order of their numbers, or the other way round */
  auditRows(query: AuditQuery): Promise<AuditRow[]>;
  /** @returns the number and link of the last row that was ever added; 0 and no bytes in a new store */
  auditHead(): Promise<AuditHead>;
  /** @returns rows with the action {@link auditPruned}, the newest first */
  auditPrunings(limit: number): Promise<AuditRow[]>;
  /**
   * Takes rows out, up to this number, in one transaction: a caller that takes out many does so in steps.
   *
   * @returns how many were taken out
   */
  pruneAudit(upTo: number): Promise<number>;
}

/** What is recorded of a store that nobody told how to. */
export const unsigned: RecordOf = (entry, { seq }, principal = { caller: "@store", requestId: null }) => ({
  ...entry,
  ...principal,
  sessionId: principal.sessionId ?? null,
  anchor: seq,
  recordId: crypto.randomUUID(),
  at: 0,
  mac: new Uint8Array(),
});
