import type { AuditRecord } from "../audit-store.ts";
import { bound } from "./statements.ts";
import type { Statement } from "./statements.ts";

/** All rows in one statement, which numbers and links them and holds the lock of the log's head until the commit. */
const appendRecords = "SELECT append_audit(:records::jsonb)";

/** Adds rows to the audit log; nothing where there are none. */
export function appending(records: readonly AuditRecord[]): readonly Statement[] {
  return records.length === 0 ? [] : [bound(appendRecords, { records: jsonOf(records) })];
}

function jsonOf(records: readonly AuditRecord[]): string {
  return JSON.stringify(
    records.map(
      ({ recordId, at, caller, action, grantId, generation, outcome, detail, requestId, sessionId, anchor, mac }) => ({
        record_id: recordId,
        at,
        caller,
        action,
        generation,
        outcome,
        detail,
        grant_id: grantId,
        request_id: requestId,
        session_id: sessionId,
        anchor,
        mac: Buffer.from(mac).toString("hex"),
      }),
    ),
  );
}
