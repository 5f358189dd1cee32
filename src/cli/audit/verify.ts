import type { AuditLogHead } from "../../index.ts";
import { openWithoutClient } from "../open-vault.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { faultLine } from "./fault-line.ts";

/** The flags of `audit verify`. */
export interface VerifyFlags {
  readonly head?: AuditLogHead;
  readonly json?: boolean;
}

/** Checks the audit log, and fails where it is not as it was written. */
export async function verify({ head, ...flags }: VerifyFlags): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const { rows, seq, hash, faults, pruned } = await vault.audit.verify(head);
  if (faults.length > 0) process.exitCode = exitCodes.failed;
  if (flags.json === true) {
    const found = faults.map((fault) => ({ seq: fault.seq, up_to: fault.upTo ?? fault.seq, problem: fault.problem }));
    const before = pruned === undefined ? {} : { pruned_up_to: pruned.upTo, pruned_at: pruned.at };
    printJson({ ok: faults.length === 0, rows, head: `${seq}:${hash}`, ...before, faults: found });
    return;
  }
  printLines(faults.map(faultLine));
  if (pruned !== undefined)
    say(`rows up to ${pruned.upTo} were pruned on ${pruned.at.toISOString()}, by somebody with the keys`);
  const isGone = head !== undefined && head.seq < (pruned?.upTo ?? 0);
  const against =
    head === undefined
      ? ""
      : `, ${isGone ? `but row ${head.seq} was pruned` : `and row ${head.seq} is the one of the head`}`;
  say(
    faults.length === 0
      ? `${rows} rows are as they were written${against}`
      : "the audit log is not as it was written; who did it could write the database. Compare it with a backup or an export",
  );
}
