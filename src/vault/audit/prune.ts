import { OnbehalfError, invalidRequest } from "../../core/errors.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { AuditHead, AuditPrincipal, AuditStore } from "../../store/audit-store.ts";
import { linkAt, newestPruning, pruningEntry } from "./pruning.ts";
import type { Pruning } from "./pruning.ts";
import { anchorsKept, verifyAudit } from "./verify.ts";
import type { LoggingStore } from "./verify.ts";

/** What was taken out of the log. */
export interface AuditPruned {
  /** How many rows. */
  readonly rows: number;
  /** The number of the last row that is taken out; 0 where none ever was. */
  readonly upTo: number;
}

/** No row is taken out that is younger: a transaction that is under way may still be anchored to it. */
export const shortestKeptMs = 86_400_000;

/** How many rows are taken out in one transaction, so that nobody waits for long to write one. */
const atOnce = 500;

/** Who prunes, and when. */
export interface Pruner {
  readonly principal: AuditPrincipal;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Takes the rows out that are older. A row says so first: it holds the link of the last one that goes, and of those that
 * the keyed hashes of later rows cover, so that the rest is checked as before. If it is interrupted, the rows that it left
 * go with the next call.
 *
 * @param before milliseconds since the epoch
 * @throws {OnbehalfError} `invalid_request`: rows of the last day would go
 * @throws {OnbehalfError} `store_unusable`: the log is not as it was written, and what would go is evidence; nothing is
 *   changed
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function pruneAudit(
  store: LoggingStore,
  keyring: Pick<Sealer, "hash">,
  before: number,
  { principal, now }: Pruner,
): Promise<AuditPruned> {
  if (!(before <= now - shortestKeptMs)) {
    throw invalidRequest(
      "before must be a day ago at least: rows of the last day stay",
      "give an earlier time",
      "before",
    );
  }
  const { faults, seq: head } = await verifyAudit(store, keyring);
  if (faults.length > 0) throw notWhole();
  const pruning = await newestPruning(store, keyring);
  const earlier = pruning?.last.seq ?? 0;
  const upTo = await lastBefore(store, before, earlier, head);
  if (upTo > earlier) {
    const link = await linkAt(store, upTo);
    // It was verified a moment ago: somebody else is pruning, or worse.
    if (link === undefined) throw notWhole();
    const last = { seq: upTo, link };
    await store.appendAudit([[pruningEntry(last, await anchorsAcross(store, upTo, pruning)), principal]]);
  }
  return { rows: await takeOut(store, Math.max(upTo, earlier)), upTo: Math.max(upTo, earlier) };
}

/** The number of the last row before a time, found in some twenty reads: times rise with the numbers, but for seconds. */
async function lastBefore(store: AuditStore, before: number, from: number, head: number): Promise<number> {
  let [low, high, at] = [from, head, 0];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [row] = await store.auditRows({ after: middle - 1, limit: 1 });
    // Where numbers were left out, it is the first one after them.
    if (row !== undefined && row.seq <= high && row.at < before) [low, at] = [row.seq, row.at];
    else high = middle - 1;
  }
  // The row of a new store's keys has no time, and goes with the next one.
  return at === 0 ? from : low;
}

/** The rows before a number that rows after it are anchored to: these were written at the same time as the ones between. */
async function anchorsAcross(store: AuditStore, upTo: number, earlier: Pruning | undefined): Promise<AuditHead[]> {
  const anchors = new Set<number>();
  for (let after = upTo; after < upTo + anchorsKept;) {
    const page = await store.auditRows({ after, limit: atOnce });
    for (const { anchor } of page) if (anchor !== null && anchor > 0 && anchor < upTo) anchors.add(anchor);
    after = page.at(-1)?.seq ?? Infinity;
  }
  const heads: AuditHead[] = [];
  for (const seq of anchors) {
    const link = (await linkAt(store, seq)) ?? earlier?.links.get(seq);
    if (link !== undefined) heads.push({ seq, link });
  }
  return heads;
}

async function takeOut(store: AuditStore, upTo: number): Promise<number> {
  let rows = 0;
  for (;;) {
    const [first] = await store.auditRows({ after: 0, limit: 1 });
    if (first === undefined || first.seq > upTo) return rows;
    rows += await store.pruneAudit(Math.min(first.seq + atOnce - 1, upTo));
  }
}

function notWhole(): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", "the audit log is not as it was written, so nothing is taken out of it", {
    hint: "see where with: onbehalf audit verify; keep a copy of the database: what would go may be evidence",
    details: {},
  });
}
