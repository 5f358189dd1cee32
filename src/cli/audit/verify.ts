import type { AuditFault, AuditLogHead } from "../../index.ts";
import { openWithoutClient } from "../open-vault.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, printLines, say } from "../terminal/print.ts";

/** The flags of `audit verify`. */
export interface VerifyFlags {
  readonly head?: AuditLogHead;
  readonly json?: boolean;
}

const meanings: Readonly<Record<AuditFault["problem"], string>> = {
  missing: "taken out",
  changed: "says something else than what was written, or was not written by us",
  moved: "was not written in this place",
  cut: "cut off at the end",
  head_differs: "is not the row that the head names",
};

/** Checks the audit log, and fails where it is not as it was written. */
export async function verify({ head, ...flags }: VerifyFlags): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const { rows, seq, hash, faults } = await vault.audit.verify(head);
  if (faults.length > 0) process.exitCode = exitCodes.failed;
  if (flags.json === true) {
    const found = faults.map((fault) => ({ seq: fault.seq, up_to: fault.upTo ?? fault.seq, problem: fault.problem }));
    printJson({ ok: faults.length === 0, rows, head: `${seq}:${hash}`, faults: found });
    return;
  }
  printLines(faults.map(lineOf));
  const against = head === undefined ? "" : `, and row ${head.seq} is the one of the head`;
  say(
    faults.length === 0
      ? `${rows} rows are as they were written${against}`
      : "the audit log is not as it was written; who did it could write the database. Compare it with a backup or an export",
  );
}

function lineOf({ seq, upTo, problem }: AuditFault): string {
  const which = upTo === undefined ? `row ${seq}` : `rows ${seq} to ${upTo}`;
  return `${which}: ${problem}: ${meanings[problem]}`;
}
