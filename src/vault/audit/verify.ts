/**
 * audit/ records which tokens leave, and checks the log of what happened. What a row is about belongs to those who change
 * it: the store adds the row in the same transaction.
 */
import { createHash } from "node:crypto";
import { auditMac, isMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { AuditHead, AuditRow, AuditStore } from "../../store/audit-store.ts";
import type { EpochStore } from "../../store/epoch-store.ts";
import { behindNewest, leavesOutSince, numbersLeftOut, rowsBetween } from "./left-out.ts";
import type { LeftOut } from "./left-out.ts";
import { linkAt, newestPruning } from "./pruning.ts";
import type { Pruning } from "./pruning.ts";

/** Something wrong with the log. */
export interface AuditFault {
  /** The number of the row; of the first one where `upTo` is given. */
  readonly seq: number;
  /** The number of the last row that the fault is about. Absent: there is one. */
  readonly upTo?: number;
  /**
   * - `missing`: the rows were taken out.
   * - `changed`: the row says something else than what we wrote, or we did not write it.
   * - `moved`: the row was not written in this place, or the row before was another one.
   * - `cut`: the log went on until here.
   * - `head_differs`: the row is not the one that was the last when the head was noted.
   */
  readonly problem: "missing" | "changed" | "moved" | "cut" | "head_differs";
}

/** What a check of the log has found. */
export interface AuditReport {
  /** How many rows were read. */
  readonly rows: number;
  /** The number of the last row, 0 in an empty log, and its link in hex. */
  readonly seq: number;
  readonly hash: string;
  /** How many numbers were left out because an older backup was restored. */
  readonly leftOut: number;
  /** Up to which row the log was pruned, by somebody with the keys, and when. Absent: it begins with its first row. */
  readonly pruned?: { readonly upTo: number; readonly at: Date };
  /** What is wrong, in the order of the rows; empty where nothing is. There are {@link mostFaults} at most. */
  readonly faults: readonly AuditFault[];
}

/** What a log is checked against, and how much of it. */
export interface AuditChecks {
  /** What `audit head` printed once; none by default. */
  readonly head?: AuditReportHead | undefined;
  /** Only this many of the last rows, and whether the first one is there. Default: all. */
  readonly newest?: number | undefined;
}

/** What of a store a check reads. */
export type LoggingStore = AuditStore & Pick<EpochStore, "epochs">;

type AuditReportHead = Pick<AuditReport, "seq" | "hash">;

/** A log that somebody has rewritten has a fault in each row. */
export const mostFaults = 100;

const pageSize = 500;
/** How far back a row may be anchored: as many rows are added at most while a transaction ends. */
export const anchorsKept = 50_000;
const none = new Uint8Array();

/** Where a check begins: behind this row, of which only the link is known, if at all. */
interface Start {
  readonly before: { readonly seq: number; readonly link: Uint8Array | undefined };
  readonly pruning: Pruning | undefined;
  readonly leftOut: readonly LeftOut[];
  /** What the links of earlier rows must be, by their numbers. */
  readonly links: Map<number, Uint8Array | undefined>;
  readonly faults: AuditFault[];
}

/**
 * Reads the log, and says what is wrong with it and where. A change, a deletion or a row in another place is found by
 * itself. Rows cut off at the end, with everything that tells of them, show only by a head that was noted before.
 *
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function verifyAudit(
  store: LoggingStore,
  keyring: Pick<Sealer, "hash">,
  checks: AuditChecks = {},
): Promise<AuditReport> {
  for (;;) {
    const start = await startOf(store, keyring, checks.newest);
    const report = await verifyFrom(store, keyring, start, checks.head);
    if (report.faults.length === 0) return report;
    // Rows that are pruned while the log is read seem to be missing.
    if ((await newestPruning(store, keyring))?.seq === start.pruning?.seq) return report;
  }
}

async function startOf(store: LoggingStore, keyring: Pick<Sealer, "hash">, newest?: number): Promise<Start> {
  const leftOut = await numbersLeftOut(store);
  const pruning = await newestPruning(store, keyring);
  const first = pruning?.last ?? { seq: 0, link: none };
  const links = new Map<number, Uint8Array | undefined>([[0, none], ...(pruning?.links ?? [])]);
  const from = newest === undefined ? 0 : behindNewest(newest, (await store.auditHead()).seq, leftOut);
  if (from <= first.seq) return { before: first, pruning, leftOut, links, faults: [] };
  const faults: AuditFault[] = [];
  const [oldest] = await store.auditRows({ after: first.seq, limit: 1 });
  const begins = oldest?.seq ?? Infinity;
  const link = await linkAt(store, from);
  if (begins > first.seq + 1) {
    faults.push({ ...range(first.seq + 1, begins > from ? from : begins - 1), problem: "missing" });
  }
  if (begins < from && link === undefined) faults.push({ seq: from, problem: "missing" });
  links.set(from, link);
  return { before: { seq: from, link }, pruning, leftOut, links, faults };
}

async function verifyFrom(
  store: AuditStore,
  keyring: Pick<Sealer, "hash">,
  start: Start,
  head: AuditReportHead | undefined,
): Promise<AuditReport> {
  const { pruning, links } = start;
  const faults = [...start.faults];
  if (head !== undefined && head.seq === pruning?.last.seq && hex(pruning.last.link) !== head.hash) {
    faults.push({ seq: head.seq, problem: "head_differs" });
  }
  let rows = 0;
  let { before } = start;
  for (;;) {
    const page = await store.auditRows({ after: before.seq, limit: pageSize });
    for (const row of page) {
      await learnAnchor(store, start, row);
      // What was the last row once is not there any more: the backup is older.
      if (head !== undefined && head.seq > before.seq && head.seq < row.seq && leavesOutSince(before.seq, row)) {
        faults.push({ ...range(before.seq + 1, head.seq), problem: "cut" });
      }
      faults.push(...faultsOf(keyring, before, row, links));
      links.delete(row.seq - anchorsKept);
      if (row.seq === head?.seq && hex(row.link) !== head.hash) faults.push({ seq: row.seq, problem: "head_differs" });
      before = row;
      rows += 1;
    }
    if (page.length > 0) continue;
    // Read after the rows: whatever was added meanwhile is still to be read.
    const end = await store.auditHead();
    const last = before.link ?? none;
    if (end.seq > before.seq) {
      if ((await store.auditRows({ after: before.seq, limit: 1 })).length > 0) continue;
      faults.push({ ...range(before.seq + 1, end.seq), problem: "cut" });
    } else if (end.seq < before.seq) faults.push({ ...range(end.seq + 1, before.seq), problem: "moved" });
    else if (hex(end.link) !== hex(last)) faults.push({ seq: end.seq, problem: "head_differs" });
    const isKnown = faults.some(({ problem, upTo, seq }) => problem === "cut" && (upTo ?? seq) >= (head?.seq ?? 0));
    if (head !== undefined && head.seq > before.seq && !isKnown) {
      faults.push({ ...range(before.seq + 1, head.seq), problem: "cut" });
    }
    const pruned = pruning === undefined ? {} : { pruned: { upTo: pruning.last.seq, at: new Date(pruning.at) } };
    const numbers = start.leftOut
      .filter(({ auditFrom }) => auditFrom >= (pruning?.last.seq ?? 0))
      .reduce((sum, { auditFrom, auditTo }) => sum + auditTo - auditFrom, 0);
    return { rows, seq: before.seq, hash: hex(last), leftOut: numbers, ...pruned, faults: faults.slice(0, mostFaults) };
  }
}

/** Where a check does not begin at the first row, the rows that the next ones are anchored to are read one by one. */
async function learnAnchor(
  store: AuditStore,
  { before, pruning, leftOut, links }: Start,
  { anchor, seq }: AuditRow,
): Promise<void> {
  const first = pruning?.last.seq ?? 0;
  if (anchor === null || anchor >= before.seq || anchor <= first || links.has(anchor)) return;
  if (rowsBetween(anchor, seq, leftOut) > anchorsKept) return;
  links.set(anchor, await linkAt(store, anchor));
}

/** @param links what the links of the rows before must be, by their numbers; this row's is added. Unknown: undefined */
function faultsOf(
  keyring: Pick<Sealer, "hash">,
  before: Start["before"],
  row: AuditRow,
  links: Map<number, Uint8Array | undefined>,
): AuditFault[] {
  const { seq, mac, link, anchor } = row;
  const faults: AuditFault[] = [];
  const isBeyond = seq > before.seq + 1 && leavesOutSince(before.seq, row);
  const isNext = seq === before.seq + 1 || isBeyond;
  if (!isNext) faults.push({ ...range(before.seq + 1, seq - 1), problem: "missing" });
  // The row is linked to the last one before, and anchored to it by the last number that was left out.
  if (isBeyond && before.link !== undefined) links.set(seq - 1, before.link);
  for (let gone = isBeyond ? seq : Math.max(before.seq + 1, seq - anchorsKept); gone < seq; gone += 1) {
    links.set(gone, undefined);
  }
  // What the link of a missing row was, nobody knows. The row after it is taken at its word.
  const expected = isNext && before.link !== undefined ? linkOf({ seq: before.seq, link: before.link }, row) : link;
  links.set(seq, expected);
  // The first row of a new store says that its keys were made, and is written before anybody has them.
  const isFirst = seq === 1 && row.action === "keys.created" && mac.length === 0;
  const anchorLink = anchor === null ? none : links.get(anchor);
  // It says that it came after a row that comes after it.
  if (anchor !== null && anchor >= seq) faults.push({ seq, problem: "moved" });
  // After one that was taken out, which was said already: whether this one is whole, nobody can tell any more.
  else if (!isFirst && (anchor === null || anchorLink !== undefined || !links.has(anchor))) {
    if (!isMac(mac, auditMac(keyring, row, anchorLink ?? none))) faults.push({ seq, problem: "changed" });
  }
  if (hex(expected) !== hex(link) && faults.at(-1)?.problem !== "moved") faults.push({ seq, problem: "moved" });
  return faults;
}

/** Written out once more, and not shared with the stores that write it: a mistake there is found here. */
function linkOf(before: AuditHead, { seq, mac }: AuditRow): Buffer {
  return createHash("sha256").update(before.link).update(String(seq)).update(mac).digest();
}

function range(seq: number, upTo: number): Pick<AuditFault, "seq" | "upTo"> {
  return seq === upTo ? { seq } : { seq, upTo };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
