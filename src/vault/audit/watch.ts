import { verifyAudit } from "./verify.ts";
import type { AuditFault, AuditReport } from "./verify.ts";
import type { VaultContext } from "../context.ts";

/** Not at once: a program that was just started has better things to do, and one that only lists grants is gone by then. */
const firstLookMs = 60_000;
/** How often the end of the log is read, milliseconds. */
const everyMs = 3_600_000;
/** How many rows of the end are read, so that a log of any size takes a moment. */
const newest = 10_000;

/**
 * Makes a function to be called every minute or so: once an hour it verifies the newest rows of the audit log, and that
 * the row is still there which was the last one an hour ago. An event tells of what is wrong, once in each process.
 */
export function watchAudit({
  store,
  keyring,
  clock,
  random,
  emit,
}: Pick<VaultContext, "store" | "keyring" | "clock" | "random" | "emit">): () => Promise<void> {
  let dueAt = clock.now() + firstLookMs * (1 + 9 * random());
  let head: Pick<AuditReport, "seq" | "hash"> | undefined;
  const told = new Set<string>();
  return async () => {
    if (clock.now() < dueAt) return;
    dueAt = clock.now() + everyMs;
    const { faults, seq, hash } = await verifyAudit(store, keyring, { head, newest });
    head = { seq, hash };
    const fresh = faults.filter((fault) => !told.has(keyOf(fault)));
    for (const fault of fresh) told.add(keyOf(fault));
    const [first] = fresh;
    if (first !== undefined) emit({ type: "audit_broken", ...first, faults: faults.length });
  };
}

function keyOf({ seq, problem }: AuditFault): string {
  return `${seq} ${problem}`;
}
