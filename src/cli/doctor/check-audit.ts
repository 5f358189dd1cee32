import type { AuditReport } from "../../index.ts";
import { faultLine } from "../audit/fault-line.ts";
import { fail, ok } from "../../service/doctor/finding.ts";
import type { Finding } from "../../service/doctor/finding.ts";

/** How many rows are read: they take a second or two. `audit verify` reads all. */
export const newestRows = 20_000;

/** Says whether the end of the audit log is as it was written, and how much of it was looked at. */
export function checkAudit({ rows, seq, faults, pruned, leftOut }: AuditReport): Finding {
  const before = pruned === undefined ? "" : `; up to row ${pruned.upTo} it was pruned on ${pruned.at.toISOString()}`;
  const [first] = faults;
  if (first === undefined) {
    const all = seq - (pruned?.upTo ?? 0) - leftOut;
    const rest = rows < all ? "; onbehalf audit verify reads all" : "";
    const which = rows < all ? `the newest ${rows} of ${all} rows are` : `${rows} rows are`;
    return ok("audit log", `${which} as they were written${before}${rest}`);
  }
  const more = faults.length === 1 ? "" : `, and ${faults.length - 1} more`;
  return fail(
    "audit log",
    `it is not as it was written: ${faultLine(first)}${more}${before}`,
    "keep a copy of the database, run onbehalf audit verify --head with the last head that you kept, and compare with a " +
      "backup or an export: who did it could write the database",
  );
}
