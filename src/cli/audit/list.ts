import { defined } from "../../core/defined.ts";
import type { AuditLogRow } from "../../index.ts";
import { auditBody } from "../../service/http/json-bodies.ts";
import { refOf } from "../grants/ref.ts";
import type { RefFlags } from "../grants/ref.ts";
import { openWithoutClient } from "../open-vault.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";

/** The flags of `audit list`. */
export interface ListFlags extends RefFlags {
  readonly after: number;
  readonly grant?: string;
  readonly caller?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Lists a page of the audit log. */
export async function list(flags: ListFlags): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const { after, caller, limit, grant } = flags;
  const grantId = grant === undefined ? undefined : (await vault.grant(refOf(grant, flags))).grantId;
  const rows = await vault.audit.list(defined({ after, caller, limit, grantId }));
  const next = rows.at(-1)?.seq ?? after;
  if (flags.json === true) {
    printJson({ rows: rows.map(auditBody), next });
    return;
  }
  if (rows.length === 0) say("no row fits this search");
  printLines(table(["SEQ", "AT", "CALLER", "ACTION", "GRANT", "GEN", "OUTCOME", "DETAIL", "REQUEST"], rows.map(cells)));
  if (rows.length === limit) say(`there may be more rows; see them with --after ${next}`);
}

function cells(row: AuditLogRow): string[] {
  const { seq, at, caller, action, grantId, generation, outcome, detail, requestId, sessionId } = row;
  return [
    String(seq),
    at.toISOString(),
    // No caller's name has a slash.
    sessionId === undefined ? caller : `${caller}/${sessionId}`,
    action,
    grantId ?? "",
    generation === undefined ? "" : String(generation),
    outcome,
    detail ?? "",
    requestId ?? "",
  ];
}
